import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import type { Track } from '../../gateway/detection.ts'
import { quantityIds, quantityOf } from '../../gateway/quantity.ts'
import type { Reading } from '../../gateway/reading.ts'
import type { Raise, RuleContext, RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { cameLate } from '../came-late.ts'
import { dueInHours, type Hours } from '../opening.ts'
import { nothingSeen, perDevice, type DeviceRule, type Memos } from '../per-device.ts'
import { firstHit, isStillThere, spotsOf, tracksIn, type Spot } from '../same-thing.ts'

const DwellSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    for: Span,
    /** `hours`: only the site's opening hours count, and each opening begins anew. */
    during: Type.Optional(Type.Enum(['always', 'hours'] as const)),
    /** Interruptions up to this long are none. */
    gap: Type.Optional(Span),
    /** Cameras: what has to stand there; anything by default. */
    labels: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), { minItems: 1, maxItems: 20 }),
    ),
  },
  { additionalProperties: false },
)
type DwellSettings = Static<typeof DwellSettings>

/** Since when something stands there, and since when it may have gone. */
interface DwellMemo {
  readonly part: string
  readonly since: Instant
  /** `since` by the arrival clock: a wait is measured from it. */
  readonly from: Instant
  readonly goneSince?: Instant
  readonly goneFrom?: Instant
  /** Cameras: where it stands. */
  readonly spots?: readonly Spot[]
  readonly isRaised: boolean
}

/**
 * 滞留: raises when a boolean stayed true for long enough, clears when it is false. What a camera sees has to be the
 * same thing for all the time: a stream of passing bicycles fills a zone too and parks nothing.
 */
const dwell: RuleKind<typeof DwellSettings, Memos<DwellMemo>> = {
  settings: DwellSettings,
  check: ({ quantity }) =>
    quantityOf(quantity).kind === 'boolean'
      ? []
      : [{ path: '/quantity', text: `"${quantity}" is not true or false` }],
  wants: ({ quantity }) => [quantity],
  words: ['for', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(dwellOf(settings, context), context),
}
export default dwell

function dwellOf(settings: DwellSettings, context: RuleContext): DeviceRule<DwellMemo> {
  const { quantity, labels } = settings
  const wait = parseDuration(settings.for)
  const gap: Duration = settings.gap === undefined ? 0 : parseDuration(settings.gap)
  const hours: Hours | undefined = settings.during === 'hours' ? context : undefined

  return {
    step(memo, said, now, deviceId) {
      let next = memo && notAhead(memo, now)
      let clearedAt: Instant | undefined
      let newest: Instant | undefined
      const leave = (): void => {
        if (next?.isRaised) clearedAt = next.goneSince ?? now
        next = undefined
      }
      for (const reading of said?.readings ?? []) {
        if (!isJudged(reading) || (next && cameLate(reading.at, next.since, now))) continue
        newest = reading.at
        const tracks = tracksIn(said?.stays ?? [], reading.part, labels)
        if (next && isThere(next, reading, tracks)) {
          if (hasLeft(next, now, reading.at)) leave()
          else next = back(next)
        } else if (next) {
          next = gone(next, reading.at, now)
          if (hasLeft(next, now, reading.at)) leave()
        }
        if (!next && reading.value === true) next = begun(reading, tracks, now)
      }
      if (!said && next && hasLeft(next, now, undefined)) leave()
      if (!next || next.isRaised || next.goneSince !== undefined || !isRipe(next, now, newest)) {
        return { memo: next, ...(clearedAt !== undefined && { clearedAt }) }
      }
      return { memo: { ...next, isRaised: true }, raise: raiseOf(next, deviceId) }
    },
    standing: ({ isRaised }) => (isRaised ? 'real' : 'none'),
    due(memo, now) {
      if (memo.goneFrom !== undefined) return later(memo.goneFrom, gap)
      return memo.isRaised ? undefined : endOfWait(memo.from, now)
    },
  }

  function isJudged(reading: Reading): boolean {
    return reading.quantity === quantity && reading.quality === 'good' && typeof reading.value === 'boolean'
  }

  function isThere({ isRaised, spots }: DwellMemo, { value }: Reading, tracks: readonly Track[]): boolean {
    if (value !== true) return false
    return isRaised || spots === undefined || tracks.length === 0 || isStillThere(spots, tracks)
  }

  function hasLeft({ goneSince, goneFrom }: DwellMemo, now: Instant, at: Instant | undefined): boolean {
    if (goneSince === undefined || goneFrom === undefined) return false
    return now >= later(goneFrom, gap) || (at !== undefined && at >= later(goneSince, gap))
  }

  function endOfWait(from: Instant, now: Instant): Instant | undefined {
    return hours ? dueInHours(hours, from, wait, now) : later(from, wait)
  }

  /** By the time since it arrived, or by the readings' own times where they came late together. */
  function isRipe({ from, since }: DwellMemo, now: Instant, newest: Instant | undefined): boolean {
    if ((endOfWait(from, now) ?? Infinity) <= now) return true
    return newest !== undefined && (endOfWait(since, newest) ?? Infinity) <= newest
  }

  function raiseOf({ part, since }: DwellMemo, deviceId: string): Raise {
    const reading: Reading = { quantity, part, value: true, quality: 'good', at: since }
    return {
      since,
      drill: false,
      readings: [{ reading, deviceId }],
      words: { for: settings.for, part },
    }
  }
}

function begun(reading: Reading, tracks: readonly Track[], now: Instant): DwellMemo {
  const since = firstHit(tracks, reading.at)
  return {
    part: reading.part,
    since,
    from: instant(now - (reading.at - since)),
    ...(tracks.length > 0 && { spots: spotsOf(tracks) }),
    isRaised: false,
  }
}

function back(memo: DwellMemo): DwellMemo {
  if (memo.goneSince === undefined) return memo
  const { part, since, from, spots, isRaised } = memo
  return { part, since, from, ...(spots && { spots }), isRaised }
}

const gone = (memo: DwellMemo, at: Instant, now: Instant): DwellMemo =>
  memo.goneSince === undefined ? { ...memo, goneSince: at, goneFrom: now } : memo

/** The clock may have been set back: no wait may lie in the future because of it. */
function notAhead(memo: DwellMemo, now: Instant): DwellMemo {
  const { from, goneFrom } = memo
  if (from <= now && (goneFrom ?? now) <= now) return memo
  return { ...memo, from: from > now ? now : from, ...(goneFrom !== undefined && { goneFrom: now }) }
}
