import { pause, type Clock, type Duration } from '../base/clock.ts'

const SHORTEST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
const HELD_MS = 10_000

export interface KeptOpen {
  readonly clock: Clock
  /** One connection from its beginning to its end; answers why it ended. */
  readonly hold: () => Promise<string>
  readonly lost: (reason: string) => void
}

/** Connects, and connects again, until aborted. */
export async function keepOpen({ clock, hold, lost }: KeptOpen, signal: AbortSignal): Promise<void> {
  let wait: Duration = SHORTEST_PAUSE_MS
  while (!signal.aborted) {
    const began = clock.ticks()
    const reason = await hold()
    if (isAborted(signal)) return
    lost(reason)
    // A connection that held is made again soon; one that is refused is asked for ever less often.
    const hasHeld = clock.ticks() - began > HELD_MS
    wait = hasHeld ? SHORTEST_PAUSE_MS : Math.min(2 * wait, LONGEST_PAUSE_MS)
    await pause(clock, wait, signal).catch(() => undefined)
  }
}

/** A call, so that the compiler believes it may have changed over an await. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted
