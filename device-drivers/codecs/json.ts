import { ignored, type Decoded, type MqttCodec } from './codec.ts'
import { parseObject, parseTime } from './json-payload.ts'

/**
 * A device of ours: `<base>/up` carries one JSON object whose keys the profile names. `id` (text, up to
 * 64 characters) and `time` (RFC 3339 or milliseconds) are optional and make a repeated message known. On an external
 * broker a device may also speak on its base topic itself.
 */
const json: MqttCodec = {
  decode(topic, payload): Decoded {
    if (topic.at(-1) !== 'up' && topic.at(-1) !== '') return ignored
    const fields = parseObject(payload)
    // `Object.hasOwn`: a payload may carry `__proto__` and must not lend keys from elsewhere.
    const id = Object.hasOwn(fields, 'id') ? fields['id'] : undefined
    const sentTime = Object.hasOwn(fields, 'time') ? fields['time'] : undefined
    const messageId =
      typeof id === 'string' && id.length >= 1 && id.length <= 64
        ? id
        : Number.isSafeInteger(id)
          ? String(id)
          : undefined
    const time = parseTime(sentTime)
    const complaint =
      id !== undefined && messageId === undefined
        ? 'id: wanted a text of 1 to 64 characters'
        : sentTime !== undefined && time === undefined
          ? 'time: wanted RFC 3339 with a zone, or milliseconds'
          : undefined
    return {
      is: 'message',
      address: topic.length === 1 ? '' : topic.slice(0, -1).join('/'),
      fields,
      ...(messageId !== undefined && { messageId }),
      ...(time !== undefined && { time }),
      ...(complaint !== undefined && { complaint }),
    }
  },
}

export default json
