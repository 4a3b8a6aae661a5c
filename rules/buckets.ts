import { instant, type Duration, type Instant } from '../base/clock.ts'

/** What fell into one slice of time: its number since 1970, how many numbers, and their sum, least or most. */
export type Bucket = readonly [slice: number, count: number, folded: number]

/** A span of time is kept in so many slices, and the one that has begun: a place remembers under 1 KB. */
export const SLICES = 30

/**
 * 时间片: what a device said over a span of time. Slices lie fixed in time, so that a reading that comes late falls
 * into its own, and a restart changes nothing.
 */
export interface Buckets {
  /** What they hold; memory of another form (a rule whose span was changed) is of no use. */
  readonly form: string
  /** The first reading of data without a gap as long as the span. */
  readonly since: Instant
  /** The newest reading. */
  readonly end: Instant
  /** In the order of time; slices in which nothing came are left out. */
  readonly buckets: readonly Bucket[]
}

export interface BucketForm {
  readonly form: string
  readonly span: Duration
  /** `before` is undefined for the first number of a slice. */
  fold(before: number | undefined, value: number): number
}

export const sliceMs = ({ span }: Pick<BucketForm, 'span'>): Duration => Math.max(1, span / SLICES)

const sliceOf = (form: BucketForm, at: Instant): number => Math.floor(at / sliceMs(form))

/** With one more number; the same object when it lies before the span. */
export function withNumber(
  known: Buckets | undefined,
  form: BucketForm,
  at: Instant,
  value: number,
  now: Instant,
): Buckets {
  // A device's clock may be ahead.
  const own = instant(Math.min(at, now))
  const before = known?.form === form.form ? notAhead(known, form, now) : undefined
  const slice = sliceOf(form, own)
  if (!before) {
    return { form: form.form, since: own, end: own, buckets: [[slice, 1, form.fold(undefined, value)]] }
  }
  const end = own > before.end ? own : before.end
  if (slice < firstSlice(form, end)) return known ?? before
  const live = before.buckets.filter(([one]) => one >= firstSlice(form, end))
  return {
    form: form.form,
    since: live.length === 0 || own < before.since ? own : before.since,
    end,
    buckets: added(live, form, slice, value),
  }
}

/** The clock may have been set back: what it showed before is no time to wait for. */
function notAhead(known: Buckets, form: BucketForm, now: Instant): Buckets {
  if (known.end <= now) return known
  const last = sliceOf(form, now)
  return {
    ...known,
    since: known.since > now ? now : known.since,
    end: now,
    buckets: known.buckets.filter(([slice]) => slice <= last),
  }
}

function added(
  buckets: readonly Bucket[],
  form: BucketForm,
  slice: number,
  value: number,
): readonly Bucket[] {
  const next = buckets.findIndex(([one]) => one >= slice)
  const at = next < 0 ? buckets.length : next
  const same = buckets[at]
  if (same?.[0] !== slice) return buckets.toSpliced(at, 0, [slice, 1, form.fold(undefined, value)])
  return buckets.with(at, [slice, same[1] + 1, form.fold(same[2], value)])
}

/** The first slice that still counts at `end`: the span, and what of the slice before it lies within. */
const firstSlice = (form: BucketForm, end: Instant): number => sliceOf(form, end) - SLICES

/** Those that count at `end`. */
export function liveAt({ buckets }: Buckets, form: BucketForm, end: Instant): readonly Bucket[] {
  const first = firstSlice(form, end)
  return (buckets[0]?.[0] ?? first) >= first ? buckets : buckets.filter(([slice]) => slice >= first)
}

/** When the next of them stops counting. */
export function nextEnd({ buckets }: Buckets, form: BucketForm, now: Instant): Instant | undefined {
  const first = firstSlice(form, now)
  const next = buckets.find(([slice]) => slice >= first)
  return next && instant(Math.ceil((next[0] + SLICES + 1) * sliceMs(form)))
}

export function shiftedBuckets(known: Buckets, form: BucketForm, by: Duration): Buckets {
  const slices = Math.round(by / sliceMs(form))
  return {
    ...known,
    since: instant(known.since + by),
    end: instant(known.end + by),
    buckets: known.buckets.map(([slice, count, folded]) => [slice + slices, count, folded]),
  }
}
