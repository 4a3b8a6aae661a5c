import { Type, type Static } from 'typebox'
import { parseAmount, parseDuration } from '../../base/amount.ts'
import { later, type Duration, type Instant } from '../../base/clock.ts'
import { quantityIds, quantityOf, type QuantityId } from '../../gateway/quantity.ts'
import type { Reading } from '../../gateway/reading.ts'
import type { Raise, RaisedBy, RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { difference, Limit, limitComplaint } from '../limit.ts'
import { cameLate } from '../came-late.ts'
import { nothingSeen, perDevice, type DeviceRule, type Memos } from '../per-device.ts'

const ThresholdSettings = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    /** Raises at and above this; exactly one of `above` and `below`. */
    above: Type.Optional(Limit),
    /** Clears below this; `above` by default. */
    clearBelow: Type.Optional(Limit),
    /** Raises at and below this. */
    below: Type.Optional(Limit),
    /** Clears above this; `below` by default. */
    clearAbove: Type.Optional(Limit),
    /** Without a break for this long. */
    for: Type.Optional(Span),
    /** In this many readings one after the other. */
    polls: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false },
)
type ThresholdSettings = Static<typeof ThresholdSettings>

/** The first reading over the limit, and how many came since. */
interface ThresholdMemo {
  readonly part: string
  readonly since: Instant
  /** When that reading arrived: a wait is measured from it. */
  readonly from: Instant
  readonly value: number
  readonly isAtLimit: boolean
  readonly polls: number
  readonly isRaised: boolean
}

/**
 * 越限: raises when a number reaches its limit for long enough and in enough readings; clears on the far side of
 * the hysteresis. A reading "at limit" says "this or more, I cannot tell": for `above` it counts as over whatever
 * the limit is, since the byte of a station that ends at 250 mA could otherwise never reach 300 mA.
 */
const threshold: RuleKind<typeof ThresholdSettings, Memos<ThresholdMemo>> = {
  settings: ThresholdSettings,
  check: complaints,
  wants: ({ quantity }) => [quantity],
  words: ['value', 'threshold', 'for', 'polls', 'part'],
  start: nothingSeen,
  ready: (settings, context) => perDevice(thresholdOf(settings), context),
}
export default threshold

function complaints(settings: ThresholdSettings): { path: string; text: string }[] {
  const { quantity, above, below, clearBelow, clearAbove } = settings
  const limits = Object.entries({ above, clearBelow, below, clearAbove })
  if (quantityOf(quantity).kind !== 'number') {
    return [{ path: '/quantity', text: `"${quantity}" is not a number` }]
  }
  const wrong = limits.flatMap(([key, text]) => {
    const complaint = text === undefined ? undefined : limitComplaint(text, quantity)
    return complaint === undefined ? [] : [{ path: `/${key}`, text: complaint }]
  })
  if (wrong.length > 0) return wrong
  if ((above === undefined) === (below === undefined)) {
    return [{ path: '', text: 'wanted exactly one of "above" and "below"' }]
  }
  if (above === undefined && clearBelow !== undefined) {
    return [{ path: '/clearBelow', text: '"clearBelow" belongs to "above"; "below" has "clearAbove"' }]
  }
  if (below === undefined && clearAbove !== undefined) {
    return [{ path: '/clearAbove', text: '"clearAbove" belongs to "below"; "above" has "clearBelow"' }]
  }
  const { limit, clear, sign } = sidesOf(settings)
  if (sign * clear <= sign * limit) return []
  const [key, side] = sign > 0 ? ['clearBelow', 'above'] : ['clearAbove', 'below']
  return [{ path: `/${key}`, text: `"${key}" lies beyond "${side}": it would clear while it raises` }]
}

/** `sign` −1 turns "below" into "above", so that both are judged alike. */
function sidesOf({ above, below, clearBelow, clearAbove }: ThresholdSettings): {
  readonly limit: number
  readonly clear: number
  readonly sign: 1 | -1
} {
  const limit = parseAmount(above ?? below ?? '').value
  const clear = clearBelow ?? clearAbove
  return {
    limit,
    clear: clear === undefined ? limit : parseAmount(clear).value,
    sign: above === undefined ? -1 : 1,
  }
}

