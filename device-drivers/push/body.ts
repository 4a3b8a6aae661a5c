import { instant, type Instant } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import { parseObject, type JsonBounds } from '../codecs/json-payload.ts'

/** What may stand in one push: a batch of messages, some of them inside a text. */
const ofOnePush: JsonBounds = { deepest: 16, longestText: 131_072, mostValues: 20_000 }

/** A push is not believed to speak of more messages than this at once. */
const MOST_MESSAGES = 500

/** @throws GanglionError `payload-invalid` */
export const readBody = (bytes: Uint8Array): Fields => parseObject(bytes, ofOnePush)

export const unreadable = (text: string): GanglionError => new GanglionError('payload-invalid', text)

/** A member whatever the case of its name: the clouds' own documents do not agree on it. */
export function member(object: unknown, name: string): unknown {
  if (!isObject(object)) return undefined
  if (Object.hasOwn(object, name)) return object[name]
  const wanted = name.toLowerCase()
  const found = Object.keys(object).find((key) => key.toLowerCase() === wanted)
  return found === undefined ? undefined : object[found]
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const LONGEST_NAME = 128

/** A name or id; clouds write numbers as text, and "undefined" where they have none. */
export function nameOf(value: unknown): string | undefined {
  if (Number.isSafeInteger(value)) return String(value)
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_NAME) return undefined
  return value === 'undefined' || value === 'null' ? undefined : value
}

/** All that are one, the surest first. */
export const namesOf = (...values: readonly unknown[]): readonly string[] => [
  ...new Set(values.map(nameOf).filter((name) => name !== undefined)),
]

const EARLIEST = Date.UTC(2000, 0)
const FARTHEST = Date.UTC(2200, 0)

/** Milliseconds since 1970 as a number or as text. */
export function timeOf(value: unknown): Instant | undefined {
  const ms = typeof value === 'string' && /^\d{12,13}$/.test(value) ? Number(value) : value
  return typeof ms === 'number' && ms >= EARLIEST && ms < FARTHEST ? instant(Math.trunc(ms)) : undefined
}

/** One or many of them. @throws GanglionError `payload-invalid` for too many */
export function listOf(value: unknown): readonly unknown[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value]
  if (list.length > MOST_MESSAGES)
    throw unreadable(`wanted at most ${MOST_MESSAGES} messages; got ${list.length}`)
  return list
}
