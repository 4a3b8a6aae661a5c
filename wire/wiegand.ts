/**
 * 韦根: what a card reader sends as pulses on two wires, most significant bit first. 26 bits carry 24 of the card, 34
 * carry 32; the first bit makes the parity of the first half even, the last one that of the second half odd. Pure.
 */

export const wiegandLengths = [26, 34] as const
export type WiegandLength = (typeof wiegandLengths)[number]

/** Some converters hand the frame on with its first pulse last. */
export type BitOrder = 'first-bit-first' | 'last-bit-first'

export interface WiegandCard {
  readonly length: WiegandLength
  /** What the card says, without parity: 6 or 8 hexadecimal digits in capitals. */
  readonly data: string
  /** 设施码: the upper 8 bits of the last 24, as printed before the comma of `212,07041`. */
  readonly facility: number
  /** 卡号: the lower 16 bits. */
  readonly number: number
}

export type DecodedWiegand =
  | { readonly is: 'card'; readonly card: WiegandCard }
  /** `reason` never tells what was read. */
  | { readonly is: 'wrong'; readonly reason: string }

/** @param bits zeros and ones as text, in the order in which they came */
export function decodeWiegand(bits: string, order: BitOrder = 'first-bit-first'): DecodedWiegand {
  const length = wiegandLengths.find((one) => one === bits.length)
  if (length === undefined || !/^[01]+$/.test(bits))
    return wrong(`wanted ${wiegandLengths.join(' or ')} bits; got ${bits.length} characters`)
  const frame = order === 'first-bit-first' ? bits : Array.from(bits).reverse().join('')
  const half = length / 2
  if (onesIn(frame.slice(0, half)) % 2 !== 0) return wrong('the parity of the first half is not even')
  if (onesIn(frame.slice(half)) % 2 !== 1) return wrong('the parity of the second half is not odd')
  const value = Number.parseInt(frame.slice(1, -1), 2)
  // A short circuit on the data wire reads so, with the right parity.
  if (value === 0) return wrong('a card of nothing but zeros')
  return { is: 'card', card: cardOf(length, value) }
}

/** @param data 6 hexadecimal digits for 26 bits, 8 for 34. @throws RangeError */
export function encodeWiegand(data: string, order: BitOrder = 'first-bit-first'): string {
  if (!/^([0-9A-F]{6}|[0-9A-F]{8})$/i.test(data)) throw new RangeError('wanted 6 or 8 hexadecimal digits')
  const bits = Number.parseInt(data, 16)
    .toString(2)
    .padStart(4 * data.length, '0')
  const half = bits.length / 2
  const even = onesIn(bits.slice(0, half)) % 2
  const odd = 1 - (onesIn(bits.slice(half)) % 2)
  const frame = `${even}${bits}${odd}`
  return order === 'first-bit-first' ? frame : Array.from(frame).reverse().join('')
}

/** The 24 bits of a card by what is printed on it: `212,07041`. Undefined for anything else. */
export function dataOfPrinted(text: string): string | undefined {
  const [, facility, number] = /^(\d{1,3}),(\d{1,5})$/.exec(text) ?? []
  if (facility === undefined || number === undefined) return undefined
  if (Number(facility) > 0xff || Number(number) > 0xffff) return undefined
  return hex(Number(facility) * 0x1_0000 + Number(number), 6)
}

function cardOf(length: WiegandLength, value: number): WiegandCard {
  const low = value % 0x100_0000
  return {
    length,
    data: hex(value, (length - 2) / 4),
    facility: Math.floor(low / 0x1_0000),
    number: low % 0x1_0000,
  }
}

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

const onesIn = (bits: string): number => bits.split('1').length - 1

const wrong = (reason: string): DecodedWiegand => ({ is: 'wrong', reason })
