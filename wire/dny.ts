/**
 * DNY (友电 AP3000): what e-bike charging stations speak to a server over TCP.
 * `44 4E 59` | length u16 | physId u32 | messageId u16 | command u8 | data | sum u16, low byte first;
 * the length counts what follows it, the sum adds every byte before it. Between frames the modem sends
 * its card number (20 characters) and the word `link`.
 */

/** One frame, either way. */
export interface DnyFrame {
  /** The number printed on the device; its top byte is the kind (04 two ports, 09 host …). */
  readonly physId: number
  readonly messageId: number
  readonly command: number
  readonly data: Uint8Array
}

export type DnyEvent =
  | ({ readonly kind: 'frame' } & DnyFrame)
  | { readonly kind: 'iccid'; readonly iccid: string }
  | { readonly kind: 'link' }
  /** So many bytes belonged to nothing and were thrown away. */
  | { readonly kind: 'rubbish'; readonly bytes: number }

export const dnyCommands = {
  settlement: 0x03,
  portPower: 0x06,
  hostState: 0x17,
  register: 0x20,
  heartbeat: 0x21,
  alarm: 0x42,
} as const

/** A station that gets no answer to these sends them again. */
export const mustAcknowledge = (command: number): boolean =>
  command === dnyCommands.register || command === dnyCommands.heartbeat || command === dnyCommands.settlement

/** As printed on the device: `04AB373B`. */
export const physIdText = (physId: number): string => physId.toString(16).toUpperCase().padStart(8, '0')

const LARGEST_FRAME = 256
const BEFORE_DATA = 12
const SUM = 2
/** Bytes after the length field in a frame without data. */
const SHORTEST_LENGTH = 9
const LONGEST_LENGTH = LARGEST_FRAME - 5
const ICCID_LENGTH = 20

/** @throws RangeError when the data do not fit into one frame. */
export function encodeDny({ physId, messageId, command, data }: DnyFrame): Buffer {
  const total = BEFORE_DATA + data.length + SUM
  if (total > LARGEST_FRAME) throw new RangeError(`a DNY frame holds ${LARGEST_FRAME} bytes; wanted ${total}`)
  const frame = Buffer.alloc(total)
  frame.write('DNY', 0, 'latin1')
  frame.writeUInt16LE(total - 5, 3)
  frame.writeUInt32LE(physId >>> 0, 5)
  frame.writeUInt16LE(messageId & 0xffff, 9)
  frame.writeUInt8(command, 11)
  frame.set(data, BEFORE_DATA)
  let sum = 0
  for (let i = 0; i < total - SUM; i++) sum += frame[i] ?? 0
  frame.writeUInt16LE(sum & 0xffff, total - SUM)
  return frame
}

/** The answer `00` to a frame that wants one. */
export const dnyAck = (frame: DnyFrame): Buffer => encodeDny({ ...frame, data: Uint8Array.of(0) })

/**
 * Cuts a byte stream into frames. It holds at most 512 bytes, believes no length above 256, checks the
 * sum, and after rubbish goes on one byte further. Sums are differences of one running sum, so that a
 * peer that sends nothing but false beginnings costs no more than one that speaks properly.
 */
export class DnyParser {
  readonly #bytes = Buffer.alloc(2 * LARGEST_FRAME)
  /** Running sum (mod 2^16) of all bytes before index i; one longer than the bytes. */
  readonly #sums = new Uint16Array(2 * LARGEST_FRAME + 1)
  #start = 0
  #end = 0
  /** How far the bytes at the start were found to be a card number so far. */
  #cardChecked = 0
  /** No card number begins before this index: a byte that is none of its characters stands there. */
  #noCardBefore = 0
  /** Do not look again before so many bytes are here. */
  #wanted = 1
  #rubbish = 0
  #examined = 0

  /** Bytes held back because their frame is not complete. */
  get waiting(): number {
    return this.#end - this.#start
  }

  /** How many bytes were looked at since the beginning, counted as often as they were. */
  get examined(): number {
    return this.#examined
  }

