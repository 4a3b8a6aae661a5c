import { statfsSync } from 'node:fs'
import { instant, isClockSet, type Clock, type Instant } from '../base/clock.ts'
import type { SubjectState } from './health.ts'
import type { Fields } from './ports.ts'

export interface OwnStateContext {
  readonly clock: Clock
  readonly dataFolder: string
  readonly states: () => readonly SubjectState[]
  /** The names under which the connectors report their states. */
  readonly connectors: readonly string[]
}

/** What the box can say of itself, as a device can: its rules judge it like any other. */
export class OwnState {
  readonly #context: OwnStateContext
  /** How far ahead of a platform's clock this one was when they last met, in ms. */
  #ahead: number | undefined

  constructor(context: OwnStateContext) {
    this.#context = context
  }

  /** A platform's clock, which HTTP tells to the second. */
  peerTime(at: Instant): void {
    this.#ahead = this.#context.clock.now() - at
  }

  /** Names are those of the profile `ganglion-box`; what is not known is left out. */
  fields(): Fields {
    const { clock, dataFolder } = this.#context
    const { bavail, blocks } = statfsSync(dataFolder)
    return {
      // Some file systems of memory count no blocks.
      ...(blocks > 0 && { diskFree: Math.round((1000 * bavail) / blocks) / 10 }),
      clockUnset: !isClockSet(clock.now()),
      ...(this.#ahead !== undefined && { clockOff: Math.abs(Math.round(this.#ahead / 1000)) }),
      platformAway: this.#longestAway(),
    }
  }

  /** Seconds for which the connector that is longest away is so; 0 when all are there. */
  #longestAway(): number {
    const { clock, connectors, states } = this.#context
    const away = states()
      .filter(({ subject, word }) => word === 'away' && connectors.includes(subject))
      .map(({ since }) => clock.now() - instant(Date.parse(since)))
    return Math.max(0, Math.round(Math.max(0, ...away) / 1000))
  }
}
