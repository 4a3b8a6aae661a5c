import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { quantityIds } from '../../gateway/quantity.ts'
import type { RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { dueOf, isBreach, type Patience, type WhenMemo } from '../breach.ts'
import { limitComplaint, limitValue } from '../limit.ts'
import { nearestOf } from '../nearness.ts'
import { framesOf, nextEndOf, nothingHeard, withReadings } from '../newest.ts'
import { onceEach } from '../once.ts'
import { ofOneQuantity } from '../one-quantity.ts'
import { nothingSeen, perDevice, perPlace, type DeviceRule, type Memos } from '../per-device.ts'
import { ofSeveralQuantities } from '../several-quantities.ts'
import { sideComplaints, sideSettings } from '../sides.ts'
import {
  ConditionText,
  limitNameComplaints,
  Limits,
  toWhenPair,
  whenComplaints,
  type WhenPair,
} from '../when.ts'
import { numberComplaints } from '../number-complaints.ts'

const ThresholdSettings = Type.Object(
  {
    /** The short form: one number and its limits. */
    quantity: Type.Optional(Type.Enum(quantityIds)),
    ...sideSettings,
    /** The long form: whatever can be said of the newest readings of the place. */
    when: Type.Optional(ConditionText),
    /** Clears when this holds; as soon as `when` no longer does by default. */
    clear: Type.Optional(ConditionText),
    limits: Type.Optional(Limits),
    /** Without a break for this long. */
    for: Type.Optional(Span),
    /** In this many readings one after the other. */
    polls: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false },
)
type ThresholdSettings = Static<typeof ThresholdSettings>

/**
 * 越限: raises when its condition holds for long enough and in enough readings; clears on the far side of the
 * hysteresis. A reading "at limit" says "this or more, I cannot tell": it counts as over whatever the limit is, since
 * the byte of a station that ends at 250 mA could otherwise never reach 300 mA.
 *
 * Where one quantity is asked for, each device (or port) of the place is judged by itself; a condition over several
 * quantities is judged over all that the devices of the place last said.
 */
const threshold: RuleKind<typeof ThresholdSettings, Memos<WhenMemo>> = {
  settings: ThresholdSettings,
  check: complaints,
  wants: (settings) => pairOf(settings).wants,
  words: ['value', 'threshold', 'for', 'polls', 'part'],
  start: nothingSeen,
  ready(settings, context) {
    const rule = ruleOf(settings)
    return rule.isOfOneQuantity ? perDevice(rule, context) : perPlace(rule, context)
  },
  nearness(settings) {
    const { when } = pairOf(settings)
    return (readings) =>
      nearestOf(
        readings,
        nothingHeard,
        (newest, reading) => withReadings(newest, '', [reading], when.wants, reading.at),
        (newest) => when.explain(framesOf(newest, when)),
      )
  },
}
export default threshold

function complaints(settings: ThresholdSettings): { path: string; text: string }[] {
  const { quantity, when, clear, limits, above, below, clearBelow, clearAbove } = settings
  if (when !== undefined) {
    const short = Object.entries({ quantity, above, below, clearBelow, clearAbove })
    const mixed = short.filter(([, value]) => value !== undefined)
    if (mixed.length > 0) {
      return mixed.map(([key]) => ({
        path: `/${key}`,
        text: `"when" says it all; it has no "${key}" beside it`,
      }))
    }
    return whenComplaints({ when, ...(clear !== undefined && { clear }), ...(limits && { limits }) })
  }
  if (clear !== undefined) return [{ path: '/clear', text: '"clear" belongs to "when"' }]
  if (limits) return limitNameComplaints(limits, [])
  if (quantity === undefined) return [{ path: '', text: 'wanted a "quantity" with its limit, or "when"' }]
  const unfit = numberComplaints({ quantity })
  if (unfit.length > 0) return unfit
  return sideComplaints(settings, (text) => limitComplaint(text, quantity), limitValue)
}

/** The short form as conditions: both forms are judged alike. */
const pairOf = onceEach((settings: ThresholdSettings): WhenPair => {
  const { quantity = '', above, below, clearBelow, clearAbove, when, clear, limits } = settings
  if (when !== undefined) {
    return toWhenPair({ when, ...(clear !== undefined && { clear }), ...(limits && { limits }) })
  }
  if (above !== undefined) {
    const back = clearBelow === undefined ? {} : { clear: `${quantity} < ${clearBelow}` }
    return toWhenPair({ when: `${quantity} >= ${above}`, ...back })
  }
  const back = clearAbove === undefined ? {} : { clear: `${quantity} > ${clearAbove}` }
  return toWhenPair({ when: `${quantity} <= ${below ?? ''}`, ...back })
})

type ThresholdRule = DeviceRule<WhenMemo> & { readonly isOfOneQuantity: boolean }

const ruleOf = onceEach((settings: ThresholdSettings): ThresholdRule => {
  const pair = pairOf(settings)
  const patience: Patience = {
    wait: settings.for === undefined ? 0 : parseDuration(settings.for),
    polls: settings.polls ?? 1,
  }
  const words = { for: settings.for ?? '0 s', polls: String(patience.polls) }
  const [quantity, second] = pair.wants
  const isOfOneQuantity = quantity !== undefined && second === undefined
  return {
    isOfOneQuantity,
    step: isOfOneQuantity
      ? ofOneQuantity(pair, quantity, patience, words)
      : ofSeveralQuantities(pair, patience, words),
    standing: ({ isRaised, drill }) => (isRaised !== true ? 'none' : drill ? 'drill' : 'real'),
    due(memo) {
      const ripe = isBreach(memo) ? dueOf(memo, patience) : undefined
      const ends = memo.newest && nextEndOf(memo.newest)
      if (ripe === undefined || ends === undefined) return ripe ?? ends
      return ripe < ends ? ripe : ends
    },
  }
})
