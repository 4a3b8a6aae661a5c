import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant, isoTime, later, type Instant } from '../base/clock.ts'
import { siteCalendar, type TimeWindow } from './calendar.ts'
import { alwaysOpen, openingHours } from './opening-hours.ts'

const timeZone = 'Asia/Shanghai'
/** National Day of 2026: off from 1 to 7 October, Saturday 10 October is worked. */
const calendar = siteCalendar({
  timeZone,
  hours: openingHours('09:00-18:00', timeZone),
  holidays: [{ from: '2026-10-01', to: '2026-10-07' }, { from: '2027-01-01' }],
  workedDays: ['2026-10-10'],
})
const at = (time: string): Instant => instant(Date.parse(`${time.replace(' ', 'T')}:00+08:00`))
const isIn = (window: TimeWindow, time: string): boolean => calendar.times(window).isOpen(at(time))
const next = (window: TimeWindow, time: string): string | undefined => {
  const change = calendar.times(window).nextChange(at(time))
  return change === undefined
    ? undefined
    : isoTime(later(change, 8 * 3_600_000))
        .slice(0, 16)
        .replace('T', ' ')
}

test('a window is open while all that it names is so', () => {
  assert.deepEqual(
    ['2026-10-08 21:59', '2026-10-08 22:00', '2026-10-09 05:59', '2026-10-09 06:00'].map((time) =>
      isIn({ clock: '22:00-06:00' }, time),
    ),
    [false, true, true, false],
  )
  assert.equal(isIn({ hours: 'closed', days: ['working'] }, '2026-10-08 20:00'), true)
  assert.equal(isIn({ hours: 'closed', days: ['working'] }, '2026-10-08 12:00'), false)
  assert.equal(isIn({ hours: 'closed', days: ['working'] }, '2026-10-07 20:00'), false)
})

test('holidays are no working days, and a weekend day that is worked is one', () => {
  const days = [
    '2026-09-30',
    '2026-10-01',
    '2026-10-07',
    '2026-10-08',
    '2026-10-10',
    '2026-10-11',
    '2027-01-01',
  ]
  assert.deepEqual(
    days.map((day) => isIn({ days: ['working'] }, `${day} 12:00`)),
    [true, false, false, true, true, false, false],
  )
  assert.deepEqual(
    days.map((day) => isIn({ days: ['holiday'] }, `${day} 12:00`)),
    [false, true, true, false, false, false, true],
  )
  assert.deepEqual(
    days.map((day) => isIn({ days: ['sat', 'holiday'] }, `${day} 12:00`)),
    [false, true, true, false, true, false, true],
  )
})

test('a night over midnight belongs to the day on which it began', () => {
  const friday = { clock: '22:00-06:00', days: ['fri'] } as const
  const window: TimeWindow = { ...friday, days: [...friday.days] }
  const times = ['2026-10-16 05:00', '2026-10-16 23:00', '2026-10-17 05:00', '2026-10-17 23:00']
  assert.deepEqual(
    times.map((time) => isIn(window, time)),
    [false, true, true, false],
  )
  assert.equal(next(window, '2026-10-16 12:00'), '2026-10-16 22:00')
  assert.equal(next(window, '2026-10-16 23:00'), '2026-10-17 06:00')
})

test('the next change is where it opens or closes, however many other edges lie between', () => {
  assert.equal(next({ days: ['holiday'] }, '2026-10-03 12:00'), '2026-10-08 00:00')
  assert.equal(next({ days: ['holiday'] }, '2026-10-08 00:00'), '2027-01-01 00:00')
  assert.equal(next({ hours: 'open', days: ['working'] }, '2026-09-30 20:00'), '2026-10-08 09:00')
  assert.equal(next({ days: ['holiday'] }, '2027-01-02 00:00'), undefined)
})

test('a site without hours is never closed', () => {
  const always = siteCalendar({ timeZone, hours: alwaysOpen }).times({ hours: 'closed' })
  assert.deepEqual(
    [always.isOpen(at('2026-10-08 03:00')), always.nextChange(at('2026-10-08 03:00'))],
    [false, undefined],
  )
})

test('between two changes nothing changes, in whatever order it is asked', () => {
  const windows: TimeWindow[] = [
    { clock: '22:00-06:00', days: ['working'] },
    { hours: 'closed' },
    { hours: 'open', clock: '12:00-20:00', days: ['sun', 'holiday'] },
  ]
  const start = at('2026-09-25 00:00')
  fc.assert(
    fc.property(
      fc.constantFrom(...windows),
      fc.array(fc.nat(30 * 24 * 60), { minLength: 1, maxLength: 6 }),
      (window, minutes) => {
        const asked = calendar.times(window)
        for (const minute of minutes) {
          const time = later(start, minute * 60_000)
          const fresh = siteCalendar({
            timeZone,
            hours: openingHours('09:00-18:00', timeZone),
            holidays: [{ from: '2026-10-01', to: '2026-10-07' }, { from: '2027-01-01' }],
            workedDays: ['2026-10-10'],
          }).times(window)
          assert.equal(asked.isOpen(time), fresh.isOpen(time))
          const change = asked.nextChange(time)
          assert.equal(change, fresh.nextChange(time))
          if (change === undefined) continue
          assert.notEqual(fresh.isOpen(change), fresh.isOpen(time))
          for (const part of [0.25, 0.5, 0.99]) {
            assert.equal(fresh.isOpen(instant(Math.floor(time + (change - time) * part))), fresh.isOpen(time))
          }
        }
      },
    ),
    { numRuns: 60 },
  )
})
