import { randomBytes } from 'node:crypto'
import type { Clock, Duration } from '../../base/clock.ts'
import type { PlatformFault } from './fault.ts'

export interface StageMove {
  readonly key: string
  readonly stage: string
  readonly version: number
  readonly at: string
  readonly platformStage: string
  readonly platformCase: string
  readonly complete?: true
}

export interface Feed {
  readonly moves: readonly StageMove[]
  readonly cursor: string
}

const MOST_MOVES_IN_ANSWER = 500

/** The moves of one box's cases, and those who wait for the next one. The oldest are forgotten first. */
export class StageFeed {
  readonly #clock: Clock
  readonly #remember: number
  /** A cursor of an earlier run of the platform leads back to the beginning of this one. */
  readonly #run = randomBytes(6).toString('hex')
  readonly #waiting = new Set<{ readonly until: number; readonly end: () => void }>()
  #moves: StageMove[] = []
  #forgotten = 0

  constructor(clock: Clock, remember: number) {
    this.#clock = clock
    this.#remember = remember
  }

  add(move: StageMove): void {
    this.#moves.push(move)
    if (this.#moves.length > 2 * this.#remember) {
      this.#forgotten += this.#moves.length - this.#remember
      this.#moves = this.#moves.slice(-this.#remember)
    }
    for (const waiter of [...this.#waiting]) if (waiter.until <= this.#end) waiter.end()
  }

  /** Those who wait get what there is. */
  wakeAll(): void {
    for (const waiter of [...this.#waiting]) waiter.end()
  }

  /** Answers with moves after the cursor as soon as there are any, and with none after `wait`. */
  async after(cursor: string, wait: Duration, fault: PlatformFault | undefined): Promise<Feed> {
    const from = this.#placeOf(cursor)
    const wanted = fault === 'stages-out-of-order' ? 2 : 1
    if (wait > 0 && this.#end - from < wanted) await this.#more(from + wanted, wait)
    const start = Math.max(from - this.#forgotten, 0)
    const moves = this.#moves.slice(start, start + MOST_MOVES_IN_ANSWER)
    return { moves: mangled(moves, fault), cursor: `${this.#run}.${this.#forgotten + start + moves.length}` }
  }

  get #end(): number {
    return this.#forgotten + this.#moves.length
  }

  #placeOf(cursor: string): number {
    const [run, place = ''] = cursor.split('.')
    return run === this.#run && /^\d{1,15}$/.test(place) ? Math.min(Number(place), this.#end) : 0
  }

  #more(until: number, wait: Duration): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#waiting.delete(waiter)
        resolve()
      }
      const waiter = { until, end }
      const cancel = this.#clock.after(wait, end)
      this.#waiting.add(waiter)
    })
  }
}

function mangled(moves: readonly StageMove[], fault: PlatformFault | undefined): readonly StageMove[] {
  if (fault === 'stages-out-of-order') return moves.toReversed()
  return fault === 'stages-twice' ? moves.flatMap((move) => [move, move]) : moves
}
