import { GanglionError } from '../../base/errors.ts'
import type { Fields, Presented } from '../../gateway/ports.ts'
import { decodeWiegand } from '../../wire/wiegand.ts'
import { ignored, type Decoded, type MqttCodec } from './codec.ts'
import { parseObject, parseTime } from './json-payload.ts'

/** A QR code that a reader reads is cut there; what is longer is none of ours. */
const LONGEST_CODE = 512
const SHORTEST_WITHIN_MS = 200
const LONGEST_WITHIN_MS = 10_000

/**
 * 门禁读头: `<base>/up` carries one JSON object. What the profile names are readings; with `ask` it is also a question, and
 * `<base>/down` carries the answer: `{"answer": <ask>, "granted": …, "reason": …}`.
 *
 * - `ask`: text, new each time, 8 to 64 characters of A–Z, a–z, 0–9, `.`, `_`, `-`
 * - one of `card` (hexadecimal digits of the UID), `wiegand` (26 or 34 zeros and ones, with `bitOrder` "lsb" where the
 *   first pulse stands last) and `qr` (the text of the code)
 * - `within`: milliseconds until the reader gives up; `time`: when it was shown, of readers whose clock is right
 *
 * Errors never say what was shown.
 */
const doorReader: MqttCodec = {
  decode(topic, payload): Decoded {
    if (topic.at(-1) !== 'up' && topic.at(-1) !== '') return ignored
    const object = parsed(payload)
    const address = topic.length === 1 ? '' : topic.slice(0, -1).join('/')
    const { ask, card, wiegand, qr, bitOrder, within, time, ...fields } = object
    if (ask === undefined) {
      if (card !== undefined || wiegand !== undefined || qr !== undefined)
        throw invalid('"ask" is missing: nobody could be answered')
      return { is: 'message', address, fields, ...timeOf(time) }
    }
    if (typeof ask !== 'string' || !/^[A-Za-z0-9._-]{8,64}$/.test(ask))
      throw invalid('"ask": wanted 8 to 64 letters, digits, ".", "_" or "-"')
    const presented: Presented = {
      askId: ask,
      shown: shownBy({ card, wiegand, qr, bitOrder }),
      ...(isWithin(within) && { within }),
      isRepeated: false,
    }
    return { is: 'message', address, fields, messageId: ask, ...timeOf(time), presented }
  },
}
export default doorReader

function parsed(payload: Uint8Array): Fields {
  try {
    return parseObject(payload)
  } catch {
    throw invalid('it is no JSON object; what it was is not told')
  }
}

function timeOf(time: unknown): Pick<Extract<Decoded, { is: 'message' }>, 'time'> {
  const at = parseTime(time)
  return at === undefined ? {} : { time: at }
}

const isWithin = (within: unknown): within is number =>
  typeof within === 'number' && within >= SHORTEST_WITHIN_MS && within <= LONGEST_WITHIN_MS

interface Read {
  readonly card: unknown
  readonly wiegand: unknown
  readonly qr: unknown
  readonly bitOrder: unknown
}

/** What cannot be read is an ask all the same: who stands at the door wants an answer. */
function shownBy({ card, wiegand, qr, bitOrder }: Read): Presented['shown'] {
  const given = [card, wiegand, qr].filter((one) => one !== undefined)
  if (given.length !== 1) return { is: 'unreadable' }
  if (typeof qr === 'string') {
    const text = qr.trim()
    return text !== '' && text.length <= LONGEST_CODE ? { is: 'code', text } : { is: 'unreadable' }
  }
  if (typeof card === 'string')
    return /^([0-9A-Fa-f]{2}){3,10}$/.test(card)
      ? { is: 'card', uid: card.toUpperCase() }
      : { is: 'unreadable' }
  if (typeof wiegand !== 'string' || (bitOrder !== undefined && bitOrder !== 'lsb' && bitOrder !== 'msb'))
    return { is: 'unreadable' }
  const decoded = decodeWiegand(wiegand, bitOrder === 'lsb' ? 'last-bit-first' : 'first-bit-first')
  return decoded.is === 'card' ? { is: 'card', uid: decoded.card.data } : { is: 'unreadable' }
}

const invalid = (what: string): GanglionError => new GanglionError('payload-invalid', what)
