import { Type, type Static } from 'typebox'
import { instant, type Instant } from '../base/clock.ts'
import { openingHours, type OpeningHours } from './opening-hours.ts'
import { Hours } from './words.ts'

const closed = { additionalProperties: false } as const

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** A time of the week or year as a rule names it; what is left out does not matter. */
export const TimeWindow = Type.Object(
  {
    hours: Type.Optional(
      Type.Enum(['open', 'closed'] as const, { description: "within or outside the site's opening hours" }),
    ),
    /** A night over midnight belongs to the day on which it began. */
    clock: Type.Optional(Hours),
    days: Type.Optional(
      Type.Array(Type.Enum([...weekdays, 'working', 'rest', 'holiday'] as const), {
        minItems: 1,
        uniqueItems: true,
        description: "weekdays, or `working`, `rest` and `holiday` by the site's holidays; any of them",
      }),
    ),
  },
  { ...closed, minProperties: 1 },
)
export type TimeWindow = Static<typeof TimeWindow>

/** A day of a calendar in the site's own time zone. */
export const Day = Type.String({ pattern: '^\\d{4}-[01]\\d-[0-3]\\d$', description: 'such as 2026-10-01' })

export const calendarKeys = {
  /** 节假日: days off beside the weekends, as the State Council publishes them each year. */
  holidays: Type.Optional(
    Type.Array(
      Type.Object(
        { from: Day, to: Type.Optional(Day), name: Type.Optional(Type.String({ maxLength: 60 })) },
        closed,
      ),
      { maxItems: 400 },
    ),
  ),
  /** 调休: weekend days that are worked. */
  workedDays: Type.Optional(Type.Array(Day, { maxItems: 400, uniqueItems: true })),
}

export interface CalendarFacts {
  readonly timeZone: string
  readonly hours: OpeningHours
  readonly holidays?: readonly { readonly from: string; readonly to?: string }[]
  readonly workedDays?: readonly string[]
}

/** 日历: what a site's clock, opening hours and holidays make of a window. */
export interface Calendar {
  times(window: TimeWindow): OpeningHours
}

/** A window whose edges come three times a day is looked ahead for more than a year; who waits longer waits in vain. */
const MOST_EDGES = 1200

export function siteCalendar(facts: CalendarFacts): Calendar {
  const { timeZone, hours } = facts
  const dateOf = localDate(timeZone)
  const midnight = openingHours('00:00-24:00', timeZone)
  const worked = new Set(facts.workedDays)
  const isHoliday = (date: string): boolean =>
    facts.holidays?.some(({ from, to }) => date >= from && date <= (to ?? from)) ?? false

  function isOn(date: string, days: readonly string[]): boolean {
    const weekday = weekdays[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? ''
    const isWorking = worked.has(date) || (!isHoliday(date) && weekday !== 'sat' && weekday !== 'sun')
    return days.some((day) => {
      if (day === 'working' || day === 'rest') return isWorking === (day === 'working')
      return day === 'holiday' ? isHoliday(date) : day === weekday
    })
  }

  return {
    times({ hours: wanted, clock, days }) {
      const ofClock = clock === undefined ? undefined : openingHours(clock, timeZone)
      const [from = '', to = ''] = clock?.split('-') ?? []
      const dayOf = (at: Instant): string => {
        const { date, time } = dateOf(at)
        return from > to && time < to ? dayBefore(date) : date
      }
      const isOpen = (at: Instant): boolean =>
        (wanted === undefined || hours.isOpen(at) === (wanted === 'open')) &&
        (ofClock?.isOpen(at) ?? true) &&
        (days === undefined || isOn(dayOf(at), days))
      const nextEdge = (at: Instant): Instant | undefined => {
        const edges = [
          wanted === undefined ? undefined : hours.nextChange(at),
          ofClock?.nextChange(at),
          days === undefined ? undefined : midnight.nextChange(at),
        ].filter((edge) => edge !== undefined)
        return edges.length === 0 ? undefined : instant(Math.min(...edges))
      }
      return remembered(isOpen, (at) => {
        const before = isOpen(at)
        let edge = nextEdge(at)
        for (let edges = 0; edges < MOST_EDGES && edge !== undefined; edges++) {
          if (isOpen(edge) !== before) return edge
          edge = nextEdge(edge)
        }
        return undefined
      })
    },
  }
}

/** Rules ask for the same span again and again while something waits: the last answer holds until its end. */
function remembered(
  isOpen: (at: Instant) => boolean,
  nextChange: (at: Instant) => Instant | undefined,
): OpeningHours {
  let last: { readonly from: Instant; readonly to: Instant; readonly isOpen: boolean } | undefined
  return {
    isOpen: (at) => (last && at >= last.from && at < last.to ? last.isOpen : isOpen(at)),
    nextChange(at) {
      if (last && at >= last.from && at < last.to) return last.to
      const to = nextChange(at)
      if (to !== undefined) last = { from: at, to, isOpen: isOpen(at) }
      return to
    },
  }
}

const dayBefore = (date: string): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10)

/** The date and time of day on a clock of this time zone. */
export function localDate(
  timeZone: string,
): (at: Instant) => { readonly date: string; readonly time: string } {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (at) => {
    const [date = '', time = ''] = format.format(at).split(' ')
    return { date, time }
  }
}
