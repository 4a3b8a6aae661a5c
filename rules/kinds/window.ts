import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import type { Instant } from '../../base/clock.ts'
import { quantityIds } from '../../gateway/quantity.ts'
import type { RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import {
  liveAt,
  nextEnd,
  shiftedBuckets,
  withNumber,
  type Bucket,
  type BucketForm,
  type Buckets,
} from '../buckets.ts'
import {
  derivedNearness,
  derivedRule,
  unitOf,
  type Derived,
  type DerivedMemo,
  type DerivedRule,
} from '../derived.ts'
import { limitComplaint, limitValue } from '../limit.ts'
import { onceEach } from '../once.ts'
import { nothingSeen, perDevice, type Memos } from '../per-device.ts'
import { sideComplaints, sideSettings, sidesOf } from '../sides.ts'
import { numberComplaints } from '../number-complaints.ts'

const takes = ['avg', 'max', 'min', 'sum', 'count'] as const
type Take = (typeof takes)[number]

const WindowSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    /** What of the readings of the last `over` is judged; `count` is how many came. */
    take: Type.Enum(takes),
    over: Span,
    ...sideSettings,
    /** Without a break for this long. */
    for: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type WindowSettings = Static<typeof WindowSettings>

/**
 * 时间窗: raises when the average, the most, the least, the sum or the count of a time that moves along reaches its
 * limit. The time is cut into 30 slices, so that it may be up to one slice longer than written. What more readings
 * could still undo is judged only once there are readings of the whole time: ten seconds are no average of an hour.
 */
const window: RuleKind<typeof WindowSettings, Memos<DerivedMemo<Buckets>>> = {
  settings: WindowSettings,
  check(settings) {
    const { quantity, take } = settings
    const unfit = numberComplaints(settings)
    if (unfit.length > 0) return unfit
    if (take === 'count') return sideComplaints(settings, countComplaint, Number)
    if (take === 'sum')
      return sideComplaints(settings, (text) => sumComplaint(text, unitOf(quantity)), limitValue)
    return sideComplaints(settings, (text) => limitComplaint(text, quantity), limitValue)
  },
  wants: ({ quantity }) => [quantity],
  words: ['value', 'threshold', 'over', 'for', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(ruleOf(settings), context),
  nearness: (settings) => derivedNearness(judgedOf(settings), windowOf(settings)),
}
export default window

const countComplaint = (text: string): string | undefined =>
  /^\d+$/.test(text) ? undefined : `wanted a whole number; got "${text}"`

/** A sum may be more than its quantity can ever be. */
function sumComplaint(text: string, unit: string): string | undefined {
  const match = /^(-?\d+(?:\.\d+)?) ?(\S*)$/.exec(text)
  return match?.[2] === unit ? undefined : `wanted a sum in ${unit || 'plain numbers'}; got "${text}"`
}

function judgedOf(settings: WindowSettings): DerivedRule {
  const { quantity, take, over } = settings
  return {
    quantity,
    name: `${take}(${quantity}, ${over})`,
    unit: take === 'count' ? '' : unitOf(quantity),
    sides: sidesOf(settings, take === 'count' ? Number : limitValue),
    wait: settings.for === undefined ? 0 : parseDuration(settings.for),
    words: { over, for: settings.for ?? '0 s' },
  }
}

const ruleOf = onceEach((settings: WindowSettings) => derivedRule(judgedOf(settings), windowOf(settings)))

function windowOf({ take, over, above }: WindowSettings): Derived<Buckets> {
  const span = parseDuration(over)
  const form: BucketForm = { form: `${take} ${over}`, span, fold: folds[take] }
  const isGrowing = take === 'count' || take === 'sum'
  const isForAll = take === 'avg' || (take === 'max' || isGrowing ? above === undefined : above !== undefined)

  return {
    take: (known, at, value, now) => withNumber(known, form, at, value, now),
    value(known, end) {
      if (isForAll && end - known.since < span) return undefined
      return results[take](liveAt(known, form, end))
    },
    end: ({ end }) => end,
    shifted: (known, by) => shiftedBuckets(known, form, by),
    // An average of readings that stopped is not judged again; that there are ever fewer of them is.
    ...(isGrowing && { changesAt: (known: Buckets, now: Instant) => nextEnd(known, form, now) }),
  }
}

const folds: Readonly<Record<Take, BucketForm['fold']>> = {
  avg: (before = 0, value) => before + value,
  sum: (before = 0, value) => before + value,
  count: () => 0,
  max: (before = -Infinity, value) => Math.max(before, value),
  min: (before = Infinity, value) => Math.min(before, value),
}

const total = (buckets: readonly Bucket[], of: 1 | 2): number =>
  buckets.reduce((sum, bucket) => sum + bucket[of], 0)

const results: Readonly<Record<Take, (buckets: readonly Bucket[]) => number | undefined>> = {
  avg: (buckets) => (buckets.length === 0 ? undefined : total(buckets, 2) / total(buckets, 1)),
  sum: (buckets) => total(buckets, 2),
  count: (buckets) => total(buckets, 1),
  max: (buckets) => (buckets.length === 0 ? undefined : Math.max(...buckets.map(([, , most]) => most))),
  min: (buckets) => (buckets.length === 0 ? undefined : Math.min(...buckets.map(([, , least]) => least))),
}
