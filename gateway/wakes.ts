import type { Clock, Duration, Instant } from '../base/clock.ts'

interface Wake<T> {
  readonly at: Instant
  readonly who: T
}

/** The wall clock is looked at this often, though nobody may be due for hours. */
const LOOK_EVERY_MS = 60_000
/** Less than this is a clock that is being adjusted. */
const LEAST_JUMP_MS = 1000

/**
 * Who asked to be woken when; one timer for all. The latest request of each counts. When the wall clock jumps, all are
 * woken: what they asked for was a time of the old clock, which may come days too late.
 */
export class Wakes<T extends object> {
  readonly #clock: Clock
  readonly #wake: (who: T) => void
  readonly #jumped: (by: Duration) => void
  /** A binary heap by time; entries that are no longer wanted are skipped when they surface. */
  readonly #heap: Wake<T>[] = []
  readonly #wanted = new Map<T, Instant>()
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity
  #isStopped = false
  /** How far the wall clock is ahead of the ticks, which never jump. */
  #ahead: Duration

  constructor(clock: Clock, wake: (who: T) => void, jumped: (by: Duration) => void) {
    this.#clock = clock
    this.#wake = wake
    this.#jumped = jumped
    this.#ahead = clock.now() - clock.ticks()
  }

  set(who: T, at: Instant): void {
    if (this.#wanted.get(who) === at) return
    this.#wanted.set(who, at)
    this.#push({ at, who })
    this.#arm()
  }

  /** Forgets those who are gone. */
  keep(isKept: (who: T) => boolean): void {
    for (const who of this.#wanted.keys()) if (!isKept(who)) this.#wanted.delete(who)
  }

  /** Looks whether the wall clock has jumped: before its new time is compared with one that the old clock showed. */
  look(): void {
    if (this.#isStopped) return
    if (!this.#hasJumped(this.#clock.now())) return
    // The timer waits for a time of the old clock.
    this.#cancelTimer?.()
    this.#timerAt = Infinity
    this.#wakeAll()
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
    const now = this.#clock.now()
    const wait = Math.min(Math.max(next.at - now, 0), LOOK_EVERY_MS)
    this.#timerAt = now + wait
    this.#cancelTimer = this.#clock.after(wait, () => this.#due())
  }

  #due(): void {
    this.#timerAt = Infinity
    const now = this.#clock.now()
    if (this.#hasJumped(now)) this.#wakeAll()
    for (let next = this.#heap[0]; next && next.at <= now; next = this.#heap[0]) {
      this.#pop()
      if (this.#wanted.get(next.who) !== next.at) continue
      this.#wanted.delete(next.who)
      this.#wake(next.who)
    }
    this.#arm()
  }

  #wakeAll(): void {
    const all = [...this.#wanted.keys()]
    this.#wanted.clear()
    this.#heap.length = 0
    for (const who of all) this.#wake(who)
  }

  #hasJumped(now: Instant): boolean {
    const ahead = now - this.#clock.ticks()
    const by = ahead - this.#ahead
    if (Math.abs(by) < LEAST_JUMP_MS) return false
    this.#ahead = ahead
    this.#jumped(by)
    return true
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
