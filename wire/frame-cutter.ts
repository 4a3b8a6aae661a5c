/** What a modem or a bad line puts between frames. */
export type Between =
  | { readonly kind: 'iccid'; readonly iccid: string }
  | { readonly kind: 'link' }
  /** So many bytes belonged to nothing and were thrown away. */
  | { readonly kind: 'rubbish'; readonly bytes: number }

/** The bytes that wait, seen from the place where a frame may begin. Each byte looked at is counted. */
export interface Waiting {
  length(): number
  byte(offset: number): number
  u16(offset: number): number
  /** Sum (mod 2^16) of the bytes from … to − 1, at the price of none. */
  sum(from: number, to: number): number
  /** A copy. */
  slice(from: number, to: number): Buffer
}

export type Look<E> =
  | { readonly is: 'frame'; readonly length: number; readonly event: E }
  /** Cannot be told before so many bytes are here; `then` goes on from what was seen, and looks anew where there is none. */
  | { readonly is: 'wait'; readonly until: number; readonly then?: (waiting: Waiting) => Look<E> }
  | { readonly is: 'none' }
  /** A frame whose peer wants to hear that it is wrong: said once for the bytes that it claims. */
  | { readonly is: 'broken'; readonly claims: number; readonly event: () => E }

/** How the frames of one protocol begin and end. */
export interface FrameShape<E> {
  readonly firstByte: number
  readonly longest: number
  look(waiting: Waiting): Look<E>
}

/**
 * What stands between the frames: what a modem says of itself, or a byte that a line idles with and that is no rubbish.
 */
export type Noise = 'modem' | { readonly idleByte: number }

export const noFrame = { is: 'none' } as const
export const waitFor = (until: number): { readonly is: 'wait'; readonly until: number } => ({
  is: 'wait',
  until,
})

/** Goes on with `then` at once when so many bytes are here, and later when they are not. */
export const whenThere = <E>(
  waiting: Waiting,
  until: number,
  then: (waiting: Waiting) => Look<E>,
): Look<E> => (waiting.length() < until ? { is: 'wait', until, then } : then(waiting))

/** The same frames, as other events. */
export const mapShape = <A, B>(shape: FrameShape<A>, to: (event: A) => B): FrameShape<B> => ({
  firstByte: shape.firstByte,
  longest: shape.longest,
  look: (waiting) => mapLook(shape.look(waiting), to),
})

function mapLook<A, B>(look: Look<A>, to: (event: A) => B): Look<B> {
  switch (look.is) {
    case 'frame':
      return { ...look, event: to(look.event) }
    case 'broken':
      return { ...look, event: () => to(look.event()) }
    case 'wait': {
      const { until, then } = look
      return then ? { is: 'wait', until, then: (waiting) => mapLook(then(waiting), to) } : waitFor(until)
    }
    default:
      return look
  }
}

const ICCID_LENGTH = 20

/**
 * Cuts a byte stream into frames, by length; after rubbish it goes on one byte further. Where several
 * protocols may come, the first whole frame settles which one the line speaks. It holds two of the longest
 * frames at most. Sums are differences of one running sum, which goes as far as one was asked for, so that a peer
 * that sends nothing but false beginnings costs no more than one that speaks properly.
 */
export class FrameCutter<E> {
  readonly #bytes: Buffer
  /** Running sum (mod 2^16) of the bytes before index i, from some index on; one longer than the bytes. */
  readonly #sums: Uint16Array
  /** So far it goes. */
  #summed = 0
  readonly #waiting: Waiting
  readonly #idleByte: number | undefined
  #shapes: readonly FrameShape<E>[]
  #start = 0
  #end = 0
  /** The first byte and the second, once they were looked at: the second of one beginning is the first of the next. */
  #first: number | undefined
  #second: number | undefined
  /** What was seen of the beginning goes on here. */
  #then: ((waiting: Waiting) => Look<E>) | undefined
  /** How far the bytes at the start were found to be a card number so far. */
  #cardChecked = 0
  /** No card number begins before this index: a byte that is none of its characters stands there. */
  #noCardBefore = 0
  /** Nothing that begins before this index is called broken: a broken frame claimed it. */
  #claimed = 0
  /** Do not look again before so many bytes are here. */
  #wanted = 1
  #rubbish = 0
  #examined = 0

  constructor(shapes: readonly FrameShape<E>[], noise: Noise = 'modem') {
    this.#idleByte = noise === 'modem' ? undefined : noise.idleByte
    const size = 2 * Math.max(...shapes.map(({ longest }) => longest))
    this.#shapes = shapes
    this.#bytes = Buffer.alloc(size)
    this.#sums = new Uint16Array(size + 1)
    this.#waiting = this.#view()
  }

