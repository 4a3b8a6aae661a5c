import { instant, type Clock, type Duration, type Instant } from '../../base/clock.ts'

interface Timer {
  readonly at: number
  readonly work: () => void
}

/** A clock that leaps from timer to timer; between two of them all that waits for a promise goes on. */
export class EventClock implements Clock {
  #ticks = 0
  #timers: Timer[] = []

  now(): Instant {
    return instant(this.#ticks)
  }

  ticks(): number {
    return this.#ticks
  }

  after(wait: Duration, work: () => void): () => void {
    const timer = { at: this.#ticks + Math.max(wait, 0), work }
    const index = this.#timers.findLastIndex(({ at }) => at <= timer.at)
    this.#timers.splice(index + 1, 0, timer)
    return () => {
      const known = this.#timers.indexOf(timer)
      if (known >= 0) this.#timers.splice(known, 1)
    }
  }

  async until(ticks: number): Promise<void> {
    await settled()
    for (let next = this.#timers[0]; next && next.at <= ticks; next = this.#timers[0]) {
      this.#timers.shift()
      this.#ticks = next.at
      next.work()
      await settled()
    }
    this.#ticks = ticks
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
