import type { Clock, Duration } from '../base/clock.ts'

const SOON_MS = 2000
const LATE_MS = 30_000
const SOON_UNTIL_MS = 5 * 60_000

/** The wait of a connector that is away: a probe every 2 s in the first 5 minutes, every 30 s later, Retry-After obeyed. */
export class BackOff {
  readonly #clock: Clock
  #awaySince: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isAway(): boolean {
    return this.#awaySince !== undefined
  }

  /** How long to wait before the next probe. */
  away(asked?: Duration): Duration {
    const now = this.#clock.ticks()
    this.#awaySince ??= now
    const own = now - this.#awaySince < SOON_UNTIL_MS ? SOON_MS : LATE_MS
    return Math.max(own, asked ?? 0)
  }

  back(): void {
    this.#awaySince = undefined
  }
}
