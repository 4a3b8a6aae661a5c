import type { Away, Connector, Delivery, DeliveryAnswer, ProofFile } from '../gateway/ports.ts'
import type { StageMove } from '../gateway/stage.ts'

export type Stages = { readonly moves: readonly StageMove[]; readonly cursor: string } | Away

/** One call of the bridge that waits for its answer. */
export interface Asked<Question, Answer> {
  readonly question: Question
  /** Milliseconds of the clock when it came. */
  readonly at: number
  readonly signal: AbortSignal
  answer(answer: Answer): void
  fail(error: Error): void
}

/** A far end that does what the test says: with a rule set it answers at once, without one when told to. */
export class ScriptedConnector implements Connector {
  readonly name = 'platform'
  readonly sends: Asked<readonly Delivery[], readonly DeliveryAnswer[] | Away>[] = []
  readonly proofs: Asked<ProofFile, DeliveryAnswer | Away>[] = []
  readonly polls: Asked<string, Stages>[] = []
  onSend: ((batch: readonly Delivery[]) => readonly DeliveryAnswer[] | Away) | undefined
  onProof: ((file: ProofFile) => DeliveryAnswer | Away) | undefined
  onPoll: ((cursor: string) => Stages) | undefined
  /** Answers an abort by itself, as a connection does that is closed at once. */
  endsWithAbort = true
  readonly #ticks: () => number

  constructor(ticks: () => number) {
    this.#ticks = ticks
  }

  send(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly DeliveryAnswer[] | Away> {
    return this.#ask(this.sends, batch, signal, this.onSend)
  }

  sendProof(file: ProofFile, signal: AbortSignal): Promise<DeliveryAnswer | Away> {
    return this.#ask(this.proofs, file, signal, this.onProof)
  }

  stages(cursor: string, signal: AbortSignal): Promise<Stages> {
    return this.#ask(this.polls, cursor, signal, this.onPoll)
  }

  async close(): Promise<void> {
    // It holds nothing.
  }

  #ask<Question, Answer>(
    list: Asked<Question, Answer | Away>[],
    question: Question,
    signal: AbortSignal,
    rule: ((question: Question) => Answer | Away) | undefined,
  ): Promise<Answer | Away> {
    return new Promise((answer, fail) => {
      list.push({ question, at: this.#ticks(), signal, answer, fail })
      // As every connector: what is aborted has not reached the platform.
      const onAbort = (): void => {
        if (this.endsWithAbort) answer({ is: 'away', reason: 'aborted' })
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (!rule) return
      try {
        answer(rule(question))
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }
}
