import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import type { Track, ZoneStay } from '../../gateway/detection.ts'
import { quantityIds, quantityOf } from '../../gateway/quantity.ts'
import type { Reading } from '../../gateway/reading.ts'
import type { Raise, RuleContext, RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { passedThrough, withPassed, type Passed } from '../came-from.ts'
import { cameLate } from '../came-late.ts'
import { dueInHours, type Hours } from '../opening.ts'
import { nothingSeen, perDevice, type DeviceRule, type Memos, type Said } from '../per-device.ts'
import { partyNearness } from '../party-nearness.ts'
import { without } from '../without.ts'
import { firstHit, isStillThere, spotsOf, tracksIn, type Spot } from '../same-thing.ts'

const Names = Type.Optional(
  Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { minItems: 1, maxItems: 20 }),
)

const DwellSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    for: Span,
    /** `hours`: only the site's opening hours count, and each opening begins anew. */
    during: Type.Optional(Type.Enum(['always', 'hours'] as const)),
    /** Interruptions up to this long are none. */
    gap: Type.Optional(Span),
    /** Cameras: what has to stand there; anything by default. */
    labels: Names,
    /** Cameras: only in these zones. */
    zones: Names,
    /** Cameras: only what was seen in one of these zones before, such as a bicycle that leaves its bay by the exit. */
    cameFrom: Names,
  },
  { additionalProperties: false },
)
type DwellSettings = Static<typeof DwellSettings>

/** Since when something stands there, and since when it may have gone. */
interface Stay {
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

/** With `cameFrom` also what was seen where it has to come from. */
type DwellMemo = (Stay & { readonly passed?: Passed }) | { readonly passed: Passed }

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
  nearness: ({ quantity }) => partyNearness([{ when: quantity }], undefined),
  ready: (settings, context) => perDevice(dwellOf(settings, context), context),
}
export default dwell

function dwellOf(settings: DwellSettings, context: RuleContext): DeviceRule<DwellMemo> {
  const { quantity, labels, zones, cameFrom } = settings
  const wait = parseDuration(settings.for)
  const gap: Duration = settings.gap === undefined ? 0 : parseDuration(settings.gap)
  const hours: Hours | undefined = settings.during === 'hours' ? context : undefined

  return {
    step(memo, said, now, deviceId, { jumpedBy }) {
      const passed = said && cameFrom ? passedBy(memo?.passed, said) : memo?.passed
      let next = stayOf(memo)
      next = next && byNewClock(next, jumpedBy, now)
      let clearedAt: Instant | undefined
      let newest: Instant | undefined
      const leave = (): void => {
        if (next?.isRaised) clearedAt = next.goneSince ?? now
        next = undefined
      }
      for (const told of said?.readings ?? []) {
        if (!isJudged(told)) continue
        const stays = said?.stays ?? []
        const tracks = thingsIn(stays, told.part, passed, deviceId)
        const reading = hasOnlyOthers(stays, told.part) ? { ...told, value: false } : told
        const at = seenAt(reading, tracks, now)
        if (next && cameLate(at, next.since, now)) continue
        newest = at
        if (next && isThere(next, reading, tracks)) {
          if (hasLeft(next, now, at)) leave()
          else next = back(next)
        } else if (next) {
          next = gone(next, at, now)
          if (hasLeft(next, now, at)) leave()
        }
        if (!next && isBegun(reading, tracks)) next = begun({ ...reading, at }, tracks, now)
      }
      if (!said && next && hasLeft(next, now, undefined)) leave()
      if (!next || next.isRaised || next.goneSince !== undefined || !isRipe(next, now, newest)) {
        return { memo: withPast(memo, next, passed), ...(clearedAt !== undefined && { clearedAt }) }
      }
      return { memo: withPast(memo, { ...next, isRaised: true }, passed), raise: raiseOf(next, deviceId) }
    },
    standing: (memo) => (stayOf(memo)?.isRaised === true ? 'real' : 'none'),
    due(whole, now) {
      const memo = stayOf(whole)
      if (!memo) return undefined
      if (memo.goneFrom !== undefined) return later(memo.goneFrom, gap)
      return memo.isRaised ? undefined : endOfWait(memo.from, now)
    },
  }

  function passedBy(before: Passed | undefined, { deviceId, stays }: Said): Passed | undefined {
    const passed = withPassed(before ?? {}, deviceId, stays, cameFrom ?? [], labels)
    return Object.keys(passed).length === 0 ? before : passed
  }

  function thingsIn(
    stays: readonly ZoneStay[],
    zone: string,
    passed: Passed | undefined,
    deviceId: string,
  ): readonly Track[] {
    const tracks = tracksIn(stays, zone, labels)
    return cameFrom ? passedThrough(passed ?? {}, deviceId, tracks) : tracks
  }

  /** A motorcycle is no bicycle, where the rule asks for one. */
  function hasOnlyOthers(stays: readonly ZoneStay[], zone: string): boolean {
    if (labels === undefined || tracksIn(stays, zone, labels).length > 0) return false
    return tracksIn(stays, zone, undefined).length > 0
  }

  /** Where something has to come from, a zone that is filled by others is none of it. */
  function isBegun({ value }: Reading, tracks: readonly Track[]): boolean {
    return value === true && (cameFrom === undefined || tracks.length > 0)
  }

  function isJudged(reading: Reading): boolean {
    if (zones && !zones.includes(reading.part)) return false
    return reading.quantity === quantity && reading.quality === 'good' && typeof reading.value === 'boolean'
  }

  function isThere({ isRaised, spots }: Stay, { value }: Reading, tracks: readonly Track[]): boolean {
    if (value !== true) return false
    return isRaised || spots === undefined || tracks.length === 0 || isStillThere(spots, tracks)
  }

  function hasLeft({ goneSince, goneFrom }: Stay, now: Instant, at: Instant | undefined): boolean {
    if (goneSince === undefined || goneFrom === undefined) return false
    return now >= later(goneFrom, gap) || (at !== undefined && at >= later(goneSince, gap))
  }

  function endOfWait(from: Instant, now: Instant): Instant | undefined {
    return hours ? dueInHours(hours, from, wait, now) : later(from, wait)
  }

  /** By the time since it arrived, or by the readings' own times where they came late together. */
  function isRipe({ from, since }: Stay, now: Instant, newest: Instant | undefined): boolean {
    if ((endOfWait(from, now) ?? Infinity) <= now) return true
    return newest !== undefined && (endOfWait(since, newest) ?? Infinity) <= newest
  }

  function raiseOf({ part, since }: Stay, deviceId: string): Raise {
    const reading: Reading = { quantity, part, value: true, quality: 'good', at: since }
    return {
      since,
      drill: false,
      readings: [{ reading, deviceId }],
      words: { for: settings.for, part },
    }
  }
}

