import { instant, later, type Duration, type Instant } from '../base/clock.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import type { Value } from '../gateway/reading.ts'
import type { Passed } from './came-from.ts'
import { cameLate } from './came-late.ts'
import { deviceOf, ofThoseHere, type Newest } from './newest.ts'
import { movedLows, type Lows } from './rise.ts'
import { without, withoutKey } from './without.ts'

/** What made it so: quantity, value, its own time; the fourth says "this or more". */
export type HitReading = readonly [quantity: QuantityId, value: Value, at: Instant, atLimit?: 1]

/** One source for which it is so. */
export interface Hit {
  readonly since: Instant
  readonly by: readonly HitReading[]
  /** By how much it rose. */
  readonly rise?: number
  /** The device will never say "no": it ends by itself. */
  readonly ends?: { readonly at: Instant; readonly lastsMs: Duration }
}

interface EndedHit extends Omit<Hit, 'ends'> {
  readonly until: Instant
}

/** Where it is so, and where it was so last. */
export interface PartyMemo {
  readonly on?: Readonly<Record<string, Hit>>
  readonly ended?: Readonly<Record<string, EndedHit>>
  /** Only where one condition asks for several quantities. */
  readonly heard?: Newest
  /** Where something has to rise: the lowest numbers of each source. */
  readonly lows?: Readonly<Record<string, Lows>>
  readonly passed?: Passed
}

export const nobody: PartyMemo = Object.freeze({})

/** A span in which it was so; without an end it still is. */
export interface SoSpan {
  readonly source: string
  readonly since: Instant
  readonly until: Instant | undefined
  readonly by: readonly HitReading[]
  readonly rise?: number
}

/** A hall full of detectors that all say yes is proven by some of them; memory stays bounded. */
const MOST_ON = 200
const MOST_ENDED = 8
const MOST_RISING = 64

export const isSo = ({ on }: PartyMemo): boolean => on !== undefined && Object.keys(on).length > 0

/** When it last was so: `now` while it is; undefined when never, as far as is remembered. */
export function lastSo(memo: PartyMemo, now: Instant): Instant | undefined {
  if (isSo(memo)) return now
  const untils = Object.values(memo.ended ?? {}).map(({ until }) => until)
  return untils.length === 0 ? undefined : instant(Math.max(...untils))
}

/** Where it is so, the longest first. */
export const standing = ({ on }: PartyMemo): readonly SoSpan[] =>
  Object.entries(on ?? {})
    .map(([source, hit]) => ({ source, ...without(hit, 'ends'), until: undefined }))
    .sort((a, b) => a.since - b.since)

/** Where it is so or was, the newest beginning last. */
export const spansOf = (memo: PartyMemo): readonly SoSpan[] =>
  [...Object.entries(memo.ended ?? {}).map(([source, hit]) => ({ source, ...hit })), ...standing(memo)].sort(
    (a, b) => a.since - b.since,
  )

/** What has begun between two memories. */
export const begunSpans = (before: PartyMemo, after: PartyMemo): readonly SoSpan[] =>
  before.on === after.on
    ? []
    : standing(after).filter(({ source, since }) => {
        const known = before.on && Object.hasOwn(before.on, source) ? before.on[source] : undefined
        return known === undefined || known.since < since
      })

/** When time alone ends something of it. */
export function dueOf({ on }: PartyMemo): Instant | undefined {
  const ends = Object.values(on ?? {}).flatMap(({ ends }) => ends?.at ?? [])
  return ends.length === 0 ? undefined : instant(Math.min(...ends))
}

/** It is so there, as said or seen at `at`. A "yes" from before the "no" that followed it is history. */
export function withHit(memo: PartyMemo, source: string, hit: Hit, at: Instant, now: Instant): PartyMemo {
  const known = memo.on && Object.hasOwn(memo.on, source) ? memo.on[source] : undefined
  if (known) {
    const isLonger = known.ends !== undefined && hit.ends !== undefined && hit.ends.at > known.ends.at
    const never = known.ends !== undefined && hit.ends === undefined
    if (!isLonger && !never) return memo
    const next = { ...without(known, 'ends'), ...(hit.ends && { ends: hit.ends }) }
    return { ...memo, on: { ...memo.on, [source]: next } }
  }
  const before = memo.ended && Object.hasOwn(memo.ended, source) ? memo.ended[source] : undefined
  if (before && cameLate(at, before.until, now)) return memo
  if (Object.keys(memo.on ?? {}).length >= MOST_ON) return memo
  // What was missed for a moment began anew, and not before it had ended.
  const since = before && before.until > hit.since && before.until <= at ? before.until : hit.since
  return { ...memo, on: { ...memo.on, [source]: { ...hit, since } } }
}

