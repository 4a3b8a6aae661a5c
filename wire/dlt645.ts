import {
  FrameCutter,
  noFrame,
  whenThere,
  type Between,
  type FrameShape,
  type Look,
  type Waiting,
} from './frame-cutter.ts'
import { shownBytes } from './shown-bytes.ts'

/**
 * DL/T 645-2007 (多功能电能表通信协议): how electricity meters are read on a serial line.
 * `FE` × 0…4 wakes the meter | 68 | address, 6 bytes BCD, low first | 68 | control | length | data, each
 * byte + 33H | sum mod 256 from the first 68 | 16. Pure, both directions. Meters of 1997 speak another
 * dialect with the same frame; it is recognised and refused.
 */

/** One frame, either way. */
export interface Dlt645Frame {
  /** 12 digits, as printed on the meter; `AAAAAAAAAAAA` means any. */
  readonly address: string
  /** Bit 7: from the meter, bit 6: an error, bit 5: more follows, bits 0 to 4: what is done. */
  readonly control: number
  /** With the 33H taken off. */
  readonly data: Uint8Array
}

/** Wake-up bytes are no rubbish. */
export type Dlt645Event = ({ readonly kind: 'frame' } & Dlt645Frame) | Between

export const dlt645Controls = { read: 0x11, readAddress: 0x13 } as const

export const ANY_METER = 'AAAAAAAAAAAA'

const FROM_METER = 0x80
const REFUSED = 0x40
const MORE_FOLLOWS = 0x20
const DONE = 0x1f

const START = 0x68
const END = 0x16
const WAKE_UP = 0xfe
const BEFORE_DATA = 10
const AROUND_DATA = BEFORE_DATA + 2
/** §5.2.5: a reply to a read has 200 bytes of data at most. */
const LONGEST_DATA = 200
const LONGEST_FRAME = AROUND_DATA + LONGEST_DATA

/** @throws RangeError for an address that is no 12 digits, or data that no frame carries. */
export function encodeDlt645({ address, control, data }: Dlt645Frame): Buffer {
  if (!/^(\d{12}|A{12})$/.test(address)) throw new RangeError(`wanted 12 digits; got "${address}"`)
  if (data.length > LONGEST_DATA) throw new RangeError(`a frame holds ${LONGEST_DATA} bytes of data`)
  const frame = Buffer.alloc(AROUND_DATA + data.length)
  frame[0] = START
  frame.set(Buffer.from(address, 'hex').reverse(), 1)
  frame[7] = START
  frame[8] = control
  frame[9] = data.length
  for (const [i, byte] of data.entries()) frame[BEFORE_DATA + i] = byte + 0x33
  let sum = 0
  for (let i = 0; i < frame.length - 2; i++) sum += frame[i] ?? 0
  frame[frame.length - 2] = sum
  frame[frame.length - 1] = END
  return frame
}

/** Four wake-up bytes: a sleeping meter loses the first of what it hears. */
export const withWakeUp = (frame: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(WAKE_UP, WAKE_UP, WAKE_UP, WAKE_UP), frame])

/** @param item the data identifier as tables print it, high byte first: `02010100` */
export const encodeReadItem = (address: string, item: string): Buffer =>
  encodeDlt645({ address, control: dlt645Controls.read, data: itemBytes(item) })

/** Asks the only meter of a line who it is. */
export const encodeReadAddress = (): Buffer =>
  encodeDlt645({ address: ANY_METER, control: dlt645Controls.readAddress, data: new Uint8Array(0) })

const itemBytes = (item: string): Buffer => Buffer.from(item, 'hex').reverse()
const itemText = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex').toUpperCase()

// ---- Replies ----

export type ItemReply =
  /** The item's bytes, low first. */
  | { readonly is: 'data'; readonly data: Uint8Array }
  | { readonly is: 'error'; readonly reason: string }
  | { readonly is: 'wrong'; readonly reason: string }
  /** Of another meter, or the echo of a request. */
  | { readonly is: 'other' }

/** Checks a frame against what was asked: meter and item must be those of the request. */
export function decodeItemReply(
  { address, control, data }: Dlt645Frame,
  asked: { readonly address: string; readonly item: string },
): ItemReply {
  if (!(control & FROM_METER) || (asked.address !== ANY_METER && address !== asked.address))
    return { is: 'other' }
  const isRefused = (control & REFUSED) !== 0
  const is1997 = (control & DONE) === 0x01 || (!isRefused && data.length < 4)
  if (is1997) return { is: 'wrong', reason: 'the meter speaks DL/T 645-1997; wanted the edition of 2007' }
  if ((control & DONE) !== dlt645Controls.read)
    return { is: 'wrong', reason: `wanted control code 91, got ${hexByte(control)}` }
  if (isRefused) return { is: 'error', reason: errorName(data[0] ?? 0) }
  const item = itemText(data.subarray(0, 4))
  if (item !== asked.item) return { is: 'wrong', reason: `wanted item ${asked.item}, got ${item}` }
  if (control & MORE_FOLLOWS) return { is: 'wrong', reason: `item ${item} does not fit into one frame` }
  return { is: 'data', data: data.subarray(4) }
}

