import { instant, type Instant } from '../base/clock.ts'

/** Which decoded frames are looked at, and when what they show really was. */

export interface Arrival {
  readonly now: Instant
  /** Monotonic milliseconds. */
  readonly ticks: number
}

export interface Timed {
  /** The wall time of the picture: arrival less its delay against the quickest recent frame. */
  readonly at: Instant
  readonly is: 'sample' | 'between' | 'late'
}

const SAMPLE_EVERY_MS = 500
/** Pictures older than this are decoded and not looked at: the detector must catch up with the present. */
const LATEST_MS = 2000
/** The camera's crystal and ours drift apart: the quickest frame is that of the last one to two minutes. */
const WINDOW_MS = 60_000
/** A camera that restarts its stream starts its times anew. */
const LARGEST_STEP_MS = 10_000

/** Sampling and wall time by PTS of one stream: arrival times bunch, PTS do not. */
export class FrameClock {
  #lastPts: number | undefined
  #nextDue = -Infinity
  /** Least (ticks − PTS) of this window and of the one before it. */
  #quickest = Infinity
  #quickestBefore = Infinity
  #windowEnds = -Infinity

  take(ptsMs: number, { now, ticks }: Arrival): Timed {
    const step = this.#lastPts === undefined ? 0 : ptsMs - this.#lastPts
    if (step < -1000 || step > LARGEST_STEP_MS) this.#startAnew()
    this.#lastPts = ptsMs
    const lag = this.#lag(ticks - ptsMs, ticks)
    const at = instant(now - Math.round(lag))
    if (ptsMs < this.#nextDue) return { at, is: 'between' }
    if (lag > LATEST_MS) return { at, is: 'late' }
    // In step while frames come steadily; after a gap from the present one on.
    const isBehind = ptsMs - this.#nextDue > SAMPLE_EVERY_MS
    this.#nextDue = (isBehind ? ptsMs : this.#nextDue) + SAMPLE_EVERY_MS
    return { at, is: 'sample' }
  }

  #lag(offset: number, ticks: number): number {
    if (ticks >= this.#windowEnds) {
      this.#quickestBefore = this.#quickest
      this.#quickest = Infinity
      this.#windowEnds = ticks + WINDOW_MS
    }
    this.#quickest = Math.min(this.#quickest, offset)
    return offset - Math.min(this.#quickest, this.#quickestBefore)
  }

  #startAnew(): void {
    this.#nextDue = -Infinity
    this.#quickest = Infinity
    this.#quickestBefore = Infinity
    this.#windowEnds = -Infinity
  }
}
