import type { Clock, Instant } from '../../base/clock.ts'
import type { Device } from '../device.ts'
import type { Draft } from '../draft.ts'
import type { Arrival, Observation } from '../ports.ts'
import type { Reading } from '../reading.ts'
import type { Change } from '../store/schema.ts'
import { besideOf, NOTED, RETAINED, type Beside } from './recorded.ts'

/** Less than this is a clock that is being adjusted, as in wakes.ts. */
const LEAST_JUMP_MS = 1000

/** What came besides the readings. */
export interface Came {
  readonly publish?: Arrival['publish'] | undefined
  readonly observation?: Observation | undefined
  /** No sign of life: said before the gateway listened, or made by the hub. */
  readonly notSaid?: 'retained' | 'noted'
}

/**
 * 到达日志: every message is one appended row, in the order in which rules were shown them; before the first of a run
 * stands its start, and before the first after a jump of the wall clock the jump. A replay needs no more.
 */
export class ArrivalLog {
  readonly #clock: Clock
  readonly #startedAt: Instant
  #hasStarted = false
  #ahead: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
    this.#ahead = clock.now() - clock.ticks()
  }

  add(draft: Draft, device: Device, readings: readonly Reading[], now: Instant, came: Came): void {
    this.#mark(draft, now)
    const { publish, observation } = came
    draft.add([
      'putArrival',
      device.siteId,
      device.id,
      now,
      JSON.stringify(readings),
      publish?.account ?? null,
      publish?.packetId ?? null,
      publish?.hash ?? null,
      observation
        ? besideOf(observation)
        : came.notSaid
          ? came.notSaid === 'noted'
            ? NOTED
            : RETAINED
          : null,
    ])
  }

  /** It was asked in vain: what rules of silence are woken with. */
  unanswered(draft: Draft, deviceId: string, now: Instant): void {
    this.#mark(draft, now)
    draft.add(mark(now, { mark: 'unanswered', deviceId }))
  }

  /** The end of the run, where it is one that was asked for; none when nothing was said in it. */
  stop(): readonly Change[] {
    return this.#hasStarted ? [mark(this.#clock.now(), { mark: 'stop' })] : []
  }

  #mark(draft: Draft, now: Instant): void {
    const ahead = now - this.#clock.ticks()
    const by = ahead - this.#ahead
    if (!this.#hasStarted) {
      this.#hasStarted = true
      draft.add(mark(this.#startedAt, { mark: 'start' }), () => (this.#hasStarted = false))
    }
    if (Math.abs(by) < LEAST_JUMP_MS) return
    const before = this.#ahead
    this.#ahead = ahead
    draft.add(mark(now, { mark: 'jump', by: Math.round(by) }), () => (this.#ahead = before))
  }
}

const mark = (at: Instant, beside: Beside): Change => [
  'putArrival',
  '',
  '',
  at,
  '[]',
  null,
  null,
  null,
  JSON.stringify(beside),
]
