import type { Clock } from '../base/clock.ts'
import { isoTime } from '../base/clock.ts'
import { Repeats, type Trouble } from '../base/repeats.ts'

/** The state of one connection, camera or connector. */
export interface SubjectState {
  readonly subject: string
  readonly word: string
  readonly detail: string
  readonly since: string
}

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What is well and what is not: states of connections, and troubles with their counts. */
export class Health {
  readonly #clock: Clock
  readonly #log: Log
  readonly #states = new Map<string, SubjectState>()
  readonly #troubles: Repeats

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#troubles = new Repeats(clock, ({ what, count, last }) =>
      log.warn({ code: what, count, last }, what),
    )
  }

  trouble(what: string, example: string): void {
    this.#troubles.add(what, example.slice(0, 300))
  }

  state(subject: string, word: string, detail = ''): void {
    const before = this.#states.get(subject)
    if (before?.word === word && before.detail === detail) return
    // Another detail of the same state: it has lasted since the first.
    const since = before?.word === word ? before.since : isoTime(this.#clock.now())
    this.#states.set(subject, { subject, word, detail, since })
    if (before?.word !== word) this.#log.info({ subject, state: word, detail }, `${subject}: ${word}`)
  }

  /** Those that are no longer part of the box. */
  forget(isGone: (subject: string) => boolean): void {
    for (const subject of this.#states.keys()) if (isGone(subject)) this.#states.delete(subject)
  }

  states(): readonly SubjectState[] {
    return [...this.#states.values()]
  }

  troubles(): readonly Trouble[] {
    return this.#troubles.totals()
  }

  stop(): void {
    this.#troubles.stop()
  }
}
