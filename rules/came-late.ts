import type { Instant } from '../base/clock.ts'

/**
 * A reading from before what is known is history that came late: it ends nothing. Where what is known lies in the
 * future and the reading does not, the clock was set back in between: an alarm would stand until that time comes again.
 */
export const cameLate = (at: Instant, since: Instant, now: Instant): boolean =>
  at < since && (since <= now || at > now)
