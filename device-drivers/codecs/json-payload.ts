import { isUtf8 } from 'node:buffer'
import { instant, type Instant } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'

export interface JsonBounds {
  readonly deepest: number
  readonly longestText: number
  readonly mostValues: number
}

/** What one device says at once. */
const ofOneMessage: JsonBounds = { deepest: 8, longestText: 4096, mostValues: 2000 }

/**
 * A JSON object of sane depth, size and text length. A key such as `__proto__` is an own key like any other.
 * @throws GanglionError `payload-invalid`
 */
export function parseObject(payload: Uint8Array, bounds = ofOneMessage): Fields {
  if (payload.length === 0) throw invalid('an empty payload')
  if (!isUtf8(payload)) throw invalid('bytes that are not UTF-8')
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid(excerpt(text))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(excerpt(text))
  measure(value, bounds.deepest, { bounds, left: bounds.mostValues })
  return value as Fields // an object, by the tests above
}

/** Plain text of a short payload. @throws GanglionError `payload-invalid` */
export function parseWord(payload: Uint8Array): string {
  if (payload.length === 0 || payload.length > 200 || !isUtf8(payload))
    throw invalid(`${payload.length} bytes that are no short text`)
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/
const FARTHEST = Date.UTC(2200, 0)

/** RFC 3339 with its zone, or milliseconds since 1970; undefined for anything else. */
export function parseTime(value: unknown): Instant | undefined {
  const ms =
    typeof value === 'number'
      ? Math.trunc(value)
      : typeof value === 'string' && value.length <= 40 && rfc3339.test(value)
        ? Date.parse(value)
        : NaN
  return ms >= 0 && ms < FARTHEST ? instant(ms) : undefined
}

/** Recursion ends at the first level too deep, so that no payload can exhaust the stack of those who walk it later. */
function measure(value: object, depth: number, budget: { readonly bounds: JsonBounds; left: number }): void {
  const { deepest, longestText, mostValues } = budget.bounds
  if (depth === 0) throw invalid(`objects nested deeper than ${deepest} levels`)
  for (const item of Object.values(value) as unknown[]) {
    if (--budget.left < 0) throw invalid(`more than ${mostValues} values`)
    if (typeof item === 'string' && item.length > longestText)
      throw invalid(`a text of ${item.length} characters`)
    if (typeof item === 'object' && item !== null) measure(item, depth - 1, budget)
  }
}

const excerpt = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)

const invalid = (got: string): GanglionError =>
  new GanglionError('payload-invalid', `wanted a JSON object; got ${got}`)
