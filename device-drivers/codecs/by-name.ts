import { existsSync, readdirSync } from 'node:fs'
import { GanglionError } from '../../base/errors.ts'
import type { MqttCodec } from './codec.ts'

/** The codec that a profile or a bridge names. @throws GanglionError `config-invalid` when there is none of that name. */
export async function mqttCodec(id: string): Promise<MqttCodec> {
  const codec = await find(id)
  if (!codec)
    throw new GanglionError(
      'config-invalid',
      `"${id}" is no codec for MQTT payloads in device-drivers/codecs`,
    )
  return codec
}

/** All that a bridge of box.yaml may name; the other files of this folder decode frames. */
export async function mqttCodecNames(): Promise<ReadonlySet<string>> {
  const names = readdirSync(new URL('.', import.meta.url))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
  const found = await Promise.all(names.map(async (name) => ((await find(name)) ? [name] : [])))
  return new Set(found.flat())
}

async function find(id: string): Promise<MqttCodec | undefined> {
  const file = new URL(`./${id}.ts`, import.meta.url)
  if (!/^[a-z0-9-]+$/.test(id) || !existsSync(file)) return undefined
  const { default: loaded } = (await import(file.href)) as { default?: unknown }
  return isMqttCodec(loaded) ? loaded : undefined
}

const isMqttCodec = (value: unknown): value is MqttCodec =>
  typeof value === 'object' && value !== null && 'decode' in value && typeof value.decode === 'function'
