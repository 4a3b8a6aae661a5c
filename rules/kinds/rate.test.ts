import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import rate from './rate.ts'

const heatRise = { quantity: 'temperature', over: '60 s', above: '8 °C/min', clearBelow: '2 °C/min' } as const

test('a temperature that rises fast is raised before it is high, and clears when it stands', () => {
  const place = new RuleRun(rate, heatRise)
  for (let second = 0; second <= 100; second += 10) place.until(second).say({ temperature: 20 })
  for (let second = 110; second <= 160; second += 10)
    place.until(second).say({ temperature: 20 + (second - 100) / 5 })
  for (let second = 170; second <= 300; second += 10) place.until(second).say({ temperature: 32 })
  assert.deepEqual(
    place.said.map(({ is }) => is),
    ['raise', 'clear'],
  )
  const [raised] = place.said
  assert.ok(raised && raised.at > 110 && raised.at <= 150, JSON.stringify(raised))
  const [raise] = place.raises
  assert.match(raise?.words['value'] ?? '', /^\d+(\.\d+)? °C\/min$/)
  assert.equal(raise?.conditions?.[0]?.text, 'rise(temperature, 60 s) >= 8 °C/min')
})

test('a fall is a rise below zero', () => {
  const place = new RuleRun(rate, { quantity: 'battery', over: '10 min', below: '-1 %/min' })
  for (let minute = 0; minute <= 10; minute++) place.until(minute * 60).say({ battery: 90 - 2 * minute })
  assert.equal(place.said.length, 1)
  assert.equal(place.raises[0]?.words['value'], '-2 %/min')
})

test('one reading alone, and readings too close together, are no rise', () => {
  const place = new RuleRun(rate, heatRise)
  place.say({ temperature: 20 }).until(5).say({ temperature: 90 }).until(500).say({ temperature: 20 })
  assert.deepEqual(place.said, [])
})

test('readings that come late and out of order take no more memory', () => {
  const place = new RuleRun(rate, heatRise).until(1000)
  for (let late = 0; late < 1000; late++) place.say({ temperature: 20 }, { at: 1000 - late / 20 })
  assert.ok(JSON.stringify(place.state).length < 1024, JSON.stringify(place.state))
})

test('a clock that is set back begins anew', () => {
  const place = new RuleRun(rate, heatRise).until(100_000).say({ temperature: 20 })
  place.restart(10)
  for (let second = 10; second <= 60; second += 10) place.until(second).say({ temperature: 20 + second / 2 })
  assert.equal(place.said.length, 1)
})

test('a rise is written in the unit of its quantity a minute', () => {
  const texts = (settings: object): readonly string[] | undefined =>
    rate.check?.({ ...heatRise, ...settings }).map(({ path, text }) => `${path}: ${text}`)
  assert.deepEqual(texts({}), [])
  assert.deepEqual(texts({ above: '8 °C' }), [
    '/above: a rise of temperature is measured in °C/min; got "8 °C"',
  ])
  assert.deepEqual(texts({ quantity: 'smoke' }), ['/quantity: "smoke" is not a number'])
  assert.deepEqual(texts({ over: '0 s' }), ['/over: wanted a span of time; got none'])
})

test('"how near" is the fastest rise', () => {
  const readings = [20, 22, 24, 24, 24].map((value, index) =>
    toReading('temperature', '', value, instant(index * 30_000)),
  )
  const [near] = rate.nearness?.(heatRise)(readings) ?? []
  assert.deepEqual([near?.value, near?.margin, near?.at, near?.met], [4, -4, 30_000, false])
})

test('a restart in the middle changes nothing', () => {
  assertRestartsChangeNothing(
    rate,
    { ...heatRise, for: '10 s' },
    stories({ temperature: fc.integer({ min: 0, max: 60 }) }, 25),
  )
})

test('a steady rise is told from a slower one wherever it begins and however it is sampled', () => {
  const waits = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 20, maxLength: 40 })
  fc.assert(
    fc.property(
      waits,
      fc.integer({ min: 0, max: 15 }),
      fc.integer({ min: 0, max: 20 }),
      (all, perMinute, base) => {
        fc.pre(all.reduce((sum, wait) => sum + wait, 0) >= 60)
        const place = new RuleRun(rate, heatRise)
        for (const wait of all) {
          place.until(place.now + wait).say({ temperature: base + (place.now * perMinute) / 60 })
        }
        assert.equal(place.said.length > 0, perMinute > 8 || (perMinute === 8 && place.said.length > 0))
      },
    ),
  )
})
