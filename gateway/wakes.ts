import type { Clock, Instant } from '../base/clock.ts'

interface Wake<T> {
  readonly at: Instant
  readonly who: T
}

/** Who asked to be woken when; one timer for all. The latest request of each counts. */
export class Wakes<T extends object> {
  readonly #clock: Clock
  readonly #wake: (who: T) => void
  /** A binary heap by time; entries that are no longer wanted are skipped when they surface. */
  readonly #heap: Wake<T>[] = []
  readonly #wanted = new Map<T, Instant>()
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity
  #isStopped = false

  constructor(clock: Clock, wake: (who: T) => void) {
    this.#clock = clock
    this.#wake = wake
  }

  set(who: T, at: Instant): void {
    if (this.#wanted.get(who) === at) return
    this.#wanted.set(who, at)
    this.#push({ at, who })
    this.#arm()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelTimer?.()
  }

  #arm(): void {
    const next = this.#heap[0]
    if (!next || this.#isStopped || next.at >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = next.at
    this.#cancelTimer = this.#clock.after(Math.max(next.at - this.#clock.now(), 0), () => this.#due())
  }

  #due(): void {
    this.#timerAt = Infinity
    const now = this.#clock.now()
    for (let next = this.#heap[0]; next && next.at <= now; next = this.#heap[0]) {
      this.#pop()
      if (this.#wanted.get(next.who) !== next.at) continue
      this.#wanted.delete(next.who)
      this.#wake(next.who)
    }
    this.#arm()
  }

  #push(wake: Wake<T>): void {
    const heap = this.#heap
    let at = heap.push(wake) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (!parent || parent.at <= wake.at) break
      heap[at] = parent
      at = above
    }
    heap[at] = wake
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      const left = heap[below]
      const right = heap[below + 1]
      if (!left) break
      if (right && right.at < left.at) below++
      const least = heap[below]
      if (!least || least.at >= last.at) break
      heap[at] = least
      at = below
    }
    heap[at] = last
  }
}
