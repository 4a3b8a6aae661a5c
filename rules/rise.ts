import { Type, type Static } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import { later, type Duration, type Instant } from '../base/clock.ts'
import { quantityIds, quantityOf, type QuantityId } from '../gateway/quantity.ts'
import type { Compared } from '../gateway/rule.ts'
import { Span } from '../gateway/words.ts'
import { difference, Limit, limitComplaint, limitValue } from './limit.ts'

export const RiseSettings = Type.Object(
  { quantity: Type.Enum(quantityIds), by: Limit, within: Span },
  { additionalProperties: false, description: 'a number of one device that grows by so much within a span' },
)
export type RiseSettings = Static<typeof RiseSettings>

/** The lowest numbers of the span, oldest first, each higher than the one before: the first is the lowest. */
export type Lows = readonly (readonly [at: Instant, value: number])[]

/** So finely the span is cut: a number that wavers is not written with every reading. */
const SLICES = 12

/** 上升: how much a number has grown within a span. */
export class Rise {
  readonly quantity: QuantityId
  readonly #by: number
  readonly #within: Duration
  readonly #text: string

  constructor({ quantity, by, within }: RiseSettings) {
    this.quantity = quantity
    this.#by = limitValue(by)
    this.#within = parseDuration(within)
    this.#text = `${quantity} + ${by} / ${within}`
  }

  /** With a number that was said then; the same object when there is nothing to keep of it. */
  after(lows: Lows, value: number, at: Instant): { readonly lows: Lows; readonly rise: number } {
    const recent = lows.filter(([seen]) => seen <= at && seen > at - this.#within)
    const below = recent.filter(([, low]) => low < value)
    const last = below.at(-1)
    const isFine = last !== undefined && at - last[0] < this.#within / SLICES
    const isSame = below.length === lows.length && isFine
    const next = isSame ? lows : isFine ? below : [...below, [at, value] as const]
    return { lows: next, rise: difference(value, below[0]?.[1] ?? value) }
  }

  isMet(rise: number): boolean {
    return rise >= this.#by
  }

  compared(rise: number): Compared {
    return {
      text: this.#text,
      value: rise,
      threshold: this.#by,
      margin: difference(rise, this.#by),
      unit: quantityOf(this.quantity).unit,
      met: this.isMet(rise),
    }
  }
}

export function riseComplaints(
  { quantity, by, within }: RiseSettings,
  path: string,
): readonly { readonly path: string; readonly text: string }[] {
  if (quantityOf(quantity).kind !== 'number')
    return [{ path: `${path}/quantity`, text: `"${quantity}" is not a number` }]
  const complaint = limitComplaint(by, quantity)
  if (complaint !== undefined) return [{ path: `${path}/by`, text: complaint }]
  if (limitValue(by) <= 0) return [{ path: `${path}/by`, text: `wanted more than nothing; got "${by}"` }]
  return parseDuration(within) === 0
    ? [{ path: `${path}/within`, text: 'wanted a span of time; got none' }]
    : []
}

/** By the new clock. */
export const movedLows = (lows: Lows, jumpedBy: Duration): Lows =>
  lows.map(([at, value]) => [later(at, jumpedBy), value])
