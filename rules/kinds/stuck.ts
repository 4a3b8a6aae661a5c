import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, type Duration, type Instant } from '../../base/clock.ts'
import { quantityIds, type QuantityId } from '../../gateway/quantity.ts'
import type { Reading } from '../../gateway/reading.ts'
import type { Compared, RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { cameLate } from '../came-late.ts'
import { textOf, unitOf } from '../derived.ts'
import { difference, Limit, limitValue } from '../limit.ts'
import { nearestOf } from '../nearness.ts'
import { onceEach } from '../once.ts'
import {
  nothing,
  nothingSeen,
  perDevice,
  type DeviceRule,
  type DeviceStep,
  type Memos,
} from '../per-device.ts'
import { numberComplaints } from '../number-complaints.ts'

const StuckSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    /** It moved when it left a band of this width; any other number is a move by default. */
    within: Type.Optional(Limit),
    for: Span,
    /** At least so many readings said the same: a silent device is not stuck but lost. 10 by default. */
    readings: Type.Optional(Type.Integer({ minimum: 2, maximum: 10_000 })),
  },
  { additionalProperties: false },
)
type StuckSettings = Static<typeof StuckSettings>

/** Since when a number lies in a narrow band. */
interface StuckMemo {
  readonly part: string
  readonly since: Instant
  readonly low: number
  readonly high: number
  /** Not counted beyond what is asked for. */
  readonly readings: number
  readonly isRaised: boolean
}

/** 卡死: raises when a device goes on reporting and its number never moves; clears with the first that does. */
const stuck: RuleKind<typeof StuckSettings, Memos<StuckMemo>> = {
  settings: StuckSettings,
  check({ quantity, within }) {
    const unfit = numberComplaints({ quantity })
    if (unfit.length > 0) return unfit
    const unit = unitOf(quantity)
    const match = within === undefined ? undefined : /^\d+(?:\.\d+)? ?(\S*)$/.exec(within.replace('℃', '°C'))
    if (match === undefined || match?.[1] === unit) return []
    const text = `${quantity} is measured in ${unit || 'plain numbers'}; got "${within ?? ''}"`
    return [{ path: '/within', text }]
  },
  wants: ({ quantity }) => [quantity],
  words: ['value', 'for', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(ruleOf(settings), context),
  nearness(settings) {
    const { quantity, width, wait } = bandOf(settings)
    return (readings) =>
      nearestOf<{ readonly memo: StuckMemo; readonly end: Instant } | undefined>(
        readings,
        undefined,
        (state, reading) =>
          isNumber(reading, quantity)
            ? { memo: inBand(state?.memo, reading, width, 1), end: reading.at }
            : state,
        (state) => [stillFor(settings, state && state.end - state.memo.since, wait)],
      )
  },
}
export default stuck

const bandOf = ({ quantity, within, ...settings }: StuckSettings) => ({
  quantity,
  width: within === undefined ? 0 : limitValue(within),
  wait: parseDuration(settings.for),
  wanted: settings.readings ?? 10,
})

const ruleOf = onceEach((settings: StuckSettings): DeviceRule<StuckMemo> => {
  const { quantity, width, wait, wanted } = bandOf(settings)
  const unit = unitOf(quantity)

  return {
    step(memo, said, now, deviceId, { jumpedBy }): DeviceStep<StuckMemo> {
      let next = memo && moved(memo, jumpedBy, now)
      let clearedAt: Instant | undefined
      let newest: (Reading & { readonly value: number }) | undefined
      for (const reading of said?.readings ?? []) {
        if (!isNumber(reading, quantity) || (next && cameLate(reading.at, next.since, now))) continue
        newest = reading
        const before = next
        next = inBand(before, reading, width, wanted)
        if (before?.isRaised && !next.isRaised) clearedAt = reading.at
      }
      if (!next) return nothing
      const cleared = clearedAt === undefined ? {} : { clearedAt }
      const isStill = !next.isRaised && next.readings >= wanted
      if (!newest || !isStill || newest.at - next.since < wait) return { memo: next, ...cleared }
      return {
        memo: { ...next, isRaised: true },
        ...cleared,
        raise: {
          since: next.since,
          drill: false,
          readings: [{ reading: newest, deviceId }],
          conditions: [stillFor(settings, newest.at - next.since, wait)],
          words: { value: textOf(newest.value, unit), for: settings.for, part: next.part },
        },
      }
    },
    standing: ({ isRaised }) => (isRaised ? 'real' : 'none'),
    // Only a reading can say that it still does not move.
    due: () => undefined,
  }
})

function isNumber(reading: Reading, quantity: QuantityId): reading is Reading & { readonly value: number } {
  return reading.quantity === quantity && reading.quality === 'good' && typeof reading.value === 'number'
}

/** The same memory when it says nothing new. */
function inBand(
  memo: StuckMemo | undefined,
  { part, value, at }: Reading & { readonly value: number },
  width: number,
  wanted: number,
): StuckMemo {
  const low = Math.min(memo?.low ?? value, value)
  const high = Math.max(memo?.high ?? value, value)
  if (!memo || difference(high, low) > width) {
    return { part, since: at, low: value, high: value, readings: 1, isRaised: false }
  }
  if (low === memo.low && high === memo.high && memo.readings >= wanted) return memo
  return { ...memo, low, high, readings: Math.min(memo.readings + 1, wanted) }
}

/** The clock jumped, or was set back while the gateway was away. */
function moved(memo: StuckMemo, jumpedBy: Duration, now: Instant): StuckMemo {
  const since = Math.min(memo.since + jumpedBy, now)
  return since === memo.since ? memo : { ...memo, since: instant(since) }
}

function stillFor(
  { quantity, within }: StuckSettings,
  still: Duration | undefined,
  wait: Duration,
): Compared {
  const minutes = (span: Duration): number => Number((span / 60_000).toFixed(1))
  return {
    text: `still(${quantity}${within === undefined ? '' : `, ${within}`}) >= ${minutes(wait)} min`,
    ...(still !== undefined && { value: minutes(still), margin: difference(minutes(still), minutes(wait)) }),
    threshold: minutes(wait),
    unit: 'min',
    met: still !== undefined && still >= wait,
  }
}
