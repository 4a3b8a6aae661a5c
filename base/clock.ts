/** A point in time: milliseconds since 1970-01-01T00:00:00Z. The only way to name a moment in Ganglion. */
export type Instant = number & { readonly __instant: unique symbol }

/** A span of time in milliseconds. */
export type Duration = number

/** The brand is made here and nowhere else. */
export const instant = (ms: number): Instant => ms as Instant

export const later = (at: Instant, wait: Duration): Instant => instant(at + wait)

/** RFC 3339 in UTC with milliseconds, as cases and events carry it. */
export const isoTime = (at: Instant): string => new Date(at).toISOString()

/** A clock before this was never set: a box without a battery wakes in 1970 or on the day its image was made. */
const EARLIEST_TIME = Date.UTC(2026, 0, 1)

export const isClockSet = (now: Instant): boolean => now >= EARLIEST_TIME

/** Reads the clock and sets timers; nothing else in Ganglion does. */
export interface Clock {
  /** The wall clock. It may jump: compare spans with `ticks`. */
  now(): Instant
  /** Milliseconds that only ever grow, for measuring spans. */
  ticks(): number
  /** Calls `work` once after `wait`; the answer cancels it. */
  after(wait: Duration, work: () => void): () => void
}

/** Waits, and throws the signal's reason when it is aborted meanwhile. */
export function pause(clock: Clock, wait: Duration, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error)
      return
    }
    const cancel = clock.after(wait, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** setTimeout fires at once above this many milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => instant(Date.now()),
  ticks: () => performance.now(),
  after(wait, work) {
    const timer = setTimeout(work, Math.min(Math.max(wait, 0), LONGEST_TIMER))
    return () => clearTimeout(timer)
  },
}

/** A clock that stands until it is turned: tests and fast replay. */
export class FakeClock implements Clock {
  #now: number
  #ticks = 0
  #order = 0
  #timers: { readonly at: number; readonly order: number; readonly work: () => void }[] = []

  constructor(start: Instant | string = '2026-03-02T08:00:00+08:00') {
    this.#now = typeof start === 'string' ? Date.parse(start) : start
  }

  now(): Instant {
    return instant(this.#now)
  }

  ticks(): number {
    return this.#ticks
  }

  after(wait: Duration, work: () => void): () => void {
    const timer = { at: this.#ticks + Math.max(wait, 0), order: this.#order++, work }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Moves both clocks on; due timers run in order, and what they await runs before the next one. */
  async turn(span: Duration): Promise<void> {
    const until = this.#ticks + span
    for (;;) {
      await settled()
      const due = this.#timers.filter((timer) => timer.at <= until)
      due.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = due[0]
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#move(next.at)
      next.work()
    }
    this.#move(until)
    await settled()
  }

  /** The wall clock jumps (NTP, a dead RTC); timers do not. */
  jump(to: Instant): void {
    this.#now = to
  }

  #move(ticks: number): void {
    this.#now += ticks - this.#ticks
    this.#ticks = ticks
  }
}

/** Lets every promise that can go on without I/O go on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