  /** Bytes held back because their frame is not complete. */
  get waiting(): number {
    return this.#end - this.#start
  }

  /** How many bytes were looked at since the beginning, counted as often as they were. */
  get examined(): number {
    return this.#examined
  }

  push(chunk: Uint8Array): (E | Between)[] {
    const events: (E | Between)[] = []
    let taken = 0
    while (taken < chunk.length) {
      this.#makeRoom(chunk.length - taken)
      const count = Math.min(chunk.length - taken, this.#bytes.length - this.#end)
      this.#bytes.set(chunk.subarray(taken, taken + count), this.#end)
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
  giveUp(): (E | Between)[] {
    const events: (E | Between)[] = []
    while (this.#end > this.#start) {
      this.#skip()
      this.#scan(events)
    }
    this.#reportRubbish(events)
    return events
  }

  #scan(events: (E | Between)[]): void {
    while (this.#end - this.#start >= this.#wanted) {
      this.#first ??= this.#at(this.#start)
      const first = this.#first
      const shape = this.#shapes.find(({ firstByte }) => firstByte === first)
      if (shape) this.#readFrame(shape, events)
      else if (this.#idleByte !== undefined) this.#skip(first === this.#idleByte ? 0 : 1)
      else if (first === 0x38) this.#readCard(events)
      else if (first === 0x6c) this.#readLink(events)
      else this.#skip()
    }
  }

  #readFrame(shape: FrameShape<E>, events: (E | Between)[]): void {
    const look = this.#then ? this.#then(this.#waiting) : shape.look(this.#waiting)
    switch (look.is) {
      case 'wait':
        this.#wanted = look.until
        this.#then = look.then
        return
      case 'frame':
        this.#reportRubbish(events)
        events.push(look.event)
        this.#take(look.length)
        this.#shapes = [shape]
        return
      case 'broken':
        if (this.#start >= this.#claimed) {
          this.#reportRubbish(events)
          events.push(look.event())
          this.#claimed = this.#start + look.claims
        }
        this.#skip()
        return
      case 'none':
        this.#skip()
    }
  }

  #readCard(events: (E | Between)[]): void {
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

  #readLink(events: (E | Between)[]): void {
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

  #view(): Waiting {
    const at = (offset: number): number => this.#start + offset
    return {
      length: () => this.waiting,
      byte: (offset) => {
        if (offset !== 1) return this.#at(at(offset))
        this.#second ??= this.#at(at(1))
        return this.#second
      },
      u16: (offset) => this.#at(at(offset)) + 256 * this.#at(at(offset) + 1),
      sum: (from, to) => this.#sum(at(from), at(to)),
      slice: (from, to) => Buffer.from(this.#bytes.subarray(at(from), at(to))),
    }
  }

  #at(index: number): number {
    this.#examined++
    return this.#bytes[index] ?? 0
  }

  #sum(from: number, to: number): number {
    // Nobody asks for a sum that begins earlier: what was skipped is not summed.
    if (this.#summed < from) this.#summed = from
    for (; this.#summed < to; this.#summed++)
      this.#sums[this.#summed + 1] = (this.#sums[this.#summed] ?? 0) + this.#at(this.#summed)
    return ((this.#sums[to] ?? 0) - (this.#sums[from] ?? 0)) & 0xffff
  }

  /** @param rubbish 0 for what a line idles with */
  #skip(rubbish: 0 | 1 = 1): void {
    this.#rubbish += rubbish
    const second = this.#second
    this.#take(1)
    this.#first = second
  }

  #take(count: number): void {
    this.#start += count
    this.#cardChecked = 0
    this.#wanted = 1
    this.#first = undefined
    this.#second = undefined
    this.#then = undefined
  }

  #reportRubbish(events: (E | Between)[]): void {
    if (this.#rubbish > 0) events.push({ kind: 'rubbish', bytes: this.#rubbish })
    this.#rubbish = 0
  }

  /** What waits is moved when there is no room behind it, and not for every byte of a peer that trickles. */
  #makeRoom(count: number): void {
    if (this.#start === 0 || (this.#start < this.#end && this.#end + count <= this.#bytes.length)) return
    const moved = this.#start
    this.#bytes.copyWithin(0, moved, this.#end)
    this.#sums.copyWithin(0, moved, this.#end + 1)
    this.#summed = Math.max(0, this.#summed - moved)
    this.#noCardBefore = Math.max(0, this.#noCardBefore - moved)
    this.#claimed = Math.max(0, this.#claimed - moved)
    this.#start = 0
    this.#end -= moved
  }
}
