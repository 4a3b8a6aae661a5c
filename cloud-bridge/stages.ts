import { pause } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { Draft } from '../gateway/draft.ts'
import { BackOff } from './back-off.ts'
import type { DeliverContext } from './deliver.ts'

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
    const { cases, clock, connector, store, trouble } = this.#context
    const find = store.reader.prepare('SELECT cursor FROM cursors WHERE connector = ?').pluck()
    let cursor = (find.get(connector.name) as string | undefined) ?? '' // one text column
    while (!signal.aborted) {
      const answer = await connector.stages(cursor, signal)
      if ('is' in answer) {
        await pause(clock, this.#backOff.away(answer.waitMs), signal)
        continue
      }
      this.#backOff.back()
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