/** The address in the answer to `encodeReadAddress`; undefined for any other frame. */
export const decodeAddressReply = ({ control, data }: Dlt645Frame): string | undefined =>
  control === (dlt645Controls.readAddress | FROM_METER) && data.length === 6 ? itemText(data) : undefined

/** Bytes that nobody awaited, in words: whose frame it is, or the bytes themselves. */
export function describeDlt645(bytes: Uint8Array): string {
  const [frame] = new Dlt645Parser().push(bytes).filter((event) => event.kind === 'frame')
  const shown = shownBytes(bytes)
  return frame ? `a frame of meter ${frame.address}, control code ${hexByte(frame.control)}: ${shown}` : shown
}

/** The error byte, one bit a reason (§7.1, table of the error word). */
const errorBits = [
  'another error',
  'no such data',
  'wrong password or not authorised',
  'the speed cannot be changed',
  'too many years or zones',
  'too many time slots',
  'too many tariffs',
] as const

function errorName(byte: number): string {
  const names = errorBits.filter((_, bit) => (byte >> bit) & 1)
  return names.length > 0 ? names.join(', ') : `error ${hexByte(byte)}`
}

const hexByte = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0')

// ---- Values ----

export interface BcdFormat {
  /** Digits after the point. */
  readonly decimals: number
  /** Is the top bit the sign? It then is no part of the first digit. */
  readonly isSigned: boolean
}

/** A BCD number, low byte first; undefined where a digit is none (a meter fills with FF what it has not). */
export function decodeBcd(bytes: Uint8Array, { decimals, isSigned }: BcdFormat): number | undefined {
  let value = 0
  for (let i = bytes.length - 1; i >= 0; i--) {
    const isTop = i === bytes.length - 1
    const byte = (bytes[i] ?? 0) & (isTop && isSigned ? 0x7f : 0xff)
    if (byte >> 4 > 9 || (byte & 15) > 9) return undefined
    value = value * 100 + (byte >> 4) * 10 + (byte & 15)
  }
  if (bytes.length === 0) return undefined
  const isNegative = isSigned && ((bytes[bytes.length - 1] ?? 0) & 0x80) !== 0
  return (isNegative && value !== 0 ? -value : value) / 10 ** decimals
}

/** @throws RangeError for a number that does not fit. */
export function encodeBcd(value: number, length: number, { decimals, isSigned }: BcdFormat): Buffer {
  const digits = Math.round(Math.abs(value) * 10 ** decimals)
    .toString()
    .padStart(2 * length, '0')
  const bytes = Buffer.from(digits, 'hex').reverse()
  const top = bytes[length - 1] ?? 0
  if (digits.length > 2 * length || (value < 0 && !isSigned) || (isSigned && top >= 0x80))
    throw new RangeError(`${value} does not fit into ${length} bytes`)
  if (value < 0) bytes[length - 1] = top | 0x80
  return bytes
}

// ---- Stream ----

type FrameLook = Look<{ readonly kind: 'frame' } & Dlt645Frame>

/** By its length, and never by the 16H or 68H that data may hold; the sum must hold. */
const dlt645Shape: FrameShape<{ readonly kind: 'frame' } & Dlt645Frame> = {
  firstByte: START,
  longest: LONGEST_FRAME,
  look: (waiting) =>
    whenThere(waiting, BEFORE_DATA, (header) => {
      const length = header.byte(7) === START ? header.byte(9) : Infinity
      if (length > LONGEST_DATA) return noFrame
      const total = AROUND_DATA + length
      return whenThere(header, total, (frame) => wholeFrame(frame, total))
    }),
}

function wholeFrame(waiting: Waiting, total: number): FrameLook {
  if (waiting.byte(total - 1) !== END) return noFrame
  if ((waiting.sum(0, total - 2) & 0xff) !== waiting.byte(total - 2)) return noFrame
  const bytes = waiting.slice(0, total)
  const address = itemText(bytes.subarray(1, 7))
  if (!/^(\d{12}|A{12})$/.test(address)) return noFrame
  const data = Uint8Array.from(bytes.subarray(BEFORE_DATA, total - 2), (byte) => byte - 0x33)
  return {
    is: 'frame',
    length: total,
    event: { kind: 'frame', address, control: bytes.readUInt8(8), data },
  }
}

/** Cuts what a line brings into frames. */
export class Dlt645Parser extends FrameCutter<{ readonly kind: 'frame' } & Dlt645Frame> {
  constructor() {
    super([dlt645Shape], { idleByte: WAKE_UP })
  }
}
