import type { Duration } from '../../base/clock.ts'

/** Wrong ones in a row after which a reader is slowed down. */
const MOST_WRONG = 10
const THEN_EVERY_MS: Duration = 3000
const FORGOTTEN_AFTER_MS: Duration = 600_000

interface Tried {
  wrong: number
  lastTicks: number
}

/** 试探: who tries card after card at a reader is slowed down, not locked out: the next one in line may be right. */
export class Tries {
  readonly #byReader = new Map<string, Tried>()

  /** @param ticks of the clock */
  mayTry(readerId: string, ticks: number): boolean {
    const tried = this.#byReader.get(readerId)
    if (!tried || tried.wrong < MOST_WRONG) return true
    return ticks - tried.lastTicks >= THEN_EVERY_MS
  }

  wasWrong(readerId: string, ticks: number): void {
    const before = this.#byReader.get(readerId)
    const isRecent = before !== undefined && ticks - before.lastTicks < FORGOTTEN_AFTER_MS
    this.#byReader.set(readerId, { wrong: isRecent ? before.wrong + 1 : 1, lastTicks: ticks })
  }

  wasRight(readerId: string): void {
    this.#byReader.delete(readerId)
  }
}
