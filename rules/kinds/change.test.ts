import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import change from './change.ts'

const goods = { quantity: 'zoneChange', by: '20 %', for: '60 s', over: '10 min' } as const

/** Ten minutes of nothing: what is usual is known. */
function usual(value = 5, settings: Parameters<NonNullable<typeof change.check>>[0] = goods) {
  const place = new RuleRun(change, settings)
  for (let second = 0; second <= 600; second += 10) place.until(second).say({ zoneChange: value })
  return place
}

test('goods that are put past the line are raised and clear when they are taken in', () => {
  const place = usual()
  for (let second = 610; second <= 900; second += 10) place.until(second).say({ zoneChange: 40 })
  place.until(910).say({ zoneChange: 6 })
  assert.deepEqual(place.said, [
    { at: 670, is: 'raise', drill: false, since: 610 },
    { at: 910, is: 'clear', drill: false, ended: 910 },
  ])
  assert.deepEqual(place.raises[0]?.words, {
    for: '60 s',
    value: '35 %',
    threshold: '20 %',
    part: '',
    usual: '5 %',
    now: '40 %',
  })
})

test('a person who walks through is no change', () => {
  const place = usual().until(610).say({ zoneChange: 60 }).until(640).say({ zoneChange: 5 })
  place.until(2000)
  assert.deepEqual(place.said, [])
})

test('nothing is raised before what is usual is known', () => {
  const place = new RuleRun(change, goods).say({ zoneChange: 5 })
  for (let second = 10; second < 590; second += 10) place.until(second).say({ zoneChange: 60 })
  assert.deepEqual(place.said, [])
})

test('daylight that moves slowly is followed', () => {
  const place = usual()
  for (let step = 0; step < 600; step++) place.until(600 + step * 10).say({ zoneChange: 5 + step / 10 })
  assert.deepEqual(place.said, [])
})

test('a sensor that was moved has a new usual after a time, and what is usual stood still until then', () => {
  const place = usual(5, { ...goods, adoptAfter: '1 h' })
  for (let second = 610; second <= 4300; second += 10) place.until(second).say({ zoneChange: 60 })
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [670, 'raise'],
      [4210, 'clear'],
    ],
  )
  for (let second = 4310; second <= 4500; second += 10) place.until(second).say({ zoneChange: 5 })
  assert.equal(place.said.length, 3)
})

test('a direction that is not asked for is none', () => {
  const place = usual(50, { ...goods, direction: 'up' })
  for (let second = 610; second <= 900; second += 10) place.until(second).say({ zoneChange: 5 })
  assert.deepEqual(place.said, [])
})

test('settings that cannot be meant are named by their path', () => {
  const paths = (settings: object): readonly string[] | undefined =>
    change.check?.({ ...goods, ...settings }).map(({ path }) => path)
  assert.deepEqual(paths({}), [])
  assert.deepEqual(paths({ by: '20 W' }), ['/by'])
  assert.deepEqual(paths({ by: '0 %' }), ['/by'])
  assert.deepEqual(paths({ clearWithin: '30 %' }), ['/clearWithin'])
  assert.deepEqual(paths({ quantity: 'smoke' }), ['/quantity'])
  assert.deepEqual(paths({ over: '0 s' }), ['/over'])
})

test('"how near" is the farthest from what was usual', () => {
  const values = [...Array.from({ length: 61 }, () => 5), 12, 5]
  const readings = values.map((value, index) => toReading('zoneChange', '', value, instant(index * 10_000)))
  const [near] = change.nearness?.(goods)(readings) ?? []
  assert.deepEqual([near?.text, near?.value, near?.margin], ['change(zoneChange) >= 20 %', 7, -13])
})

test('a restart in the middle changes nothing', () => {
  const fast = { ...goods, over: '30 s', for: '10 s', adoptAfter: '200 s' } as const
  assertRestartsChangeNothing(change, fast, stories({ zoneChange: fc.integer({ min: 0, max: 60 }) }, 15))
})

test('values that stay near what is usual raise nothing', () => {
  const near = fc.array(fc.integer({ min: 40, max: 49 }), { maxLength: 200 })
  fc.assert(
    fc.property(near, (values) => {
      const place = new RuleRun(change, goods)
      for (const value of values) place.until(place.now + 10).say({ zoneChange: value })
      assert.deepEqual(place.until(place.now + 1000).said, [])
    }),
  )
})
