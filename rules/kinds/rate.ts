import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, type Duration, type Instant } from '../../base/clock.ts'
import { quantityIds, type QuantityId } from '../../gateway/quantity.ts'
import type { RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import {
  derivedNearness,
  derivedRule,
  unitOf,
  type Derived,
  type DerivedMemo,
  type DerivedRule,
} from '../derived.ts'
import { onceEach } from '../once.ts'
import { nothingSeen, perDevice, type Memos } from '../per-device.ts'
import { sideComplaints, sideSettings, sidesOf } from '../sides.ts'
import { numberComplaints } from '../number-complaints.ts'

const RateSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    /** The rise is measured over this long; the device has to report at least twice in it. */
    over: Span,
    ...sideSettings,
    /** Without a break for this long. */
    for: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type RateSettings = Static<typeof RateSettings>

/** The newest number of each slice of the span. */
interface Samples {
  readonly over: string
  readonly samples: readonly (readonly [at: Instant, value: number])[]
}

/** The span is cut into so many slices, one sample each. */
const SLICES = 30
const MINUTE = 60_000

/**
 * 变化率: raises when a number rises by so much a minute (`above: 5 °C/min`) or falls (`below: -10 %/min`), by the
 * straight line that lies nearest to the readings of the last `over`: one reading that jumps is no rise.
 */
const rate: RuleKind<typeof RateSettings, Memos<DerivedMemo<Samples>>> = {
  settings: RateSettings,
  check(settings) {
    const { quantity } = settings
    const unfit = numberComplaints(settings)
    if (unfit.length > 0) return unfit
    return sideComplaints(settings, (text) => rateComplaint(text, quantity), rateValue)
  },
  wants: ({ quantity }) => [quantity],
  words: ['value', 'threshold', 'over', 'for', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(ruleOf(settings), context),
  nearness: (settings) => derivedNearness(judgedOf(settings), riseOf(settings)),
}
export default rate

function rateComplaint(text: string, quantity: QuantityId): string | undefined {
  const wanted = `${unitOf(quantity)}/min`
  const unit = /^-?\d+(?:\.\d+)? ?(\S+)$/.exec(text)?.[1]?.replace('℃', '°C')
  return unit === wanted ? undefined : `a rise of ${quantity} is measured in ${wanted}; got "${text}"`
}

const rateValue = (text: string): number => Number.parseFloat(text)

function judgedOf(settings: RateSettings): DerivedRule {
  const { quantity, over } = settings
  return {
    quantity,
    name: `rise(${quantity}, ${over})`,
    unit: `${unitOf(quantity)}/min`,
    sides: sidesOf(settings, rateValue),
    wait: settings.for === undefined ? 0 : parseDuration(settings.for),
    words: { over, for: settings.for ?? '0 s' },
  }
}

const ruleOf = onceEach((settings: RateSettings) => derivedRule(judgedOf(settings), riseOf(settings)))

function riseOf({ over }: RateSettings): Derived<Samples> {
  const span = parseDuration(over)
  const sliceOf = (at: Instant): number => Math.floor((at * SLICES) / span)

  return {
    take(known, at, value, now) {
      const own = instant(Math.min(at, now))
      // The clock may have been set back: what lies ahead of it says nothing of a rise.
      const before = (known?.over === over ? known.samples : []).filter(([one]) => one <= now)
      const end = Math.max(own, before.at(-1)?.[0] ?? own)
      if (own <= end - span) return known ?? { over, samples: before }
      const others = before.filter(
        ([one]) => one > end - span && (sliceOf(one) !== sliceOf(own) || one > own),
      )
      const isOutdone = others.some(([one]) => sliceOf(one) === sliceOf(own))
      if (isOutdone) return known ?? { over, samples: before }
      const samples = [...others, [own, value] as const].sort(([a], [b]) => a - b)
      return { over, samples }
    },
    value: ({ samples }) => slope(samples, span),
    end: ({ samples }) => samples.at(-1)?.[0] ?? instant(0),
    shifted: ({ samples }, by) => ({
      over,
      samples: samples.map(([at, value]) => [instant(at + by), value]),
    }),
  }
}

/** A minute, by least squares; undefined until the samples cover half the span. */
function slope(samples: Samples['samples'], span: Duration): number | undefined {
  const [first] = samples
  const last = samples.at(-1)
  if (!first || !last || last[0] - first[0] < span / 2) return undefined
  const minutes = samples.map(([at]) => (at - first[0]) / MINUTE)
  const meanTime = mean(minutes)
  const meanValue = mean(samples.map(([, value]) => value))
  let [rise, spread] = [0, 0]
  for (const [index, [, value]] of samples.entries()) {
    const away = (minutes[index] ?? 0) - meanTime
    rise += away * (value - meanValue)
    spread += away * away
  }
  return rise / spread
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, one) => sum + one, 0) / numbers.length
