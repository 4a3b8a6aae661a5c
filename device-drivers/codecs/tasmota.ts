import type { Fields } from '../../gateway/ports.ts'
import { ignored, type Decoded, type MqttCodec } from './codec.ts'
import { parseObject, parseWord } from './json-payload.ts'

/** What a device says of its own accord (`tele`) and after a change or a command (`stat`). */
const PREFIXES: readonly string[] = ['tele', 'stat']
const TEMPLATE = '%prefix%'

/**
 * Tasmota: `tele/<topic>/SENSOR`, `…/STATE` every TelePeriod, `stat/<topic>/POWER` on change, and `tele/<topic>/LWT`.
 * Its FullTopic may put the prefix anywhere: a base topic without `%prefix%` finds it first or before the last level.
 * Two channels are arrays (`ENERGY.Power.0`), and `Time` has no zone: the time of arrival counts.
 */
const tasmota: MqttCodec = {
  decode(topic, payload): Decoded {
    const address = addressOf(topic)
    const word = topic.at(-1) ?? ''
    if (address === undefined) return ignored
    if (word === 'LWT') return { is: 'availability', address, online: parseWord(payload) === 'Online' }
    if (/^POWER\d{0,2}$/.test(word)) return { is: 'message', address, fields: { [word]: parseWord(payload) } }
    if (word === 'SENSOR' || word === 'STATE' || word === 'RESULT')
      return { is: 'message', address, fields: parseObject(payload) }
    // The answer to `Status 8` and `Status 10` is a SENSOR message in a wrapper.
    if (word === 'STATUS8' || word === 'STATUS10') {
      const fields = parseObject(payload)['StatusSNS']
      return isObject(fields) ? { is: 'message', address, fields } : ignored
    }
    return ignored
  },

  roots: (base) =>
    base.includes(TEMPLATE)
      ? PREFIXES.map((prefix) => ({ topic: base.replace(TEMPLATE, prefix), lead: [prefix] }))
      : [{ topic: base, lead: [] }],

  own: { says: ['tele/#', 'stat/#'], hears: ['cmnd/#'] },

  tells(base, address, leaf) {
    const root = base.includes(TEMPLATE) ? base.replace(TEMPLATE, 'cmnd') : `${base}/cmnd`
    return [root, ...(address === undefined ? [] : [address]), leaf].join('/')
  },
}

/** `tele/plug-1/SENSOR` and `plug-1/tele/SENSOR` are both `plug-1`. */
function addressOf(topic: readonly string[]): string | undefined {
  if (topic.length >= 2 && PREFIXES.includes(topic[0] ?? '')) return topic.slice(1, -1).join('/')
  if (PREFIXES.includes(topic.at(-2) ?? '')) return topic.slice(0, -2).join('/')
  return undefined
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export default tasmota
