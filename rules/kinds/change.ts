import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, type Duration, type Instant } from '../../base/clock.ts'
import { quantityIds, type QuantityId } from '../../gateway/quantity.ts'
import type { RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { shiftedBuckets, withNumber, type BucketForm, type Buckets } from '../buckets.ts'
import {
  derivedNearness,
  derivedRule,
  textOf,
  unitOf,
  type Derived,
  type DerivedMemo,
  type DerivedRule,
} from '../derived.ts'
import { Limit, limitValue } from '../limit.ts'
import { median } from '../median.ts'
import { onceEach } from '../once.ts'
import { nothingSeen, perDevice, type Memos } from '../per-device.ts'
import { numberComplaints } from '../number-complaints.ts'

const directions = ['either', 'up', 'down'] as const

const ChangeSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    /** Away from what is usual by at least this. */
    by: Limit,
    /** Back when it is less than this away; half of `by` by default. */
    clearWithin: Type.Optional(Limit),
    direction: Type.Optional(Type.Enum(directions)),
    /** Without a break for this long. */
    for: Span,
    /** What is usual is the median of this long. Nothing is raised before it is known. */
    over: Span,
    /** Away for so long it is the new usual, and the case clears: a sensor that was moved. 7 d by default. */
    adoptAfter: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type ChangeSettings = Static<typeof ChangeSettings>

/** What was usual, and what is now. */
interface Usual {
  readonly slices: Buckets
  /** Undefined until there are readings of the whole span. */
  readonly base?: number
  readonly last: number
  readonly end: Instant
  /** Since when it is away from what is usual. */
  readonly awaySince?: Instant
}

/**
 * 持续变化: raises when a number stays away from what was usual here, such as what a camera sees in a zone after goods
 * were put there. What is usual follows slow drift (daylight, a worn sensor) and stands still while it is away.
 */
const change: RuleKind<typeof ChangeSettings, Memos<DerivedMemo<Usual>>> = {
  settings: ChangeSettings,
  check(settings) {
    const { quantity, by, clearWithin } = settings
    const unfit = numberComplaints(settings)
    if (unfit.length > 0) return unfit
    const wrong = Object.entries({ by, clearWithin }).flatMap(([key, text]) => {
      const complaint = text === undefined ? undefined : distanceComplaint(text, quantity)
      return complaint === undefined ? [] : [{ path: `/${key}`, text: complaint }]
    })
    if (wrong.length > 0 || clearWithin === undefined || limitValue(clearWithin) <= limitValue(by))
      return wrong
    return [{ path: '/clearWithin', text: '"clearWithin" is more than "by": it would clear while it raises' }]
  },
  wants: ({ quantity }) => [quantity],
  words: ['value', 'threshold', 'usual', 'now', 'for', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(ruleOf(settings), context),
  nearness: (settings) => derivedNearness(judgedOf(settings), awayFrom(settings)),
}
export default change

/** A distance has the unit of its quantity and no range of its own. */
function distanceComplaint(text: string, quantity: QuantityId): string | undefined {
  const unit = unitOf(quantity)
  const match = /^(\d+(?:\.\d+)?) ?(\S*)$/.exec(text.replace('℃', '°C'))
  if (match?.[2] !== unit) return `${quantity} is measured in ${unit || 'plain numbers'}; got "${text}"`
  return Number(match[1]) > 0 ? undefined : `wanted more than 0; got "${text}"`
}

function judgedOf({
  quantity,
  by,
  clearWithin,
  direction = 'either',
  ...settings
}: ChangeSettings): DerivedRule {
  const limit = limitValue(by)
  return {
    quantity,
    name: direction === 'either' ? `change(${quantity})` : `change(${quantity}, ${direction})`,
    unit: unitOf(quantity),
    sides: { limit, clear: clearWithin === undefined ? limit / 2 : limitValue(clearWithin), sign: 1 },
    wait: parseDuration(settings.for),
    words: { for: settings.for },
  }
}

const ruleOf = onceEach((settings: ChangeSettings) => derivedRule(judgedOf(settings), awayFrom(settings)))

const ADOPT_AFTER: Duration = 7 * 86_400_000

function awayFrom(settings: ChangeSettings): Derived<Usual> {
  const { direction = 'either', over, quantity } = settings
  const span = parseDuration(over)
  const { clear } = judgedOf(settings).sides
  const adoptAfter = settings.adoptAfter === undefined ? ADOPT_AFTER : parseDuration(settings.adoptAfter)
  const form: BucketForm = { form: `usual ${over}`, span, fold: (before = 0, value) => before + value }
  const unit = unitOf(quantity)

  return {
    take(known, at, value, now) {
      const own = instant(Math.min(at, now))
      if (known && own < known.end && known.end <= now) return known
      const away = known?.base === undefined ? 0 : distance(known.base, value)
      if (known?.base === undefined || away < clear) return usual(known, own, value, now)
      const awaySince = known.awaySince === undefined || known.awaySince > own ? own : known.awaySince
      if (own - awaySince < adoptAfter) return { ...known, last: value, end: own, awaySince }
      return { slices: withNumber(undefined, form, own, value, now), base: value, last: value, end: own }
    },
    value: ({ base, last }) => (base === undefined ? undefined : distance(base, last)),
    end: ({ end }) => end,
    shifted: ({ slices, awaySince, ...known }, by) => ({
      ...known,
      slices: shiftedBuckets(slices, form, by),
      end: instant(known.end + by),
      ...(awaySince !== undefined && { awaySince: instant(awaySince + by) }),
    }),
    words: ({ base = 0, last }) => ({
      usual: textOf(Number(base.toFixed(3)), unit),
      now: textOf(last, unit),
    }),
  }

  function usual(known: Usual | undefined, own: Instant, value: number, now: Instant): Usual {
    const slices = withNumber(known?.slices, form, own, value, now)
    const isWhole = slices.end - slices.since >= span
    const base = isWhole ? median(slices.buckets.map(([, count, sum]) => sum / count)) : known?.base
    return { slices, ...(base !== undefined && { base }), last: value, end: own }
  }

  function distance(base: number, value: number): number {
    if (direction === 'either') return Math.abs(value - base)
    return direction === 'up' ? value - base : base - value
  }
}
