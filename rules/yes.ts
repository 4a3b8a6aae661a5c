import { instant, later, type Duration, type Instant } from '../base/clock.ts'
import type { Reading } from '../gateway/reading.ts'
import { cameLate } from './came-late.ts'

/** What a device said is so: smoke, a pressed button. */
export interface Yes {
  readonly since: Instant
  /** The device will never say "no": it ends by itself, unless it is said again before. */
  readonly ends?: { readonly at: Instant; readonly lastsMs: Duration }
}

/** What is left of it when only time has passed. */
export function stillSo(yes: Yes | undefined, now: Instant): Yes | undefined {
  if (!yes?.ends) return yes
  const { at, lastsMs } = yes.ends
  if (at <= now) return undefined
  // The clock was set back: nobody waits longer than the whole span from now.
  return at - now > lastsMs ? { ...yes, ends: { at: later(now, lastsMs), lastsMs } } : yes
}

/** A "no" from before the "yes" ends nothing. */
export function afterReading(
  yes: Yes | undefined,
  { value, at, lastsMs }: Reading,
  now: Instant,
): Yes | undefined {
  if (value !== true) return yes !== undefined && cameLate(at, yes.since, now) ? yes : undefined
  const since = yes?.since ?? at
  if (lastsMs === undefined) return { since }
  // A device's own clock may be ahead, and a "yes" that comes late does not shorten what is known.
  const end = Math.min(Math.max(at + lastsMs, yes?.ends?.at ?? 0), now + lastsMs)
  return { since, ends: { at: instant(end), lastsMs } }
}

/** When it ended by itself; undefined while it is so. */
export function endOf(yes: Yes | undefined, now: Instant): Instant | undefined {
  if (!yes?.ends || yes.ends.at > now) return undefined
  return yes.ends.at < yes.since ? yes.since : yes.ends.at
}

export const isSameYes = (a: Yes | undefined, b: Yes | undefined): boolean =>
  a?.since === b?.since && a?.ends?.at === b?.ends?.at && a?.ends?.lastsMs === b?.ends?.lastsMs
