import { existsSync } from 'node:fs'
import { GanglionError } from '../../base/errors.ts'
import type { MqttCodec } from './codec.ts'

/** The codec that a profile or a bridge names. @throws GanglionError `config-invalid` when there is none of that name. */
export async function mqttCodec(id: string): Promise<MqttCodec> {
  const file = new URL(`./${id}.ts`, import.meta.url)
  const loaded: unknown =
    /^[a-z0-9-]+$/.test(id) && existsSync(file)
      ? ((await import(file.href)) as { default?: unknown }).default
      : undefined
  if (!isMqttCodec(loaded))
    throw new GanglionError(
      'config-invalid',
      `"${id}" is no codec for MQTT payloads in device-drivers/codecs`,
    )
  return loaded
}

const isMqttCodec = (value: unknown): value is MqttCodec =>
  typeof value === 'object' && value !== null && 'decode' in value && typeof value.decode === 'function'
