import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import stuck from './stuck.ts'

const still = { quantity: 'cableTemperature', within: '0.2 °C', for: '60 s', readings: 3 } as const

test('a number that never moves while the device goes on reporting is stuck, until it moves', () => {
  const place = new RuleRun(stuck, still)
  for (let second = 0; second <= 80; second += 20) place.until(second).say({ cableTemperature: 20.1 })
  place.until(100).say({ cableTemperature: 23 })
  assert.deepEqual(place.said, [
    { at: 60, is: 'raise', drill: false, since: 0 },
    { at: 100, is: 'clear', drill: false, ended: 100 },
  ])
  assert.deepEqual(place.raises[0]?.conditions, [
    {
      text: 'still(cableTemperature, 0.2 °C) >= 1 min',
      value: 1,
      margin: 0,
      threshold: 1,
      unit: 'min',
      met: true,
    },
  ])
})

test('a silent device is lost and not stuck', () => {
  const place = new RuleRun(stuck, still).say({ cableTemperature: 20 }).until(6000)
  place.say({ cableTemperature: 20 })
  assert.deepEqual(place.said, [])
})

test('a slow drift is a move: the band does not go with it', () => {
  const place = new RuleRun(stuck, still)
  for (let step = 0; step <= 30; step++) place.until(step * 10).say({ cableTemperature: 20 + step * 0.1 })
  assert.deepEqual(place.said, [])
})

test('once it says nothing new nothing is written', () => {
  const place = new RuleRun(stuck, still)
  for (let second = 0; second <= 200; second += 10) place.until(second).say({ cableTemperature: 20 })
  assert.equal(place.writes, 4)
})

test('a clock that was set back does not make it wait for a time to come', () => {
  const place = new RuleRun(stuck, still).until(100_000).say({ cableTemperature: 20 })
  place.restart(10)
  for (let second = 10; second <= 100; second += 10) place.until(second).say({ cableTemperature: 20 })
  assert.equal(place.said.length, 1)
})

test('a band has the unit of its quantity', () => {
  assert.deepEqual(stuck.check?.(still), [])
  assert.equal(stuck.check({ ...still, within: '1 W' })[0]?.path, '/within')
  assert.equal(stuck.check({ ...still, quantity: 'smoke' })[0]?.path, '/quantity')
})

test('"how near" is the longest time without a move', () => {
  const readings = [20, 20, 25, 25].map((value, index) =>
    toReading('cableTemperature', '', value, instant(index * 24_000)),
  )
  const [near] = stuck.nearness?.(still)(readings) ?? []
  assert.deepEqual([near?.value, near?.margin, near?.met, near?.at], [0.4, -0.6, false, 24_000])
})

test('a restart in the middle changes nothing', () => {
  const values = { cableTemperature: fc.integer({ min: 200, max: 203 }).map((tenths) => tenths / 10) }
  assertRestartsChangeNothing(stuck, still, stories(values, 25))
})

test('it is stuck as often as a look at all readings says', () => {
  const story = fc.array(
    fc.record({ wait: fc.integer({ min: 1, max: 40 }), tenths: fc.integer({ min: 0, max: 3 }) }),
  )
  fc.assert(
    fc.property(story, (steps) => {
      const place = new RuleRun(stuck, still)
      let run: { at: number; tenths: number }[] = []
      let isRaised = false
      const wanted: string[] = []
      for (const { wait, tenths } of steps) {
        place.until(place.now + wait).say({ cableTemperature: tenths / 10 })
        const longer = [...run, { at: place.now, tenths }]
        const all = longer.map((one) => one.tenths)
        const isMove = Math.max(...all) - Math.min(...all) > 2
        if (isMove && isRaised) wanted.push(`${place.now} clear`)
        if (isMove) isRaised = false
        run = isMove ? longer.slice(-1) : longer
        if (isRaised || run.length < 3 || place.now - (run[0]?.at ?? 0) < 60) continue
        isRaised = true
        wanted.push(`${place.now} raise`)
      }
      assert.deepEqual(
        place.said.map(({ at, is }) => `${at} ${is}`),
        wanted,
      )
    }),
  )
})