/** It is no longer so there. */
export function ended(memo: PartyMemo, source: string, at: Instant): PartyMemo {
  const known = memo.on && Object.hasOwn(memo.on, source) ? memo.on[source] : undefined
  if (!known) return memo
  const on = withoutKey(memo.on ?? {}, source)
  const since = known.since > at ? at : known.since
  const hit: EndedHit = { ...without(known, 'ends'), since, until: at }
  const others = Object.entries(memo.ended ?? {}).filter(([other]) => other !== source)
  const newest = [...others, [source, hit] as const]
    .sort(([, a], [, b]) => a.until - b.until)
    .slice(-MOST_ENDED)
  return {
    ...without(memo, 'on'),
    ...(Object.keys(on).length > 0 && { on }),
    ended: Object.fromEntries(newest),
  }
}

/** What the old clock showed, by the new one. */
function shifted(memo: PartyMemo, by: Duration): PartyMemo {
  const { on, ended: over } = memo
  const move = <H extends Hit | EndedHit>(hit: H): H => ({
    ...hit,
    since: later(hit.since, by),
    ...('until' in hit && { until: later(hit.until, by) }),
    ...('ends' in hit && { ends: { ...hit.ends, at: later(hit.ends.at, by) } }),
  })
  if (!on && !over) return memo
  return { ...memo, ...(on && { on: mapped(on, move) }), ...(over && { ended: mapped(over, move) }) }
}

const mapped = <T>(record: Readonly<Record<string, T>>, change: (one: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, one]) => [key, change(one)]))

/** Time alone has passed: what ends by itself has ended, and devices that are gone say nothing any more. */
export function afterTime(
  before: PartyMemo,
  now: Instant,
  jumpedBy: Duration,
  isHere: (deviceId: string) => boolean,
): PartyMemo {
  let memo = jumpedBy === 0 ? before : shifted(before, jumpedBy)
  for (const [source, hit] of Object.entries(memo.on ?? {})) {
    const isGone = !isHere(deviceOf(source))
    if (isGone || (hit.ends && hit.ends.at <= now)) {
      memo = ended(memo, source, isGone ? now : (hit.ends?.at ?? now))
    } else if (hit.since > now || (hit.ends && hit.ends.at - now > hit.ends.lastsMs)) {
      // The clock was set back: nothing begins in the future, and nobody waits longer than the whole span.
      const ends = hit.ends && {
        ...hit.ends,
        at: later(now, Math.min(hit.ends.lastsMs, hit.ends.at - now)),
      }
      memo = {
        ...memo,
        on: { ...memo.on, [source]: { ...hit, since: notAhead(hit.since, now), ...(ends && { ends }) } },
      }
    }
  }
  for (const [source, hit] of Object.entries(memo.ended ?? {})) {
    if (hit.until <= now) continue
    const span = { since: notAhead(hit.since, now), until: now }
    memo = { ...memo, ended: { ...memo.ended, [source]: { ...hit, ...span } } }
  }
  if (memo.lows && jumpedBy !== 0)
    memo = { ...memo, lows: mapped(memo.lows, (lows) => movedLows(lows, jumpedBy)) }
  const heard = memo.heard && ofThoseHere(memo.heard, isHere)
  return heard === undefined || heard === memo.heard ? memo : { ...memo, heard }
}

/** The sources that spoke last. */
export function boundedLows(lows: Readonly<Record<string, Lows>>): Readonly<Record<string, Lows>> {
  const entries = Object.entries(lows)
  if (entries.length <= MOST_RISING) return lows
  const lastOf = (one: Lows): number => one.at(-1)?.[0] ?? 0
  return Object.fromEntries(entries.sort(([, a], [, b]) => lastOf(a) - lastOf(b)).slice(-MOST_RISING))
}

export const notAhead = (at: number, now: Instant): Instant => instant(Math.min(at, now))
