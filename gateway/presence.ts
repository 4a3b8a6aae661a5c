import type { Clock, Duration, Instant } from '../base/clock.ts'
import type { Change } from './store/schema.ts'
import type { Store } from './store/store.ts'

/** One stretch in which the gateway ran and its wall clock was not set anew. */
type Stretch = readonly [from: number, until: number]

const NOTED_EVERY_MS = 10 * 60_000
/** Older ones are forgotten: what was silent in them counts for nothing, which only delays. */
const MOST_STRETCHES = 32
/** Less than this is a clock that is being adjusted, as in wakes.ts. */
const LEAST_JUMP_MS = 1000

/**
 * 在岗: when the gateway was there to hear. What a device did not say while the gateway was away is no silence; what it
 * did not say before an update still is. Noted every ten minutes and at the end, so that a crash forgets ten at most.
 */
export class Presence {
  readonly #store: Store
  readonly #clock: Clock
  /** Of earlier runs, and of this one before its clock was set anew. */
  #past: readonly Stretch[]
  #from: number
  #ahead: number
  #cancel: () => void

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    const noted = store.reader.prepare("SELECT value FROM meta WHERE key = 'presence'").pluck().get()
    this.#past = typeof noted === 'string' ? (JSON.parse(noted) as Stretch[]) : [] // written by this class
    this.#from = clock.now()
    this.#ahead = clock.now() - clock.ticks()
    this.#cancel = clock.after(NOTED_EVERY_MS, () => this.#note())
  }

  /**
   * How long the gateway was there after that moment of an earlier run without hearing more; 0 where nobody can say,
   * because the moment lies in no stretch: then a whole new time is given.
   */
  silenceSince(heardAt: Instant): Duration {
    const index = this.#past.findLastIndex(([from, until]) => from <= heardAt && heardAt <= until)
    const [first, ...later] = index < 0 ? [] : this.#past.slice(index)
    if (!first) return 0
    return later.reduce((sum, [from, until]) => sum + until - from, first[1] - heardAt)
  }

  /** No more is noted; the change notes the end. */
  stop(): Change {
    this.#cancel()
    return this.#change()
  }

  #note(): void {
    this.#cancel = this.#clock.after(NOTED_EVERY_MS, () => this.#note())
    // The store has said what is wrong; the next one notes as much.
    this.#store.put(this.#change()).catch(() => undefined)
  }

  #change(): Change {
    const now = this.#clock.now()
    const ahead = now - this.#clock.ticks()
    const by = ahead - this.#ahead
    if (Math.abs(by) >= LEAST_JUMP_MS) {
      this.#past = [...this.#past, [this.#from, now - by]]
      this.#from = now
    }
    this.#ahead = ahead
    this.#past = this.#past.slice(-MOST_STRETCHES)
    return ['putMeta', 'presence', JSON.stringify([...this.#past, [this.#from, now] as const].map(rounded))]
  }
}

const rounded = ([from, until]: Stretch): Stretch => [Math.round(from), Math.round(until)]
