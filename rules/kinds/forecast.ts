import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import type { Duration, Instant } from '../../base/clock.ts'
import { quantityIds } from '../../gateway/quantity.ts'
import type { RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { shiftedBuckets, sliceMs, withNumber, type BucketForm, type Buckets } from '../buckets.ts'
import {
  derivedNearness,
  derivedRule,
  textOf,
  unitOf,
  type Derived,
  type DerivedMemo,
  type DerivedRule,
} from '../derived.ts'
import { limitComplaint, limitValue } from '../limit.ts'
import { median } from '../median.ts'
import { onceEach } from '../once.ts'
import { nothingSeen, perDevice, type Memos } from '../per-device.ts'
import { sideComplaints, sideSettings, sidesOf, type Sides } from '../sides.ts'
import { numberComplaints } from '../number-complaints.ts'

const ForecastSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    /** Raises when the limit will be reached within this. */
    within: Span,
    /** The trend is that of this long. */
    over: Span,
    ...sideSettings,
  },
  { additionalProperties: false },
)
type ForecastSettings = Static<typeof ForecastSettings>

/** A trend is that of at least so many slices, which lie at least this part of the span apart. */
const LEAST_POINTS = 5
const LEAST_SPREAD = 1 / 4

/**
 * 预测: raises when a number that drifts will be at its limit within a time: a battery that runs out, a residual
 * current that creeps up. The trend is the median of the slopes between any two of 30 slices (Theil–Sen): a third of
 * them may be far off and it still holds. Only slices that are over are looked at.
 */
const forecast: RuleKind<typeof ForecastSettings, Memos<DerivedMemo<Buckets>>> = {
  settings: ForecastSettings,
  check(settings) {
    const { quantity } = settings
    const unfit = numberComplaints(settings)
    if (unfit.length > 0) return unfit
    return sideComplaints(settings, (text) => limitComplaint(text, quantity), limitValue)
  },
  wants: ({ quantity }) => [quantity],
  words: ['value', 'threshold', 'within', 'over', 'level', 'reaches', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(ruleOf(settings), context),
  nearness: (settings) => derivedNearness(judgedOf(settings), trendOf(settings)),
}
export default forecast

function judgedOf(settings: ForecastSettings): DerivedRule {
  const { quantity, within, over } = settings
  return {
    quantity,
    name: `forecast(${quantity}, ${within})`,
    unit: unitOf(quantity),
    sides: sidesOf(settings, limitValue),
    wait: 0,
    words: { within, over },
  }
}

const ruleOf = onceEach((settings: ForecastSettings) => derivedRule(judgedOf(settings), trendOf(settings)))

function trendOf(settings: ForecastSettings): Derived<Buckets> {
  const { over, quantity } = settings
  const span = parseDuration(over)
  const horizon = parseDuration(settings.within)
  const sides = sidesOf(settings, limitValue)
  const unit = unitOf(quantity)
  const form: BucketForm = { form: `trend ${over}`, span, fold: (before = 0, value) => before + value }

  return {
    take: (known, at, value, now) => withNumber(known, form, at, value, now),
    value(known, end) {
      const line = lineThrough(known, form)
      return line && line.at(end + horizon)
    },
    end: ({ end }) => end,
    shifted: (known, by) => shiftedBuckets(known, form, by),
    words(known, end) {
      const line = lineThrough(known, form)
      if (!line) return {}
      return {
        level: textOf(Number(line.at(end).toFixed(1)), unit),
        reaches: spanUntil(line, sides, end),
      }
    },
  }
}

interface Line {
  readonly slope: number
  at(time: number): number
}

/** Through the means of the slices that are over, each at its middle. */
function lineThrough({ buckets, end }: Buckets, form: BucketForm): Line | undefined {
  const ms = sliceMs(form)
  const points = buckets
    .filter(([slice]) => (slice + 1) * ms <= end)
    .map(([slice, count, sum]) => ({ at: (slice + 0.5) * ms, value: sum / count }))
  const [first] = points
  const last = points.at(-1)
  if (!first || !last || points.length < LEAST_POINTS) return undefined
  if (last.at - first.at < form.span * LEAST_SPREAD) return undefined
  const slopes = points.flatMap((a, index) =>
    points.slice(index + 1).map((b) => (b.value - a.value) / (b.at - a.at)),
  )
  const slope = median(slopes)
  const level = median(points.map(({ at, value }) => value - slope * (at - first.at)))
  return { slope, at: (time) => level + slope * (time - first.at) }
}

const DAY = 86_400_000
const HOUR = 3_600_000

/** `9 d`, `5 h`; `0 h` when it is there. */
function spanUntil(line: Line, { limit, sign }: Sides, end: Instant): string {
  const level = line.at(end)
  const left: Duration = sign * level >= sign * limit ? 0 : (limit - level) / line.slope
  return left >= 2 * DAY ? `${Math.floor(left / DAY)} d` : `${Math.floor(left / HOUR)} h`
}
