import type { Duration, Instant } from '../base/clock.ts'
import { quantityOf, type QuantityId } from './quantity.ts'

/** `at-limit`: the device can say no more than "this or above"; `bad`: wrong, out of range or the line is lost. */
export type Quality = 'good' | 'at-limit' | 'bad'

export type Value = number | boolean | string

/** 读数: one quantity of one device (or of a part of it, such as a charging port) at one time. */
export interface Reading {
  readonly quantity: QuantityId
  /** The part of the device that it speaks of: `port-2`; empty for the device itself. */
  readonly part: string
  readonly value: Value
  readonly quality: Quality
  /** When it was so: the reading's own time where it has a believable one, else arrival. */
  readonly at: Instant
  /** The device never takes a `true` back: it ends by itself after this. Said again it lasts from then. */
  readonly lastsMs?: Duration
}

/** What the contract carries of a text. */
const LONGEST_TEXT = 64

/** Judges a decoded value by the quantity's kind and sane range; a wrong one keeps its raw value and is bad. */
export function toReading(
  quantity: QuantityId,
  part: string,
  value: unknown,
  at: Instant,
  atLimit = false,
): Reading {
  const { kind, min, max } = quantityOf(quantity)
  const isKind =
    kind === 'text' ? typeof value === 'string' && value.length <= LONGEST_TEXT : typeof value === kind
  if (!isKind) {
    return { quantity, part, value: printable(value), quality: 'bad', at }
  }
  if (typeof value === 'number') {
    const isSane = Number.isFinite(value) && value >= (min ?? -Infinity) && value <= (max ?? Infinity)
    return {
      quantity,
      part,
      value: Number.isFinite(value) ? value : String(value),
      quality: !isSane ? 'bad' : atLimit ? 'at-limit' : 'good',
      at,
    }
  }
  return { quantity, part, value: value as Value, quality: 'good', at } // the kind was compared above
}

function printable(value: unknown): Value {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value : ((JSON.stringify(value) as string | undefined) ?? '')
  return text.slice(0, LONGEST_TEXT)
}