function thresholdOf(settings: ThresholdSettings): DeviceRule<ThresholdMemo> {
  const { limit, clear, sign } = sidesOf(settings)
  const wait: Duration = settings.for === undefined ? 0 : parseDuration(settings.for)
  const pollsWanted = settings.polls ?? 1
  const { quantity } = settings

  return {
    step(memo, said, now, deviceId) {
      let next = memo && memo.from > now ? { ...memo, from: now } : memo // the clock was set back
      let clearedAt: Instant | undefined
      let newest: Reading | undefined
      for (const reading of said?.readings ?? []) {
        if (!isJudged(reading) || (next && cameLate(reading.at, next.since, now))) continue
        newest = reading
        if (next?.isRaised) {
          if (!isBack(reading)) continue
          clearedAt = reading.at
          next = undefined
        } else if (!isOver(reading)) next = undefined
        else if (!next) next = begun(reading, now)
        else if (next.polls < pollsWanted) next = { ...next, polls: next.polls + 1 }
      }
      if (!next || next.isRaised || !isRipe(next, newest, now)) {
        return { memo: next, ...(clearedAt !== undefined && { clearedAt }) }
      }
      return { memo: { ...next, isRaised: true }, raise: raiseOf(next, newest, deviceId) }
    },
    standing: ({ isRaised }) => (isRaised ? 'real' : 'none'),
    due: ({ isRaised, polls, from }) =>
      isRaised || polls < pollsWanted || wait === 0 ? undefined : later(from, wait),
  }

  function isJudged(reading: Reading): reading is Reading & { readonly value: number } {
    return reading.quantity === quantity && reading.quality !== 'bad' && typeof reading.value === 'number'
  }

  function isOver({ value, quality }: Reading & { readonly value: number }): boolean {
    return quality === 'at-limit' && sign > 0 ? true : sign * value >= sign * limit
  }

  function isBack(reading: Reading & { readonly value: number }): boolean {
    return !isOver(reading) && sign * reading.value < sign * clear
  }

  /** Long enough by the times of the readings, or by how long ago the first one came. */
  function isRipe(memo: ThresholdMemo, newest: Reading | undefined, now: Instant): boolean {
    if (memo.polls < pollsWanted) return false
    return now >= later(memo.from, wait) || (newest !== undefined && newest.at >= later(memo.since, wait))
  }

  function raiseOf(memo: ThresholdMemo, newest: Reading | undefined, deviceId: string): Raise {
    const first = readingOf(quantity, memo)
    const last = newest && newest.at > first.at ? newest : undefined
    const shown = last ?? first
    const { unit } = quantityOf(quantity)
    return {
      since: memo.since,
      drill: false,
      readings: [byLimit(first, deviceId), ...(last ? [byLimit(last, deviceId)] : [])],
      words: {
        value: `${shown.quality === 'at-limit' ? '≥ ' : ''}${String(shown.value)} ${unit}`.trim(),
        threshold: `${limit} ${unit}`.trim(),
        for: settings.for ?? '0 s',
        polls: String(pollsWanted),
        part: memo.part,
      },
    }
  }

  function byLimit(reading: Reading, deviceId: string): RaisedBy {
    const { quality, value } = reading
    return {
      reading,
      deviceId,
      threshold: limit,
      ...(quality === 'good' &&
        typeof value === 'number' && { margin: difference(sign * value, sign * limit) }),
    }
  }
}

function begun(reading: Reading & { readonly value: number }, now: Instant): ThresholdMemo {
  return {
    part: reading.part,
    since: reading.at,
    from: now,
    value: reading.value,
    isAtLimit: reading.quality === 'at-limit',
    polls: 1,
    isRaised: false,
  }
}

const readingOf = (quantity: QuantityId, { part, value, isAtLimit, since }: ThresholdMemo): Reading => ({
  quantity,
  part,
  value,
  quality: isAtLimit ? 'at-limit' : 'good',
  at: since,
})
