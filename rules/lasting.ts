import { instant, later, type Duration, type Instant } from '../base/clock.ts'

/** Since when something is so, and since when it may have ended. */
export interface Lasting {
  readonly since: Instant
  /** `since` by the arrival clock: a wait is measured from it. */
  readonly from: Instant
  readonly goneSince?: Instant
  readonly goneFrom?: Instant
  /** It has been so for long enough. */
  readonly isRipe: boolean
}

export interface Patience {
  /** So long it has to be so. */
  readonly wait: Duration
  /** Interruptions up to this long are none. */
  readonly gap: Duration
}

export interface Look {
  readonly lasting: Lasting | undefined
  /** What was there before ended then. */
  readonly ended?: Instant
  /** It had been so for long enough by its own times, though nobody saw it in time. */
  readonly wasLong?: boolean
}

/** What a look at `at` makes of it. */
export function afterLook(
  before: Lasting | undefined,
  look: { readonly isSo: boolean; readonly at: Instant },
  patience: Patience,
  now: Instant,
): Look {
  const over = overAt(before, patience, now, look.at)
  const { ended, wasLong } = over
  let { lasting } = over
  const end = { ...(ended !== undefined && { ended }), ...(wasLong && { wasLong }) }
  if (!look.isSo) {
    if (lasting && lasting.goneSince === undefined) {
      lasting = { ...lasting, goneSince: look.at, goneFrom: now }
      return patience.gap === 0 ? overAt(lasting, patience, now, look.at) : { lasting }
    }
    return { lasting, ...end }
  }
  if (!lasting) lasting = { since: look.at, from: now, isRipe: false }
  else if (lasting.goneSince !== undefined) {
    const { since, from, isRipe } = lasting
    lasting = { since, from, isRipe }
  }
  return { lasting: ripened(lasting, patience, now, look.at), ...end }
}

/** Time alone has passed. */
export function afterTime(before: Lasting | undefined, patience: Patience, now: Instant): Look {
  const { lasting, ...end } = overAt(before, patience, now, undefined)
  return { lasting: lasting && ripened(lasting, patience, now, undefined), ...end }
}

export function dueOf({ goneFrom, from, isRipe }: Lasting, { wait, gap }: Patience): Instant | undefined {
  if (goneFrom !== undefined) return later(goneFrom, gap)
  return isRipe ? undefined : later(from, wait)
}

/** By the new clock, where it has jumped; and nothing begins in the future. */
export function byNewClock(lasting: Lasting, jumpedBy: Duration, now: Instant): Lasting {
  const { from, goneFrom, since, goneSince } = lasting
  const move = (at: Instant): Instant => instant(Math.min(at + jumpedBy, now))
  const isMoved = [from, goneFrom, since, goneSince].some((at) => at !== undefined && move(at) !== at)
  if (!isMoved) return lasting
  return {
    ...lasting,
    since: move(since),
    from: move(from),
    ...(goneSince !== undefined && { goneSince: move(goneSince) }),
    ...(goneFrom !== undefined && { goneFrom: move(goneFrom) }),
  }
}

function overAt(
  lasting: Lasting | undefined,
  { wait, gap }: Patience,
  now: Instant,
  at: Instant | undefined,
): Look {
  if (lasting?.goneSince === undefined || lasting.goneFrom === undefined) return { lasting }
  const isOver =
    now >= later(lasting.goneFrom, gap) || (at !== undefined && at >= later(lasting.goneSince, gap))
  if (!isOver) return { lasting }
  return {
    lasting: undefined,
    ended: lasting.goneSince,
    wasLong: lasting.goneSince >= later(lasting.since, wait),
  }
}

function ripened(lasting: Lasting, { wait }: Patience, now: Instant, at: Instant | undefined): Lasting {
  if (lasting.isRipe || lasting.goneSince !== undefined) return lasting
  const isRipe = now >= later(lasting.from, wait) || (at !== undefined && at >= later(lasting.since, wait))
  return isRipe ? { ...lasting, isRipe } : lasting
}
