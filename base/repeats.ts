import type { Clock } from './clock.ts'

/** What was said about one kind of trouble: how often, and the last example. */
export interface Trouble {
  readonly what: string
  readonly count: number
  readonly last: string
}

/**
 * Counts troubles and reports each kind at once when new and then at most once a second with its count,
 * so that a broken device cannot flood the log.
 */
export class Repeats {
  readonly #clock: Clock
  readonly #report: (trouble: Trouble) => void
  readonly #totals = new Map<string, { count: number; last: string }>()
  readonly #waiting = new Map<string, number>()
  #stopTimer: (() => void) | undefined

  constructor(clock: Clock, report: (trouble: Trouble) => void) {
    this.#clock = clock
    this.#report = report
  }

  add(what: string, example: string): void {
    const total = this.#totals.get(what)
    if (total) {
      total.count++
      total.last = example
    } else {
      // The kinds come from our own code and device ids; the bound is for a mistake there.
      if (this.#totals.size >= 10_000) return
      this.#totals.set(what, { count: 1, last: example })
    }
    const waiting = this.#waiting.get(what)
    this.#waiting.set(what, (waiting ?? 0) + 1)
    if (waiting === undefined) {
      this.#report({ what, count: 1, last: example })
      this.#waiting.set(what, 0)
    }
    this.#stopTimer ??= this.#clock.after(1000, () => this.#flush())
  }

  /** All kinds since the start, for health. */
  totals(): readonly Trouble[] {
    return [...this.#totals].map(([what, { count, last }]) => ({ what, count, last }))
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  #flush(): void {
    this.#stopTimer = undefined
    for (const [what, count] of this.#waiting) {
      if (count > 0) this.#report({ what, count, last: this.#totals.get(what)?.last ?? '' })
      if (count > 0) this.#waiting.set(what, 0)
      else this.#waiting.delete(what)
    }
    if (this.#waiting.size > 0) this.#stopTimer = this.#clock.after(1000, () => this.#flush())
  }
}
