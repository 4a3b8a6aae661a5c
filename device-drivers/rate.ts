import type { Clock } from '../base/clock.ts'

/** So many a second on average, twice as many at once. */
export class Rate {
  readonly #clock: Clock
  readonly #perSecond: number
  #left: number
  #at: number

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#left = 2 * perSecond
    this.#at = clock.ticks()
  }

  /** Takes one; false when none is left. */
  take(): boolean {
    const now = this.#clock.ticks()
    this.#left = Math.min(2 * this.#perSecond, this.#left + ((now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
