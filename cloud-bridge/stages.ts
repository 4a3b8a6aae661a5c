import { pause, type Duration } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { Draft } from '../gateway/draft.ts'
import { BackOff } from './back-off.ts'
import type { DeliverContext } from './deliver.ts'

/** A platform that does not wait for moves is not asked more often than this. */
const EMPTY_MS: Duration = 2000

/** 案件流转: listens to what the platform says of the cases. Moves and cursor are one transaction. */
export class StageListener {
  readonly name: string
  readonly #context: DeliverContext
  readonly #backOff: BackOff

  constructor(context: DeliverContext) {
    this.name = `stages ${context.connector.name}`
    this.#context = context
    this.#backOff = new BackOff(context.clock)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { cases, clock, connector, state, store, trouble } = this.#context
    const find = store.reader.prepare('SELECT cursor FROM cursors WHERE connector = ?').pluck()
    let cursor = (find.get(connector.name) as string | undefined) ?? '' // one text column
    while (!signal.aborted) {
      const askedAt = clock.ticks()
      const answer = await connector.stages(cursor, signal)
      if ('is' in answer) {
        state(this.name, 'away', answer.reason)
        await pause(clock, this.#backOff.away(answer.waitMs), signal)
        continue
      }
      this.#backOff.back()
      state(this.name, 'listening')
      if (answer.moves.length === 0 || answer.cursor === cursor) {
        const early = EMPTY_MS - (clock.ticks() - askedAt)
        if (early > 0) await pause(clock, early, signal)
      }
      if (answer.cursor === cursor) continue
      const draft = new Draft()
      for (const move of answer.moves) {
        if (cases.move(draft, move) === 'unknown') trouble('stage of a case that is not ours', move.key)
      }
      draft.add(['putCursor', connector.name, answer.cursor])
      try {
        await store.commit(draft)
        draft.stored()
        cursor = answer.cursor
      } catch (error) {
        trouble('stages could not be stored', messageOf(error))
        await pause(clock, this.#backOff.away(), signal)
      }
    }
  }
}