  push(chunk: Uint8Array): DnyEvent[] {
    const events: DnyEvent[] = []
    let taken = 0
    while (taken < chunk.length) {
      this.#makeRoom()
      const count = Math.min(chunk.length - taken, this.#bytes.length - this.#end)
      this.#bytes.set(chunk.subarray(taken, taken + count), this.#end)
      for (let i = this.#end; i < this.#end + count; i++)
        this.#sums[i + 1] = (this.#sums[i] ?? 0) + (this.#bytes[i] ?? 0)
      this.#examined += count
      this.#end += count
      taken += count
      this.#scan(events)
    }
    this.#reportRubbish(events)
    return events
  }

  /**
   * The line has been quiet: what waits for its end will not get it. The first byte is given up, and
   * whole frames behind it come out; a wrong length must not hold back the alarm after it.
   */
  giveUp(): DnyEvent[] {
    const events: DnyEvent[] = []
    while (this.#end > this.#start) {
      this.#skip()
      this.#scan(events)
    }
    this.#reportRubbish(events)
    return events
  }

  #scan(events: DnyEvent[]): void {
    while (this.#end - this.#start >= this.#wanted) {
      this.#examined++
      switch (this.#bytes[this.#start]) {
        case 0x44:
          this.#readFrame(events)
          break
        case 0x38:
          this.#readCard(events)
          break
        case 0x6c:
          this.#readLink(events)
          break
        default:
          this.#skip()
      }
    }
  }

  #readFrame(events: DnyEvent[]): void {
    const start = this.#start
    const held = this.#end - start
    if (!this.#beginsWith('DNY')) return
    if (held < 5) {
      this.#wanted = 5
      return
    }
    this.#examined += 2
    const length = this.#bytes.readUInt16LE(start + 3)
    if (length < SHORTEST_LENGTH || length > LONGEST_LENGTH) {
      this.#skip()
      return
    }
    const total = 5 + length
    if (held < total) {
      this.#wanted = total
      return
    }
    const sumAt = start + total - SUM
    this.#examined += SUM
    const sum = ((this.#sums[sumAt] ?? 0) - (this.#sums[start] ?? 0)) & 0xffff
    if (sum !== this.#bytes.readUInt16LE(sumAt)) {
      this.#skip()
      return
    }
    this.#reportRubbish(events)
    events.push({
      kind: 'frame',
      physId: this.#bytes.readUInt32LE(start + 5),
      messageId: this.#bytes.readUInt16LE(start + 9),
      command: this.#bytes[start + 11] ?? 0,
      data: Uint8Array.prototype.slice.call(this.#bytes, start + BEFORE_DATA, sumAt),
    })
    this.#take(total)
  }

  #readCard(events: DnyEvent[]): void {
    const start = this.#start
    if (start < this.#noCardBefore) {
      this.#skip()
      return
    }
    if (this.#cardChecked === 0 && !this.#beginsWith('898')) return
    if (this.#cardChecked === 0) this.#cardChecked = 3
    const until = Math.min(this.#end - start, ICCID_LENGTH)
    for (; this.#cardChecked < until; this.#cardChecked++) {
      this.#examined++
      const byte = this.#bytes[start + this.#cardChecked] ?? 0
      // Cards for machines carry hexadecimal letters among the digits.
      if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46))) {
        this.#noCardBefore = start + this.#cardChecked
        this.#skip()
        return
      }
    }
    if (until < ICCID_LENGTH) {
      this.#wanted = until + 1
      return
    }
    this.#reportRubbish(events)
    events.push({ kind: 'iccid', iccid: this.#bytes.toString('latin1', start, start + ICCID_LENGTH) })
    this.#take(ICCID_LENGTH)
  }

  #readLink(events: DnyEvent[]): void {
    if (!this.#beginsWith('link')) return
    this.#reportRubbish(events)
    events.push({ kind: 'link' })
    this.#take(4)
  }

  /** Is the word there? Skips a byte when it is not, asks for more when it may still be. */
  #beginsWith(word: string): boolean {
    for (let i = 1; i < word.length; i++) {
      if (this.#start + i >= this.#end) {
        this.#wanted = word.length
        return false
      }
      this.#examined++
      if (this.#bytes[this.#start + i] !== word.charCodeAt(i)) {
        this.#skip()
        return false
      }
    }
    return true
  }

  #skip(): void {
    this.#rubbish++
    this.#take(1)
  }

  #take(count: number): void {
    this.#start += count
    this.#cardChecked = 0
    this.#wanted = 1
  }

  #reportRubbish(events: DnyEvent[]): void {
    if (this.#rubbish > 0) events.push({ kind: 'rubbish', bytes: this.#rubbish })
    this.#rubbish = 0
  }

  #makeRoom(): void {
    if (this.#start === 0) return
    const moved = this.#start
    this.#bytes.copyWithin(0, moved, this.#end)
    this.#sums.copyWithin(0, moved, this.#end + 1)
    this.#noCardBefore = Math.max(0, this.#noCardBefore - moved)
    this.#start = 0
    this.#end -= moved
  }
}
