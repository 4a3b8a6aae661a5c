import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant, type Instant } from '../../base/clock.ts'
import { siteCalendar } from '../../gateway/calendar.ts'
import { openingHours } from '../../gateway/opening-hours.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import schedule from './schedule.ts'

const night = { when: 'doorOpen', at: { clock: '22:00-06:00' }, for: '60 s' } as const

const zone = 'UTC'
const calendar = siteCalendar({
  timeZone: zone,
  hours: openingHours('09:00-18:00', zone),
  holidays: [{ from: '1970-01-02' }],
})
const context = { times: (window: Parameters<typeof calendar.times>[0]) => calendar.times(window) }
const clock = (hours: number, minutes = 0): number => hours * 3600 + minutes * 60

const at = (settings: object = {}) => new RuleRun(schedule, { ...night, ...settings }, context)

test('a door that is opened at night and stays open raises after its time, and clears when it is shut', () => {
  const site = at()
    .until(clock(23))
    .say({ doorOpen: true }, {}, 'gate')
    .until(clock(23, 30))
    .say({ doorOpen: false }, {}, 'gate')
  assert.deepEqual(site.said, [
    { at: clock(23, 1), is: 'raise', drill: false, since: clock(23) },
    { at: clock(23, 30), is: 'clear', drill: false, ended: clock(23, 30) },
  ])
  assert.deepEqual(site.raises[0]?.words, { for: '60 s', parts: 'gate' })
})

test('by day it raises nothing; a door that still stands open counts from the beginning of the night', () => {
  const site = at().until(clock(12)).say({ doorOpen: true }).until(clock(21, 59))
  assert.deepEqual(site.said, [])
  site.until(clock(23))
  assert.deepEqual(site.said, [{ at: clock(22, 1), is: 'raise', drill: false, since: clock(22) }])
})

test('it clears with the night', () => {
  const site = at().until(clock(23)).say({ doorOpen: true }).until(clock(34))
  assert.deepEqual(site.said.at(-1), { at: clock(30), is: 'clear', drill: false, ended: clock(30) })
})

test('a gateway that slept from one night into the next begins the wait anew', () => {
  const site = at({ for: '2 h' })
    .until(clock(23))
    .say({ doorOpen: true })
    .restart(clock(24 + 23))
  assert.deepEqual(site.said, [])
  site.until(clock(24 + 24))
  assert.deepEqual(site.said, [{ at: clock(24 + 24), is: 'raise', drill: false, since: clock(24 + 22) }])
})

test('outside opening hours, and on holidays only', () => {
  const shut = at({ at: { hours: 'closed' } })
    .until(clock(17))
    .say({ doorOpen: true })
  assert.deepEqual(
    shut.until(clock(40)).said.map(({ at, is }) => [at, is]),
    [
      [clock(18, 1), 'raise'],
      [clock(24 + 9), 'clear'],
    ],
  )
  const holiday = at({ at: { days: ['holiday'] } })
    .until(clock(20))
    .say({ doorOpen: true })
  assert.deepEqual(
    holiday.until(clock(60)).said.map(({ at, is }) => [at, is]),
    [
      [clock(24, 1), 'raise'],
      [clock(48), 'clear'],
    ],
  )
})

test('interruptions within the gap are none', () => {
  const site = at({ gap: '10 s' })
    .until(clock(23))
    .say({ doorOpen: true })
    .until(clock(23) + 30)
    .say({ doorOpen: false })
  site
    .until(clock(23) + 35)
    .say({ doorOpen: true })
    .until(clock(23, 5))
  assert.equal(site.said[0]?.at, clock(23, 1))
})

test('a clock that jumps within the night does not end the wait', () => {
  const site = at().until(clock(23)).say({ doorOpen: true }).jump(3600)
  assert.deepEqual(site.until(site.now + 59).said, [])
  assert.equal(site.until(site.now + 1).said.length, 1)
})

test('a window without anything in it, and a condition that is none, are mistakes', () => {
  assert.deepEqual(
    schedule.check?.({ ...night, when: 'open' }).map(({ path }) => path),
    ['/when'],
  )
})

test('a restart anywhere changes nothing, also where messages come late', () => {
  assertRestartsChangeNothing(schedule, night, stories({ doorOpen: fc.boolean() }, 40))
})

const story = fc.array(
  fc.record({ wait: fc.integer({ min: 1, max: 90 }), so: fc.boolean(), restart: fc.boolean() }),
  { maxLength: 40 },
)

test('breaches are those of a second-by-second look, wherever the gateway is restarted', () => {
  const window = {
    isOpen: (time: Instant) => Math.floor(time / 100_000) % 2 === 1,
    nextChange: (time: Instant) => instant((Math.floor(time / 100_000) + 1) * 100_000),
  }
  fc.assert(
    fc.property(story, fc.nat(30), (steps, wait) => {
      const site = new RuleRun(
        schedule,
        { when: 'doorOpen', at: { hours: 'open' }, for: `${wait} s` },
        { times: () => window },
      )
      const wanted: string[] = []
      let so = false
      let since: number | undefined
      let stands = false
      const judge = (second: number): void => {
        const isIn = so && Math.floor(second / 100) % 2 === 1
        if (isIn) since ??= second
        else {
          if (stands) wanted.push(`${second} clear`)
          since = undefined
          stands = false
        }
        if (since !== undefined && !stands && second >= since + wait) {
          stands = true
          wanted.push(`${second} raise ${since}`)
        }
      }
      for (const step of steps) {
        for (let i = 1; i <= step.wait; i++) judge(site.now + i)
        site.until(site.now + step.wait)
        if (step.restart) site.restart()
        so = step.so
        site.say({ doorOpen: so })
        judge(site.now)
      }
      assert.deepEqual(
        site.said.map((one) => `${one.at} ${one.is}${one.is === 'raise' ? ` ${one.since}` : ''}`),
        wanted,
      )
    }),
  )
})
