import type { Clock, Duration } from '../../base/clock.ts'

/** A reader that ends its lines by nothing falls silent for longer than this. */
const SILENCE_MS: Duration = 100
const ENDS: ReadonlySet<number> = new Set([0x0d, 0x0a, 0x03, 0x00])
const STARTS_TEXT = 0x02

/** Cuts what a reader prints into lines: by CR, LF, ETX, NUL or silence. A line beyond the bound is counted, not kept. */
export class TextLines {
  readonly #clock: Clock
  readonly #longest: number
  readonly #line: (text: string) => void
  readonly #tooLong: () => void
  #text = ''
  #isTooLong = false
  #cancel = (): void => undefined

  constructor(given: {
    readonly clock: Clock
    readonly longest: number
    readonly line: (text: string) => void
    readonly tooLong: () => void
  }) {
    this.#clock = given.clock
    this.#longest = given.longest
    this.#line = given.line
    this.#tooLong = given.tooLong
  }

  push(chunk: Uint8Array): void {
    this.#cancel()
    for (const byte of chunk) {
      if (ENDS.has(byte)) this.#end()
      else if (byte !== STARTS_TEXT) this.#add(byte)
    }
    if (this.#text !== '' || this.#isTooLong) this.#cancel = this.#clock.after(SILENCE_MS, () => this.#end())
  }

  /** What was begun is given up. */
  stop(): void {
    this.#cancel()
    this.#text = ''
    this.#isTooLong = false
  }

  #add(byte: number): void {
    if (this.#text.length < this.#longest) this.#text += String.fromCharCode(byte)
    else this.#isTooLong = true
  }

  #end(): void {
    const text = this.#text
    const isTooLong = this.#isTooLong
    this.stop()
    if (isTooLong) this.#tooLong()
    else if (text.trim() !== '') this.#line(text)
  }
}
