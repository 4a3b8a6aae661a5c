import { instant, type Instant } from '../base/clock.ts'

/** Opening hours of a site in its own time zone. */
export interface OpeningHours {
  isOpen(at: Instant): boolean
  /** The next time after `at` that they begin or end, if any. */
  nextChange(at: Instant): Instant | undefined
}

export const alwaysOpen: OpeningHours = { isOpen: () => true, nextChange: () => undefined }

const DAY_MINUTES = 24 * 60
const MINUTE_MS = 60_000

/**
 * Reads `09:00-21:30`; over midnight too (`18:00-02:00`). The text obeys the site's schema.
 * @throws RangeError for an unknown time zone.
 */
export function openingHours(text: string, timeZone: string): OpeningHours {
  const [from = 0, to = 0] = text.split('-').map((clock) => {
    const [hours = 0, minutes = 0] = clock.split(':').map(Number)
    return hours * 60 + minutes
  })
  const minuteOf = minuteOfDay(timeZone)
  const isWithin = (minute: number): boolean =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to
  return {
    isOpen: (at) => isWithin(minuteOf(at)),
    nextChange(at) {
      if (from === to) return undefined
      return instant(Math.min(...[from, to % DAY_MINUTES].map((edge) => nextTime(at, edge, minuteOf))))
    },
  }
}

/** When it is next this minute of the day. */
function nextTime(at: Instant, edge: number, minuteOf: (at: Instant) => number): Instant {
  const wait = (edge - minuteOf(at) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES
  const found = at - (at % MINUTE_MS) + wait * MINUTE_MS
  // Where the clocks are changed meanwhile, that day is longer or shorter.
  const off = ((minuteOf(instant(found)) - edge + 1.5 * DAY_MINUTES) % DAY_MINUTES) - DAY_MINUTES / 2
  const corrected = found - off * MINUTE_MS
  return instant(corrected > at ? corrected : found)
}

/** Minutes since midnight in a time zone. */
function minuteOfDay(timeZone: string): (at: Instant) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (at) => {
    const [hours = 0, minutes = 0] = format.format(at).split(':').map(Number)
    return hours * 60 + minutes
  }
}