const stayOf = (memo: DwellMemo | undefined): (Stay & { readonly passed?: Passed }) | undefined =>
  memo && 'since' in memo ? memo : undefined

/** The same object when nothing changed. */
function withPast(
  before: DwellMemo | undefined,
  stay: (Stay & { readonly passed?: Passed }) | undefined,
  passed: Passed | undefined,
): DwellMemo | undefined {
  if (!stay)
    return passed === undefined
      ? undefined
      : before && !('since' in before) && before.passed === passed
        ? before
        : { passed }
  return stay.passed === passed || passed === undefined ? stay : { ...stay, passed }
}

/** A camera dates what it sees by its first hit, wherever in the picture that was. */
function seenAt({ at }: Reading, tracks: readonly Track[], now: Instant): Instant {
  const lastSeen = Math.max(at, ...tracks.map((track) => track.lastSeen))
  return instant(Math.min(lastSeen, Math.max(now, at)))
}

function begun(reading: Reading, tracks: readonly Track[], now: Instant): Stay {
  const since = firstHit(tracks, reading.at)
  return {
    part: reading.part,
    since,
    from: instant(now - (reading.at - since)),
    ...(tracks.length > 0 && { spots: spotsOf(tracks) }),
    isRaised: false,
  }
}

function back<S extends Stay>(memo: S): S {
  if (memo.goneSince === undefined) return memo
  return without(memo, 'goneSince', 'goneFrom') as S // two keys that need not be there
}

const gone = <S extends Stay>(memo: S, at: Instant, now: Instant): S =>
  memo.goneSince === undefined ? { ...memo, goneSince: at, goneFrom: now } : memo

/**
 * A wait that the old clock began goes on by the new one, and none may lie in the future: the clock may have been set
 * back while the gateway was off.
 */
function byNewClock<S extends Stay>(memo: S, jumpedBy: Duration, now: Instant): S {
  const { since, from, goneSince, goneFrom } = memo
  const move = (at: Instant): Instant => instant(Math.min(at + jumpedBy, now))
  if (jumpedBy === 0 && from <= now && (goneFrom ?? now) <= now) return memo
  const next = {
    ...memo,
    from: move(from),
    ...(goneFrom !== undefined && { goneFrom: move(goneFrom) }),
    // The times of the readings too, while they are still to be compared with later ones.
    ...(jumpedBy !== 0 && !memo.isRaised && { since: move(since) }),
    ...(jumpedBy !== 0 && goneSince !== undefined && { goneSince: move(goneSince) }),
  }
  const isSame =
    next.from === from && next.goneFrom === goneFrom && next.since === since && next.goneSince === goneSince
  return isSame ? memo : next
}
