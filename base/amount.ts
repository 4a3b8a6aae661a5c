import { GanglionError } from './errors.ts'
import type { Duration } from './clock.ts'

const spans: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** Text such as `60 °C`, `8 s`, `1.5 kW`: a number and the unit it is written in. */
export interface Amount {
  readonly value: number
  readonly unit: string
}

/** @throws GanglionError `config-invalid` when the text is not a number followed by a unit. */
export function parseAmount(text: string): Amount {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([^\s\d.,]\S*)?\s*$/.exec(text)
  if (!match)
    throw new GanglionError('config-invalid', `wanted a number with its unit such as "60 °C"; got "${text}"`)
  return { value: Number(match[1]), unit: match[2] ?? '' }
}

/** The milliseconds of a unit of time; undefined when it is none. */
export const msOfUnit = (unit: string): Duration | undefined =>
  Object.hasOwn(spans, unit) ? spans[unit] : undefined

/** `8 s`, `500 ms`, `25 h` in milliseconds. */
export function parseDuration(text: string): Duration {
  const { value, unit } = parseAmount(text)
  const factor = msOfUnit(unit)
  if (factor === undefined || value < 0) {
    throw new GanglionError(
      'config-invalid',
      `wanted a span of time such as "8 s" (${Object.keys(spans).join(', ')}); got "${text}"`,
    )
  }
  return value * factor
}

/** The pattern of a span of time in a schema. */
export const DURATION_PATTERN = '^\\d+(\\.\\d+)? ?(ms|s|min|h|d)$'
