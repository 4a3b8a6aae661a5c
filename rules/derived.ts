import type { Duration, Instant } from '../base/clock.ts'
import { quantityOf, type QuantityId } from '../gateway/quantity.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Compared, Raise } from '../gateway/rule.ts'
import { afterLook, byNewClock, dueOf, isRipe, type Breach, type Patience } from './breach.ts'
import { nearestOf } from './nearness.ts'
import type { DeviceRule } from './per-device.ts'
import { isBack, isOver, marginOf, type Sides } from './sides.ts'

/** 派生值: a number that is worked out from what a device said over a time: an average, a rise, a forecast. */
export interface Derived<Series> {
  /** With one more number of the device; the same object when it adds nothing. */
  take(series: Series | undefined, at: Instant, value: number, now: Instant): Series
  /** At `end`; undefined while nobody can tell. */
  value(series: Series, end: Instant): number | undefined
  /** The newest time of the series. */
  end(series: Series): Instant
  /** The wall clock has jumped: times move with it. */
  shifted(series: Series, jumpedBy: Duration): Series
  /** When time alone changes the value; left out where only readings do. */
  changesAt?(series: Series, now: Instant): Instant | undefined
  /** More words for the text of a case. */
  words?(series: Series, end: Instant): Readonly<Record<string, string>>
}

/** What a derived number is judged by. */
export interface DerivedRule {
  readonly quantity: QuantityId
  /** As a case shows it: `avg(portPower, 10 min)`. */
  readonly name: string
  /** Of the derived number. */
  readonly unit: string
  readonly sides: Sides
  readonly wait: Duration
  readonly words: Readonly<Record<string, string>>
}

export interface DerivedMemo<Series> {
  readonly series: Series
  readonly breach?: Breach
}

/** Judges a derived number by its limits, for long enough. */
export function derivedRule<Series>(
  rule: DerivedRule,
  derived: Derived<Series>,
): DeviceRule<DerivedMemo<Series>> {
  const { quantity, sides, wait } = rule
  const patience: Patience = { wait, polls: 1 }

  return {
    step(memo, said, now, deviceId, { jumpedBy }) {
      let series = memo && shifted(memo.series, jumpedBy)
      let breach = memo?.breach && byNewClock(memo.breach, jumpedBy, now)
      let clearedAt: Instant | undefined
      let newest: Reading | undefined
      const look = (at: Instant, part: string): void => {
        const value = series && derived.value(series, at)
        const after = afterLook(
          breach,
          {
            at,
            part,
            value: value ?? 0,
            isAtLimit: false,
            over: value === undefined ? 'unknown' : isOver(sides, value),
            back: value === undefined ? 'unknown' : isBack(sides, value),
          },
          patience,
          now,
        )
        if (breach?.isRaised && after === undefined) clearedAt = at
        breach = after
      }
      for (const reading of said?.readings ?? []) {
        if (!isNumberOf(reading, quantity)) continue
        const before = series
        series = derived.take(series, reading.at, reading.value, now)
        if (series === before) continue
        newest = reading
        look(derived.end(series), reading.part)
      }
      if (!said && series && (breach || sides.sign < 0) && derived.changesAt) look(now, breach?.part ?? '')
      if (!series) return { memo }
      const raise = breach && isRipe(breach, patience, newest?.at, now) ? breach : undefined
      if (raise) breach = { ...raise, isRaised: true }
      return {
        memo:
          memo?.series === series && memo.breach === breach ? memo : { series, ...(breach && { breach }) },
        ...(clearedAt !== undefined && { clearedAt }),
        ...(raise && { raise: raiseOf(raise, series, newest, now, deviceId) }),
      }
    },
    standing: ({ breach }) => (breach?.isRaised ? 'real' : 'none'),
    due({ series, breach }, now) {
      const ripe = breach && dueOf(breach, patience)
      const changes = breach || sides.sign < 0 ? derived.changesAt?.(series, now) : undefined
      if (ripe === undefined || changes === undefined) return ripe ?? changes
      return ripe < changes ? ripe : changes
    },
  }

  function shifted(series: Series, jumpedBy: Duration): Series {
    return jumpedBy === 0 ? series : derived.shifted(series, jumpedBy)
  }

  function raiseOf(
    breach: Breach,
    series: Series,
    newest: Reading | undefined,
    now: Instant,
    deviceId: string,
  ): Raise {
    const end = newest ? derived.end(series) : now
    const compared = comparedBy(rule, derived.value(series, end) ?? Number(breach.value))
    return {
      since: breach.since,
      drill: false,
      readings: newest ? [{ reading: newest, deviceId }] : [],
      conditions: [compared],
      words: {
        ...rule.words,
        value: textOf(compared.value, rule.unit),
        threshold: textOf(compared.threshold, rule.unit),
        part: breach.part,
        ...derived.words?.(series, end),
      },
    }
  }
}

/** How near the derived number came to its limit. */
export function derivedNearness<Series>(
  rule: DerivedRule,
  derived: Derived<Series>,
): (readings: readonly Reading[]) => readonly Compared[] {
  return (readings) =>
    nearestOf<Series | undefined>(
      readings,
      undefined,
      (series, reading) =>
        isNumberOf(reading, rule.quantity)
          ? derived.take(series, reading.at, reading.value, reading.at)
          : series,
      (series) => [comparedBy(rule, series && derived.value(series, derived.end(series)))],
    )
}

function isNumberOf(reading: Reading, quantity: QuantityId): reading is Reading & { readonly value: number } {
  return reading.quantity === quantity && reading.quality !== 'bad' && typeof reading.value === 'number'
}

function comparedBy({ name, unit, sides }: DerivedRule, value: number | undefined): Compared {
  const shown = value === undefined ? undefined : Number(value.toFixed(3))
  return {
    text: `${name} ${sides.sign > 0 ? '>=' : '<='} ${textOf(sides.limit, unit)}`,
    ...(shown !== undefined && { value: shown }),
    threshold: sides.limit,
    ...(shown !== undefined && { margin: marginOf(sides, shown) }),
    unit,
    met: value !== undefined && isOver(sides, value),
  }
}

export const textOf = (value: unknown, unit: string): string => `${String(value)} ${unit}`.trim()

/** Of the table; empty for plain numbers. */
export const unitOf = (quantity: QuantityId): string => quantityOf(quantity).unit
