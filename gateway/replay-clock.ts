import { instant, type Clock, type Duration, type Instant } from '../base/clock.ts'

interface Timer {
  readonly at: number
  readonly work: () => void
}

/** The clock of a replay: it goes from one event of the past to the next, and what is due in between runs in order. */
export class ReplayClock implements Clock {
  #now: number
  #ticks = 0
  /** Few: one for all wakes of the rules, one of the holding, one for each case that waits to be closed. */
  #timers: Timer[] = []

  constructor(start: Instant) {
    this.#now = start
  }

  now(): Instant {
    return instant(this.#now)
  }

  ticks(): number {
    return this.#ticks
  }

  after(wait: Duration, work: () => void): () => void {
    const timer = { at: this.#ticks + Math.max(wait, 0), work }
    // Behind those of the same time.
    const index = this.#timers.findLastIndex(({ at }) => at <= timer.at)
    this.#timers.splice(index + 1, 0, timer)
    return () => {
      const known = this.#timers.indexOf(timer)
      if (known >= 0) this.#timers.splice(known, 1)
    }
  }

  /** Goes to the next timer that is due by then and runs it; false when there is none: then it is that time. */
  step(to: Instant): boolean {
    const [next] = this.#timers
    const span = Math.max(0, to - this.#now)
    if (!next || next.at > this.#ticks + span) {
      this.#move(span)
      return false
    }
    this.#timers.shift()
    this.#move(Math.max(0, next.at - this.#ticks))
    next.work()
    return true
  }

  /** The gateway was away: time went on, and nobody was woken in it. */
  leap(to: Instant): void {
    this.#move(Math.max(0, to - this.#now))
    this.#now = to
  }

  /** The wall clock alone was set. */
  jump(to: Instant): void {
    this.#now = to
  }

  #move(span: Duration): void {
    this.#now += span
    this.#ticks += span
  }
}
