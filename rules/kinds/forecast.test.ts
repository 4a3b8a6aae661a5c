import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import forecast from './forecast.ts'

const DAY = 86_400
const runsOut = {
  quantity: 'battery',
  below: '20 %',
  within: '14 d',
  over: '30 d',
  clearAbove: '30 %',
} as const
const creeps = { quantity: 'residualCurrent', above: '300 mA', within: '7 d', over: '30 d' } as const

test('a battery that runs out is said before it has', () => {
  const place = new RuleRun(forecast, runsOut)
  for (let day = 0; day < 60; day++) place.until(day * DAY).say({ battery: 90 - day })
  const [raised] = place.said
  assert.ok(raised)
  const day = raised.at / DAY
  assert.ok(day >= 55 && day <= 58, `raised on day ${day}`)
  assert.deepEqual(place.raises[0]?.words, {
    within: '14 d',
    over: '30 d',
    value: '19.5 %',
    threshold: '20 %',
    part: '',
    level: '33.5 %',
    reaches: '13 d',
  })
})

test('a new battery clears it', () => {
  const place = new RuleRun(forecast, runsOut)
  for (let day = 0; day < 60; day++) place.until(day * DAY).say({ battery: 90 - day })
  for (let day = 60; day < 100; day++) place.until(day * DAY).say({ battery: 100 })
  assert.deepEqual(
    place.said.map(({ is }) => is),
    ['raise', 'clear'],
  )
})

test('residual current that creeps up is said; the weather of some days is no trend', () => {
  const place = new RuleRun(forecast, creeps)
  for (let hour = 0; hour < 40 * 24; hour++) {
    const day = Math.floor(hour / 24)
    const isWet = day % 5 === 3
    place.until(hour * 3600).say({ residualCurrent: 100 + (isWet ? 150 : 0) + (hour % 24) })
  }
  assert.deepEqual(place.said, [])
  for (let hour = 0; hour < 40 * 24; hour++) {
    place.until((960 + hour) * 3600).say({ residualCurrent: 100 + hour / 4 })
  }
  assert.equal(place.said.length, 1)
})

test('nothing is said of a few days, and nothing while the number moves away', () => {
  const few = new RuleRun(forecast, runsOut)
  for (let day = 0; day < 6; day++) few.until(day * DAY).say({ battery: 90 - 10 * day })
  assert.deepEqual(few.said, [])
  const rising = new RuleRun(forecast, runsOut)
  for (let day = 0; day < 60; day++) rising.until(day * DAY).say({ battery: 30 + day })
  assert.deepEqual(rising.said, [])
})

test('the day that has only begun is not looked at', () => {
  const place = new RuleRun(forecast, runsOut)
  for (const day of [0, 3, 6, 9, 12]) place.until(day * DAY).say({ battery: 90 - 5 * day })
  assert.deepEqual(place.said, [])
  place.until(13 * DAY).say({ battery: 25 })
  assert.equal(place.said.length, 1)
})

test('settings that cannot be meant are named by their path', () => {
  const paths = (settings: object): readonly string[] | undefined =>
    forecast.check?.({ ...runsOut, ...settings }).map(({ path }) => path)
  assert.deepEqual(paths({}), [])
  assert.deepEqual(paths({ below: '20 V' }), ['/below'])
  assert.deepEqual(paths({ quantity: 'smoke' }), ['/quantity'])
  assert.deepEqual(paths({ over: '0 d' }), ['/over'])
})

test('"how near" is the lowest forecast', () => {
  const readings = Array.from({ length: 20 }, (_, day) =>
    toReading('battery', '', 90 - day, instant(day * DAY * 1000)),
  )
  const [near] = forecast.nearness?.(runsOut)(readings) ?? []
  assert.equal(near?.text, 'forecast(battery, 14 d) <= 20 %')
  assert.equal(near.at, 19 * DAY * 1000)
  assert.ok(near.margin !== undefined && near.margin < -30 && near.margin > -40)
})

test('a restart in the middle changes nothing', () => {
  const values = { battery: fc.integer({ min: 10, max: 60 }) }
  const fast = { ...runsOut, within: '14 s', over: '60 s' } as const
  assertRestartsChangeNothing(forecast, fast, stories(values, 10))
})

test('a fifth of the days may be anything, and the trend still holds', () => {
  const noise = fc.uniqueArray(fc.nat(29), { maxLength: 6 })
  const wild = fc.integer({ min: 0, max: 100 })
  fc.assert(
    fc.property(noise, wild, fc.constantFrom(0.2, 2), (days, value, perDay) => {
      const place = new RuleRun(forecast, runsOut)
      for (let day = 0; day < 30; day++) {
        place.until(day * DAY).say({ battery: days.includes(day) ? value : 95 - perDay * day })
      }
      // 2 % a day: 37 % now, and 9 % in two weeks; 0.2 % a day: 89 % now.
      const last = place.said.at(-1)
      if (perDay === 0.2) assert.notEqual(last?.is, 'raise')
      else assert.equal(last?.is, 'raise')
    }),
  )
})
