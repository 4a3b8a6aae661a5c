import { isUtf8 } from 'node:buffer'
import { GanglionError } from '../../base/errors.ts'
import type { Presented } from '../../gateway/ports.ts'
import type { Decoded, MqttCodec } from './codec.ts'

/** How a reader prints a card: its bytes, or one number of 24 or 32 bits. */
export const cardFormats = ['hex', 'decimal-24', 'decimal-32'] as const
export type CardFormat = (typeof cardFormats)[number]

/** What is longer is no QR code of a door. */
export const LONGEST_LINE = 512

/** 读头文本: what a reader prints of a card or a code, as one line of text. */
export function shownByText(line: string, format: CardFormat = 'hex'): Presented['shown'] {
  const text = line.trim()
  if (text.length > LONGEST_LINE) return { is: 'unreadable' }
  if (/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(text)) return { is: 'code', text }
  if (format === 'hex') {
    const digits = text.replaceAll(/[: -]/g, '').toUpperCase()
    return /^([0-9A-F]{2}){3,10}$/.test(digits) ? { is: 'card', uid: digits } : { is: 'unreadable' }
  }
  const most = format === 'decimal-24' ? 0xff_ffff : 0xffff_ffff
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > most) return { is: 'unreadable' }
  return {
    is: 'card',
    uid: number
      .toString(16)
      .toUpperCase()
      .padStart(format === 'decimal-24' ? 6 : 8, '0'),
  }
}

/** A reader that publishes the bare text. It gives its asks no number, so that its answers carry `text`. */
const doorText: MqttCodec = {
  decode(topic, payload): Decoded {
    if (payload.length === 0 || payload.length > LONGEST_LINE + 2 || !isUtf8(payload))
      throw new GanglionError(
        'payload-invalid',
        `wanted 1 to ${LONGEST_LINE} characters; what came is not told`,
      )
    const shown = shownByText(Buffer.from(payload).toString('utf8'))
    const address = topic.length === 1 ? '' : topic.slice(0, -1).join('/')
    return { is: 'message', address, fields: {}, presented: { askId: 'text', shown, isRepeated: false } }
  },
}
export default doorText
