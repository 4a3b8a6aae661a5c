import type { Duration, Instant } from '../../base/clock.ts'
import type { QuantityId } from '../quantity.ts'
import type { Quality } from '../reading.ts'
import type { PointSeries } from './read-chunk.ts'
import type { Cell } from './values.ts'

/** One answer never holds more rows or steps than this. */
export const MOST_ROWS = 10_000

/** One point over a span of arrival times: `from` belongs to it, `to` does not. */
export interface HistoryQuery {
  readonly deviceId: string
  readonly quantity: QuantityId
  readonly part: string
  readonly from: Instant
  readonly to: Instant
  /** One step for so long instead of each reading. */
  readonly every?: Duration
}

export interface HistoryRow {
  readonly at: number
  readonly value: Cell
  readonly quality: Quality
}

/** 降采样: what a point said within one step. `true` counts as 1; bad values are counted and nothing else. */
export interface HistoryStep {
  readonly at: number
  readonly count: number
  readonly bad: number
  readonly min: number | null
  readonly max: number | null
  readonly avg: number | null
  readonly last: Cell
}

export type HistoryAnswer =
  | { readonly rows: readonly HistoryRow[]; readonly isCut: boolean }
  | { readonly steps: readonly HistoryStep[] }

/** Takes what a point said, piece by piece in the order of arrival. */
export interface Gathering {
  /** False when no more is wanted. */
  add(series: PointSeries): boolean
  answer(): HistoryAnswer
}

export const gathering = (query: HistoryQuery): Gathering =>
  query.every === undefined ? rowsOf(query) : stepsOf(query, query.every)

function rowsOf({ from, to }: HistoryQuery): Gathering {
  const rows: HistoryRow[] = []
  let isCut = false
  return {
    add({ arrived, at, values, qualities }) {
      for (let i = 0; i < arrived.length; i++) {
        const when = arrived[i] ?? 0
        if (when < from || when >= to) continue
        if (rows.length >= MOST_ROWS) {
          isCut = true
          return false
        }
        rows.push({ at: at[i] ?? 0, value: values[i] ?? null, quality: qualities?.[i] ?? 'good' })
      }
      return true
    },
    answer: () => ({ rows, isCut }),
  }
}

interface Step {
  count: number
  bad: number
  numbers: number
  min: number
  max: number
  sum: number
  last: Cell
}

function stepsOf({ from, to }: HistoryQuery, every: Duration): Gathering {
  const steps = new Map<number, Step>()
  const stepAt = (index: number): Step => {
    const known = steps.get(index)
    if (known) return known
    const step = { count: 0, bad: 0, numbers: 0, min: Infinity, max: -Infinity, sum: 0, last: null }
    steps.set(index, step)
    return step
  }
  return {
    add(series) {
      const { arrived } = series
      for (let begin = 0; begin < arrived.length;) {
        const when = arrived[begin] ?? 0
        const index = Math.floor((when - from) / every)
        const until = Math.min(from + (index + 1) * every, to)
        let end = begin + 1
        // The clock may have been set back: only what lies within the step belongs to it.
        while (end < arrived.length && (arrived[end] ?? 0) >= when && (arrived[end] ?? 0) < until) end++
        if (when >= from && when < to) take(stepAt(index), series, begin, end)
        begin = end
      }
      return true
    },
    answer: () => ({
      steps: [...steps]
        .sort(([a], [b]) => a - b)
        .map(([index, { count, bad, numbers, min, max, sum, last }]) => ({
          at: from + index * every,
          count,
          bad,
          min: numbers > 0 ? min : null,
          max: numbers > 0 ? max : null,
          avg: numbers > 0 ? sum / numbers : null,
          last,
        })),
    }),
  }
}

/** The readings from `begin` to `end`, which is not one of them. */
function take(step: Step, { values, qualities }: PointSeries, begin: number, end: number): void {
  let { min, max } = step
  let sum = 0
  let numbers = 0
  for (let i = begin; i < end; i++) {
    if (qualities?.[i] === 'bad') {
      step.bad++
      continue
    }
    const value = values[i] ?? null
    step.last = value
    if (typeof value !== 'number' && typeof value !== 'boolean') continue
    const number = Number(value)
    numbers++
    sum += number
    if (number < min) min = number
    if (number > max) max = number
  }
  step.count += end - begin
  step.numbers += numbers
  step.sum += sum
  step.min = min
  step.max = max
}
