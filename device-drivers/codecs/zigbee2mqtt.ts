import { ignored, type Decoded, type MqttCodec } from './codec.ts'
import { parseObject, parseTime, parseWord } from './json-payload.ts'

/**
 * Zigbee2MQTT: `<base>/<friendly name>` carries the device's whole cached state, again at every start of
 * the bridge. That is harmless: rules step on changes. The friendly name may contain `/`.
 */
const zigbee2mqtt: MqttCodec = {
  decode(topic, payload): Decoded {
    const last = topic.at(-1)
    if (topic[0] === 'bridge' || last === undefined || last === 'set' || last === 'get') return ignored
    if (last === 'availability' && topic.length > 1)
      return { is: 'availability', address: topic.slice(0, -1).join('/'), online: isOnline(payload) }
    const fields = parseObject(payload)
    // `last_seen` is off by default; its plain text form has no zone and is of no use.
    const time = Object.hasOwn(fields, 'last_seen') ? parseTime(fields['last_seen']) : undefined
    return { is: 'message', address: topic.join('/'), fields, ...(time !== undefined && { time }) }
  },
}

/** `{"state":"online"}`, or the bare word of older versions. */
function isOnline(payload: Uint8Array): boolean {
  const word = payload[0] === 0x7b ? parseObject(payload)['state'] : parseWord(payload)
  return word === 'online'
}

export default zigbee2mqtt
