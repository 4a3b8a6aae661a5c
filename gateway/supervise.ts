import { pause, type Clock, type Duration } from '../base/clock.ts'
import { codeOf, messageOf } from '../base/errors.ts'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
/** A run that lasted this long was well: the next failure waits shortly again. */
const WELL_MS = 60_000

export interface Supervised {
  readonly name: string
  /** Runs until aborted; throws when it cannot. */
  run(signal: AbortSignal): Promise<void>
}

export interface SuperviseContext {
  readonly clock: Clock
  readonly state: (subject: string, word: string, detail?: string) => void
  /** 0 … 1, so that many do not try again at the same moment. */
  readonly chance: () => number
}

/** The one reconnect loop of the house: runs, waits 1 s … 60 s with jitter, runs again, until aborted. */
export async function supervise(
  work: Supervised,
  context: SuperviseContext,
  signal: AbortSignal,
): Promise<void> {
  const { clock, state, chance } = context
  let wait: Duration = FIRST_WAIT_MS
  while (!signal.aborted) {
    const began = clock.ticks()
    state(work.name, 'running')
    try {
      await work.run(signal)
      if (isAborted(signal)) break
      state(work.name, 'ended', 'it stopped by itself')
    } catch (error) {
      if (isAborted(signal)) break
      state(work.name, 'failed', `${codeOf(error)}: ${messageOf(error)}`)
    }
    if (clock.ticks() - began >= WELL_MS) wait = FIRST_WAIT_MS
    // Aborted while waiting: the loop's own condition ends it.
    await pause(clock, wait * (0.75 + 0.5 * chance()), signal).catch(() => undefined)
    wait = Math.min(wait * 2, LONGEST_WAIT_MS)
  }
  state(work.name, 'stopped')
}

/** A call, so that the compiler believes it may have changed over an await. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted
