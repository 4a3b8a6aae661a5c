import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { shippedRooms } from '../../commands/rooms.ts'
import { mqttCodecNames } from '../../device-drivers/codecs/by-name.ts'
import { decodeItem, itemParts } from '../../device-drivers/codecs/dlt645.ts'
import { decodeDny } from '../../device-drivers/codecs/dny.ts'
import { decodeGb26875 } from '../../device-drivers/codecs/gb26875.ts'
import { decodeJuy } from '../../device-drivers/codecs/juy.ts'
import { decodeRegisters, partOf } from '../../device-drivers/codecs/modbus.ts'
import { ItemReplyParser } from '../../device-drivers/dlt645/item-reply.ts'
import { bytesOf, fieldsOf, frameCodecs } from '../../device-drivers/example-fields.ts'
import { readProfile } from '../../gateway/profile-shelf.ts'
import type { Profile } from '../../gateway/profile.ts'
import { Dlt645Parser, encodeDlt645 } from '../../wire/dlt645.ts'
import { DnyParser } from '../../wire/dny.ts'
import { GbParser } from '../../wire/gb26875.ts'
import { JuyParser } from '../../wire/juy.ts'
import { decodeReply, decodeRequest, decodeRtu } from '../../wire/modbus.ts'
import type { Measurement } from '../area.ts'
import type { Measured } from '../rows.ts'

const codecs = [
  ...['modbus', 'dlt645', 'dny', 'juy', 'gb26875', 'json', 'zigbee2mqtt', 'tasmota', 'chirpstack'],
  ...['heiman-nb', 'fanhai-nb', 'tuobao-nb', 'door-reader', 'door-text'],
] as const

export const decodeRows: readonly string[] = codecs.map((codec) => `decode-${codec}`)

/** A request to read in Modbus RTU; the reply stands behind it. */
const REQUEST_BYTES = 8
/** Rounds between two looks at the clock. */
const ROUNDS = 50

/** From the bytes of a message to its fields, on one core: all examples of all shipped profiles of each codec in turn. */
export const decode: Measurement = {
  rows: decodeRows,
  kind: 'figures',
  async run(run) {
    const known = new Set([...frameCodecs.filter((name) => name !== 'rtsp'), ...(await mqttCodecNames())])
    const unmeasured = [...known].filter((name) => !codecs.some((codec) => codec === name))
    if (unmeasured.length > 0) throw new Error(`no row measures the codec ${unmeasured.join(', ')}`)
    const profiles = await shippedProfiles()
    const measured: Measured[] = []
    for (const codec of codecs) {
      run.say(`decode-${codec}`)
      const own = profiles.filter((profile) => profile.codec === codec)
      const decodes = await Promise.all(own.map(decodesOf))
      measured.push(rateOf(codec, decodes.flat(), run.either(3000, 400), run.fsyncMs))
    }
    return measured
  },
}

async function shippedProfiles(): Promise<readonly Profile[]> {
  const { profiles: folder } = await shippedRooms()
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => [...readProfile(file.replace(/\.yaml$/, ''), join(folder, file)).values()])
}

/** One function for each example of a profile, with all that the gateway makes ready once. */
async function decodesOf(profile: Profile): Promise<readonly (() => object)[]> {
  const fields = await fieldsOf(profile)
  return profile.examples.map((example) => {
    const given = bytesOf(example)
    const frames = frameDecodes[profile.codec]
    return frames ? frames(given.bytes, profile) : () => fields(given)
  })
}

/** A connection has one parser for its life, and a unit one list of what its registers hold. */
const frameDecodes: Readonly<Record<string, (bytes: Uint8Array, profile: Profile) => () => object>> = {
  dny(bytes) {
    const parser = new DnyParser()
    return () => parser.push(bytes).map((event) => (event.kind === 'frame' ? decodeDny(event) : event))
  },
  juy(bytes) {
    const parser = new JuyParser()
    return () => parser.push(bytes).map((event) => (event.kind === 'frame' ? decodeJuy(event) : event))
  },
  gb26875(bytes) {
    const parser = new GbParser()
    return () =>
      parser.push(bytes).map((event) => (event.kind === 'frame' ? decodeGb26875(event.data) : event))
  },
  dlt645(bytes, profile) {
    const parts = itemParts(profile)
    const replies = new Dlt645Parser().push(bytes).flatMap((event) => {
      if (event.kind !== 'frame') return []
      const item = Buffer.from(event.data.subarray(0, 4)).reverse().toString('hex').toUpperCase()
      const part = parts.find((one) => one.item === item)
      return part ? [{ part, asked: { address: event.address, item }, frame: encodeDlt645(event) }] : []
    })
    return () => {
      const fields: Record<string, unknown> = {}
      for (const { part, asked, frame } of replies) {
        const reply = new ItemReplyParser(asked).push(frame)
        if (reply?.is === 'data') decodeItem(part, reply.data, fields)
      }
      return fields
    }
  },
  modbus(bytes, profile) {
    const asked = decodeRtu(bytes.subarray(0, REQUEST_BYTES))
    const request = asked && decodeRequest(asked.pdu)
    if (request?.is !== 'read') throw new Error(`an example of ${profile.id} is no request and its reply`)
    const part = partOf(profile.points, request.request)
    const reply = bytes.subarray(REQUEST_BYTES)
    return () => {
      const told = decodeRtu(reply)
      const answer = told && decodeReply(told.pdu, request.request)
      const fields: Record<string, unknown> = {}
      if (answer?.is === 'data') decodeRegisters(part, answer.data, fields)
      return fields
    }
  },
}

function rateOf(
  codec: string,
  decodes: readonly (() => object)[],
  spanMs: number,
  fsyncMs: number,
): Measured {
  if (decodes.length === 0) throw new Error(`no shipped profile has an example of the codec ${codec}`)
  const spin = (
    forMs: number,
  ): { readonly count: number; readonly found: number; readonly tookMs: number } => {
    const startedAt = performance.now()
    let [count, found, tookMs] = [0, 0, 0]
    while (tookMs < forMs) {
      for (let round = 0; round < ROUNDS; round++)
        for (const one of decodes) found += Object.keys(one()).length
      count += ROUNDS * decodes.length
      tookMs = performance.now() - startedAt
    }
    return { count, found, tookMs }
  }
  spin(spanMs / 2)
  const { count, found, tookMs } = spin(spanMs)
  return {
    name: `decode-${codec}`,
    value: (count / tookMs) * 1000,
    notes: {
      messages: count,
      devices: 1,
      fsyncMs,
      cpu: {},
      said: [
        `${decodes.length} examples of shipped profiles, one core, one after the other; ${(found / count).toFixed(1)} fields each`,
      ],
    },
  }
}
