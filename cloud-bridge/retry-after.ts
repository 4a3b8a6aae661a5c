import type { Duration, Instant } from '../base/clock.ts'

/** A platform that asks for more is asked again after this long all the same. */
const LONGEST_WAIT: Duration = 3_600_000

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date; undefined when it says nothing that can be read. */
export function retryAfter(header: unknown, now: Instant): Duration | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,10}$/.test(header)) return Math.min(Number(header) * 1000, LONGEST_WAIT)
  const at = httpDate(header)
  return at === undefined ? undefined : Math.min(Math.max(at - now, 0), LONGEST_WAIT)
}

/** Milliseconds since 1970 of a date such as `Tue, 20 Apr 2021 02:07:55 GMT`. */
export function httpDate(header: unknown): number | undefined {
  if (typeof header !== 'string' || !HTTP_DATE.test(header)) return undefined
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : at
}
