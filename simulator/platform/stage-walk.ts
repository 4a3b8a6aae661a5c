import type { Clock, Duration } from '../../base/clock.ts'

/** The platform's own words for the stages it walks a case through. */
export const ownWords: Readonly<Record<string, string>> = {
  delivered: '待受理',
  accepted: '受理',
  filed: '立案',
  dispatched: '派遣',
  processing: '处理中',
  handled: '反馈',
  verifying: '核查',
  closed: '结案',
}

const realWalk = Object.keys(ownWords)
/** A drill is seen and closed; nobody is sent out. */
const drillWalk = ['delivered', 'accepted', 'closed']

/** The stage after this one; `delivered` for a case that no platform has seen, nothing after the last. */
export function nextStage(stage: string, isDrill: boolean): string | undefined {
  const walk = isDrill ? drillWalk : realWalk
  const at = walk.indexOf(stage)
  if (at >= 0) return walk[at + 1]
  return stage === 'raised' ? walk[0] : undefined
}

/** How long a case stays in a stage before the next one: one time for all, or its own for some. */
export type StepMs = Duration | Readonly<Record<string, Duration>>

const USUAL_STEP: Duration = 2000

interface Due {
  readonly key: string
  readonly at: number
}

/**
 * Calls `step` for each key when its time in a stage is over. Times in one stage are all alike, so that a queue
 * per stage is in order by itself and one timer serves any number of cases.
 */
export class StageWalk {
  readonly #clock: Clock
  readonly #stepMs: StepMs
  readonly #step: (key: string) => void
  readonly #queues = new Map<string, Due[]>()
  #timer: { readonly at: number; readonly cancel: () => void } | undefined

  constructor(clock: Clock, stepMs: StepMs, step: (key: string) => void) {
    this.#clock = clock
    this.#stepMs = stepMs
    this.#step = step
  }

  /** The case has just come into this stage. */
  entered(key: string, stage: string): void {
    const stay = typeof this.#stepMs === 'number' ? this.#stepMs : (this.#stepMs[stage] ?? USUAL_STEP)
    const due = { key, at: this.#clock.ticks() + stay }
    const queue = this.#queues.get(stage)
    if (queue) queue.push(due)
    else this.#queues.set(stage, [due])
    this.#wakeAt(due.at)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#queues.clear()
  }

  #wakeAt(at: number): void {
    if (this.#timer && this.#timer.at <= at) return
    this.#timer?.cancel()
    const cancel = this.#clock.after(at - this.#clock.ticks(), () => this.#wake())
    this.#timer = { at, cancel }
  }

  #wake(): void {
    this.#timer = undefined
    const now = this.#clock.ticks()
    for (const queue of [...this.#queues.values()]) {
      const waiting = queue.findIndex(({ at }) => at > now)
      for (const { key } of queue.splice(0, waiting < 0 ? queue.length : waiting)) this.#step(key)
    }
    const next = Math.min(...[...this.#queues.values()].map((queue) => queue[0]?.at ?? Infinity))
    if (next < Infinity) this.#wakeAt(next)
  }
}
