import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { shippedRooms } from '../../commands/rooms.ts'
import { bytesOf, type ExampleBytes } from '../../device-drivers/example-fields.ts'
import { readProfile } from '../../gateway/profile-shelf.ts'
import type { Profile } from '../../gateway/profile.ts'

const frameCodecs = ['dny', 'juy', 'gb26875', 'dlt645', 'modbus'] as const

/** What the shipped profiles show of each codec: what is tried begins with what is right. */
export interface Examples {
  readonly profiles: readonly Profile[]
  readonly frames: Readonly<Record<(typeof frameCodecs)[number], readonly Uint8Array[]>>
  readonly payloads: (codec: string) => readonly ExampleBytes[]
}

export async function readExamples(): Promise<Examples> {
  const { profiles: folder } = await shippedRooms()
  const profiles = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => [...readProfile(file.replace(/\.yaml$/, ''), join(folder, file)).values()])
  const payloads = (codec: string): readonly ExampleBytes[] =>
    profiles.filter((profile) => profile.codec === codec).flatMap(({ examples }) => examples.map(bytesOf))
  const framesOf = (codec: string): readonly Uint8Array[] => payloads(codec).map(({ bytes }) => bytes)
  const [dny, juy, gb26875, dlt645, modbus] = frameCodecs.map(framesOf)
  if (!dny?.length || !juy?.length || !gb26875?.length || !dlt645?.length || !modbus?.length)
    throw new Error('each codec of frames has examples among the shipped profiles')
  return { profiles, payloads, frames: { dny, juy, gb26875, dlt645, modbus } }
}
