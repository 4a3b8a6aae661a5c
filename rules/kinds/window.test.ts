import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import window from './window.ts'

const hot = {
  quantity: 'portTemperature',
  take: 'avg',
  over: '60 s',
  above: '50 °C',
  clearBelow: '45 °C',
} as const

test('an average is judged once there are readings of the whole time', () => {
  const place = new RuleRun(window, hot)
  for (let second = 0; second <= 120; second += 10) place.until(second).say({ portTemperature: 60 })
  assert.deepEqual(place.said, [{ at: 60, is: 'raise', drill: false, since: 60 }])
  for (let second = 130; second <= 160; second += 10) place.until(second).say({ portTemperature: 20 })
  assert.deepEqual(place.said.at(-1), { at: 150, is: 'clear', drill: false, ended: 150 })
  assert.deepEqual(place.raises[0]?.conditions, [
    {
      text: 'avg(portTemperature, 60 s) >= 50 °C',
      value: 60,
      threshold: 50,
      margin: 10,
      unit: '°C',
      met: true,
    },
  ])
  assert.deepEqual(place.raises[0].words, {
    value: '60 °C',
    threshold: '50 °C',
    over: '60 s',
    for: '0 s',
    part: '',
  })
})

test('the most of a time needs no whole time to be over, and the least needs it', () => {
  const most = new RuleRun(window, { ...hot, take: 'max' }).say({ portTemperature: 60 })
  assert.equal(most.said.length, 1)
  const least = new RuleRun(window, { ...hot, take: 'min' }).say({ portTemperature: 60 })
  assert.equal(least.said.length, 0)
})

test('a count goes back by itself when the readings stop', () => {
  const place = new RuleRun(window, { quantity: 'arcCount', take: 'count', over: '30 s', above: '3' })
  for (let second = 0; second < 4; second++) place.until(second).say({ arcCount: 1 })
  place.until(100)
  assert.deepEqual(place.said, [
    { at: 2, is: 'raise', drill: false, since: 2 },
    { at: 32, is: 'clear', drill: false, ended: 32 },
  ])
})

test('a sum adds up within its time', () => {
  const place = new RuleRun(window, { quantity: 'arcCount', take: 'sum', over: '60 s', above: '250' })
  place.say({ arcCount: 120 }).until(20).say({ arcCount: 120 }).until(40).say({ arcCount: 120 })
  assert.deepEqual(place.said, [{ at: 40, is: 'raise', drill: false, since: 40 }])
})

test('readings of an hour ago that come together are judged by their own times', () => {
  const place = new RuleRun(window, hot).until(4000)
  for (let second = 0; second <= 60; second += 10) place.say({ portTemperature: 60 }, { at: second })
  assert.deepEqual(place.said, [{ at: 4000, is: 'raise', drill: false, since: 60 }])
})

test('a reading from before the window does not make it whole', () => {
  const place = new RuleRun(window, hot).until(1000).say({ portTemperature: 60 })
  place.say({ portTemperature: 60 }, { at: 100 }).until(1001).say({ portTemperature: 60 })
  assert.deepEqual(place.said, [])
})

test('a wait goes on while nobody can tell the average', () => {
  const place = new RuleRun(window, { ...hot, for: '120 s' })
  for (let second = 0; second <= 60; second += 10) place.until(second).say({ portTemperature: 60 })
  place.until(150).say({ portTemperature: 60 }).until(200)
  assert.deepEqual(place.said, [{ at: 180, is: 'raise', drill: false, since: 60 }])
})

test('a clock that is set back does not hold the window in a time to come', () => {
  const place = new RuleRun(window, { ...hot, take: 'max' }).until(100_000).say({ portTemperature: 60 })
  place.restart(10)
  for (let second = 20; second < 140; second += 10) place.until(second).say({ portTemperature: 20 })
  assert.equal(place.said.at(-1)?.is, 'clear')
})

test('a device may be silent for longer than the window: what it said before does not count', () => {
  const place = new RuleRun(window, hot)
  place.say({ portTemperature: 90 }).until(600).say({ portTemperature: 90 })
  assert.deepEqual(place.said, [])
})

test('settings that cannot be meant are named by their path', () => {
  const paths = (settings: object): readonly string[] | undefined =>
    window.check?.({ ...hot, ...settings }).map(({ path }) => path)
  assert.deepEqual(paths({ above: '50 W' }), ['/above'])
  assert.deepEqual(paths({ take: 'count', above: '2.5', clearBelow: '2' }), ['/above'])
  assert.deepEqual(paths({ take: 'sum', above: '900 °C' }), [])
  assert.deepEqual(paths({ take: 'sum', above: '900 W' }), ['/above'])
  assert.deepEqual(paths({ quantity: 'smoke' }), ['/quantity'])
  assert.deepEqual(paths({ over: '0 s' }), ['/over'])
  assert.deepEqual(paths({ clearBelow: '60 °C' }), ['/clearBelow'])
})

test('"how near" is the nearest moment', () => {
  const readings = [10, 48, 20].map((value, index) =>
    toReading('portTemperature', '', value, instant(index * 30_000)),
  )
  const near = window.nearness?.({ ...hot, take: 'max' })(readings)
  assert.deepEqual(near, [
    {
      text: 'max(portTemperature, 60 s) >= 50 °C',
      value: 48,
      threshold: 50,
      margin: -2,
      unit: '°C',
      met: false,
      at: 30_000,
    },
  ])
})

const temperatures = { portTemperature: fc.integer({ min: 0, max: 100 }) }

// What comes late is judged by its own time and a wake by the clock: between the two a window may be over its limit by
// the one and not by the other, so a wake more can begin its wait anew.
const inTime = stories(temperatures, 20).map((story) => story.map((told) => ({ ...told, late: 0 })))

test('a restart in the middle of messages that come in time changes nothing', () => {
  for (const take of ['avg', 'max', 'min', 'sum', 'count'] as const) {
    const limits =
      take === 'count' ? { above: '4', clearBelow: '2' } : { above: '50 °C', clearBelow: '40 °C' }
    assertRestartsChangeNothing(window, { ...hot, take, ...limits, for: '5 s' }, inTime)
  }
})

/** The time as it is cut: 2 s a slice, thirty slices and the one that has begun. */
const inWindow = (at: number, end: number): boolean => Math.floor(at / 2) >= Math.floor(end / 2) - 30

test('windows are those of a look at all readings again', () => {
  const story = fc.array(
    fc.record({ wait: fc.integer({ min: 1, max: 30 }), celsius: fc.integer({ min: 0, max: 100 }) }),
  )
  fc.assert(
    fc.property(story, (steps) => {
      const place = new RuleRun(window, { ...hot, take: 'max' })
      const all: { at: number; celsius: number }[] = []
      let isRaised = false
      const wanted: string[] = []
      for (const { wait, celsius } of steps) {
        place.until(place.now + wait).say({ portTemperature: celsius })
        all.push({ at: place.now, celsius })
        const most = Math.max(...all.filter(({ at }) => inWindow(at, place.now)).map((one) => one.celsius))
        if (!isRaised && most >= 50) wanted.push(`${place.now} raise`)
        if (isRaised && most < 45) wanted.push(`${place.now} clear`)
        isRaised = isRaised ? most >= 45 : most >= 50
      }
      assert.deepEqual(
        place.said.map(({ at, is }) => `${at} ${is}`),
        wanted,
      )
    }),
  )
})
