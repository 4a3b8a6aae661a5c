import {
  decodeReply,
  decodeRtu,
  isRead,
  type DecodedReply,
  type ModbusRequest,
  type ReadRequest,
} from './modbus.ts'
import { shownBytes } from './shown-bytes.ts'

/**
 * Replies on a serial line (Modbus over Serial Line 1.02 §2.5). An RTU frame carries no request id and
 * no mark to begin with: what was asked says which reply is awaited, and only a frame of that unit,
 * that function and that length whose sum holds is taken for it.
 */

export interface RtuAsk {
  readonly unit: number
  readonly request: ModbusRequest
}

export type RtuReply =
  | Exclude<DecodedReply, { is: 'wrong' }>
  /** The awaited frame came several times and its sum never held. */
  | { readonly is: 'wrong'; readonly reason: string }

/** Silence between frames: 3.5 characters of 11 bits, and 1.75 ms above 19,200 baud (§2.5.1.1). */
export const rtuGapMs = (baud: number): number => (baud > 19_200 ? 1.75 : (3.5 * 11_000) / baud)

/** A frame has 256 bytes at most; twice that holds a late frame and the awaited one behind it. */
const MOST_BYTES = 512
/** Sums that may be wrong before the reply is given up, so that noise costs a bounded effort. */
const MOST_WRONG_SUMS = 3
const EXCEPTION_LENGTH = 5
/** Unit, function, address, value or count, sum. */
const WRITE_REPLY_LENGTH = 8

const dataLength = ({ function: fn, count }: ReadRequest): number =>
  fn <= 2 ? Math.ceil(count / 8) : 2 * count

/**
 * Finds the reply to one request among what a line brings: an echo of the request, a late reply to
 * another one and noise may come before it. Made anew for each request.
 */
export class RtuReplyParser {
  readonly #unit: number
  readonly #request: ModbusRequest
  readonly #dataLength: number
  readonly #echo: Uint8Array
  readonly #bytes = new Uint8Array(MOST_BYTES)
  #length = 0
  #at = 0
  /** The awaited frame begins at `#at` and is whole when so many bytes are held. */
  #wanted = 0
  /** Bytes that are those of the echo so far. */
  #echoed = 0
  #isPastEcho = false
  #hasEcho = false
  #wrongSums = 0
  #examined = 0

  /**
   * @param sent the request's frame, which some adapters hear themselves say. Empty for a write of one on a line that
   * does not: its reply is the request once more, and would be taken for the echo.
   */
  constructor({ unit, request }: RtuAsk, sent: Uint8Array) {
    this.#unit = unit
    this.#request = request
    this.#dataLength = isRead(request) ? dataLength(request) : 0
    this.#echo = sent
  }

  /** The line said the whole request back before anything else. */
  get sawEcho(): boolean {
    return this.#hasEcho
  }

  /** Bytes that came and were not the reply, the echo left out. */
  get strange(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  /** Bytes held: those looked at and those that may still become the reply. */
  get waiting(): number {
    return this.#length
  }

  /** How many bytes were looked at since the beginning, counted as often as they were. */
  get examined(): number {
    return this.#examined
  }

  /** The reply, once it is whole; after that and after `wrong` this parser has done its work. */
  push(chunk: Uint8Array): RtuReply | undefined {
    const taken = Math.min(chunk.length, MOST_BYTES - this.#length)
    this.#bytes.set(chunk.subarray(0, taken), this.#length)
    this.#length += taken
    if (!this.#skipEcho()) return undefined
    const reply = this.#scan()
    if (reply || this.#length < MOST_BYTES) return reply
    return { is: 'wrong', reason: `${MOST_BYTES} bytes came and no reply of unit ${this.#unit} among them` }
  }

  /** The line is quiet: what waits for its end will not get it. The reply may still stand behind it. */
  giveUp(): RtuReply | undefined {
    this.#isPastEcho = true
    while (this.#at < this.#length) {
      this.#wanted = 0
      const reply = this.#scan()
      if (reply) return reply
      if (this.#at < this.#length) this.#at++
    }
    return undefined
  }

  /** False while what came may still become the echo. */
  #skipEcho(): boolean {
    if (this.#isPastEcho) return true
    const held = Math.min(this.#length, this.#echo.length)
    for (; this.#echoed < held; this.#echoed++) {
      this.#examined++
      if (this.#bytes[this.#echoed] === this.#echo[this.#echoed]) continue
      this.#isPastEcho = true
      return true
    }
    if (held < this.#echo.length) return false
    this.#isPastEcho = true
    this.#hasEcho = this.#echo.length > 0
    this.#bytes.copyWithin(0, held, this.#length)
    this.#length -= held
    return true
  }

  #scan(): RtuReply | undefined {
    if (this.#length < this.#wanted) return undefined
    for (; this.#at < this.#length; this.#at++) {
      const length = this.#lengthHere()
      if (length === 0) continue
      if (length === undefined) return undefined
      this.#wanted = this.#at + length
      if (this.#length < this.#wanted) return undefined
      this.#examined += length
      const frame = decodeRtu(this.#bytes.slice(this.#at, this.#at + length))
      if (frame) {
        const reply = decodeReply(frame.pdu, this.#request)
        if (reply.is !== 'wrong') return reply
      }
      this.#wrongSums++
      if (this.#wrongSums >= MOST_WRONG_SUMS)
        return { is: 'wrong', reason: `the sum of the reply of unit ${this.#unit} does not hold` }
    }
    return undefined
  }

  /** How long the awaited frame is if it begins here; 0 where it does not, undefined while that is open. */
  #lengthHere(): number | undefined {
    const at = this.#at
    const held = this.#length - at
    this.#examined++
    if (this.#bytes[at] !== this.#unit) return 0
    if (held < 2) return undefined
    this.#examined++
    const { function: fn } = this.#request
    if (this.#bytes[at + 1] === (fn | 0x80)) return EXCEPTION_LENGTH
    if (this.#bytes[at + 1] !== fn) return 0
    if (!isRead(this.#request)) return WRITE_REPLY_LENGTH
    if (held < 3) return undefined
    this.#examined++
    return this.#bytes[at + 2] === this.#dataLength ? this.#dataLength + 5 : 0
  }
}

/** Bytes that nobody awaited, in words: whose frame it is, or the bytes themselves. */
export function describeRtu(bytes: Uint8Array): string {
  const frame = decodeRtu(bytes)
  const shown = shownBytes(bytes)
  return frame ? `a frame of unit ${frame.unit}, function ${frame.pdu[0] ?? 0}: ${shown}` : shown
}
