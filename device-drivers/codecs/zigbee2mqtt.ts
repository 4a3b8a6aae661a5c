import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import { ignored, type Decoded, type MqttCodec, type NamedDevice } from './codec.ts'
import { parseObject, parseTime, parseWord } from './json-payload.ts'

const MOST_DEVICES = 1000

/**
 * Zigbee2MQTT: `<base>/<friendly name>` carries the device's whole cached state, again at every start of
 * the bridge. That is harmless: rules step on changes. The friendly name may contain `/`.
 * `<base>/bridge/devices` names all devices, also those that no site has.
 */
const zigbee2mqtt: MqttCodec = {
  decode(topic, payload): Decoded {
    const last = topic.at(-1)
    if (topic[0] === 'bridge') return ofBridge(topic.slice(1).join('/'), payload)
    if (last === undefined || last === 'set' || last === 'get') return ignored
    if (last === 'availability' && topic.length > 1)
      return { is: 'availability', address: topic.slice(0, -1).join('/'), online: isOnline(payload) }
    const fields = parseObject(payload)
    // `last_seen` is off by default; its plain text form has no zone and is of no use.
    const time = Object.hasOwn(fields, 'last_seen') ? parseTime(fields['last_seen']) : undefined
    return { is: 'message', address: topic.join('/'), fields, ...(time !== undefined && { time }) }
  },

  own: { says: ['', 'availability'], hears: ['set', 'get'] },
}

function ofBridge(what: string, payload: Uint8Array): Decoded {
  if (what === 'state') return { is: 'bridge', online: isOnline(payload) }
  if (what === 'devices') return { is: 'devices', devices: namedDevices(payload) }
  return ignored
}

/** `{"state":"online"}`, or the bare word of older versions. */
function isOnline(payload: Uint8Array): boolean {
  const word = payload[0] === 0x7b ? parseObject(payload)['state'] : parseWord(payload)
  return word === 'online'
}

/**
 * Of each device what people need to recognise it. With what every device can say and be told this list is 5-10 KB a
 * device: it obeys no bound of a device's message but the broker's.
 */
function namedDevices(payload: Uint8Array): readonly NamedDevice[] {
  let list: unknown
  try {
    list = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8'))
  } catch {
    list = undefined
  }
  if (!Array.isArray(list))
    throw new GanglionError(
      'payload-invalid',
      'wanted the list of devices of Zigbee2MQTT; got something else',
    )
  return (list.slice(0, MOST_DEVICES) as unknown[]).flatMap((device) =>
    isObject(device) && device['type'] !== 'Coordinator' && device['disabled'] !== true ? named(device) : [],
  )
}

function named(device: Fields): readonly NamedDevice[] {
  const address = textOf(device, 'friendly_name') ?? textOf(device, 'ieee_address')
  if (address === undefined) return []
  const definition = device['definition']
  const known = isObject(definition) ? definition : {}
  const vendor = textOf(known, 'vendor') ?? textOf(device, 'manufacturer')
  const model = textOf(known, 'model') ?? textOf(device, 'model_id')
  const description = textOf(known, 'description')
  const example = JSON.stringify({
    ieee_address: textOf(device, 'ieee_address'),
    description,
    power_source: textOf(device, 'power_source'),
    supported: device['supported'] !== false,
  })
  return [
    { address, ...(vendor !== undefined && { vendor }), ...(model !== undefined && { model }), example },
  ]
}

function textOf(fields: Fields, key: string): string | undefined {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export default zigbee2mqtt
