import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { toReading } from '../gateway/reading.ts'
import type { AnyRuleKind, RuleKind } from '../gateway/rule.ts'
import alarm from './kinds/alarm.ts'
import dwell from './kinds/dwell.ts'
import threshold from './kinds/threshold.ts'
import { assertRestartsChangeNothing, stories } from './restarts.ts'
import { RuleRun } from './rule-run.ts'
import whileHolds from './while.ts'

/** A kind as the path has it: its own files alone know what its settings and memory look like. */
const during = (kind: unknown, condition: string): AnyRuleKind =>
  whileHolds(kind as AnyRuleKind, condition).kind

const beam = { quantity: 'beamBlocked', for: '10 s' } as const
const overload = { quantity: 'portPower', above: '1000 W' } as const

const runOf = (kind: unknown, condition: string, settings: object, context = {}): RuleRun<never, unknown> =>
  new RuleRun(during(kind, condition) as unknown as RuleKind<never, unknown>, settings as never, context)

test('a rule is judged only while its condition holds', () => {
  const place = runOf(threshold, 'doorOpen', overload)
  place.say({ portPower: 1200 }).say({ doorOpen: false }).say({ portPower: 1300 })
  assert.deepEqual(place.said, [])
  place.until(5).say({ doorOpen: true }).until(6).say({ portPower: 1200 })
  assert.deepEqual(place.said, [{ at: 6, is: 'raise', drill: false, since: 6 }])
  assert.deepEqual(place.raises[0]?.conditions, [
    { text: 'portPower >= 1000 W', value: 1200, threshold: 1000, margin: 200, unit: 'W', met: true },
    { text: 'doorOpen', value: true, unit: '', met: true },
  ])
})

test('what stands ends with the condition, and unknown ends nothing', () => {
  const place = runOf(threshold, 'portCurrent > 1 A', overload)
  place.say({ portPower: 1200, portCurrent: 5 }).until(3).say({ portCurrent: 200 })
  assert.equal(place.said.length, 1, 'a value that is not believed ends nothing')
  place.until(4).say({ portCurrent: 0 }).until(5).say({ portPower: 1300 })
  assert.deepEqual(place.said.slice(1), [{ at: 4, is: 'clear', drill: false, ended: 4 }])
})

test('what was said once while the condition did not hold counts from when it does', () => {
  const place = runOf(dwell, 'doorOpen', beam)
  place.say({ beamBlocked: true }).until(5).say({ doorOpen: true }).until(20)
  assert.deepEqual(place.said, [{ at: 15, is: 'raise', drill: false, since: 5 }])
  place.say({ doorOpen: false }).until(30).say({ doorOpen: true }).until(60)
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [15, 'raise'],
      [20, 'clear'],
      [40, 'raise'],
    ],
  )
})

test('what ended while nobody could tell has ended', () => {
  const place = runOf(alarm, 'portCurrent > 1 A', { quantity: 'smoke' })
  place.say({ portCurrent: 5 }).say({ smoke: true }).until(5).say({ portCurrent: 200 }).say({ smoke: false })
  assert.equal(place.said.length, 1)
  place.until(9).say({ portCurrent: 5 })
  assert.deepEqual(place.said.at(-1), { at: 9, is: 'clear', drill: false, ended: 9 })
})

test('an alarm that the device never takes back is not shown again when it is over', () => {
  const place = runOf(alarm, 'doorOpen', { quantity: 'smoke' })
  place.say({ smoke: true }, { lasts: 10 }).until(20).say({ doorOpen: true })
  assert.deepEqual(place.said, [])
  place
    .until(25)
    .say({ doorOpen: false })
    .say({ smoke: true }, { lasts: 10 })
    .until(30)
    .say({ doorOpen: true })
    .until(60)
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [30, 'raise'],
      [35, 'clear'],
    ],
  )
})

test('a condition that a device never takes back ends by itself', () => {
  const place = runOf(threshold, 'motion', overload)
  place
    .say({ portPower: 1200 })
    .say({ motion: true }, { lasts: 10 }, 'pir')
    .say({ portPower: 1200 })
    .until(60)
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [0, 'raise'],
      [10, 'clear'],
    ],
  )
})

test('readings of other places are heard by the condition and not by the rule', () => {
  const place = runOf(threshold, 'doorOpen', overload, { isHere: (id: string) => id === 'a' })
  place.say({ doorOpen: true }, {}, 'door').say({ portPower: 1200 }, {}, 'door')
  assert.deepEqual(place.said, [])
  place.say({ portPower: 1200 })
  assert.equal(place.said.length, 1)
  const line = runOf(dwell, 'doorOpen', beam, { isHere: (id: string) => id === 'a' })
  line.say({ beamBlocked: true }, {}, 'door').say({ doorOpen: true }, {}, 'door').until(60)
  assert.deepEqual(line.said, [])
})

test('a drill and a fire both end with the condition', () => {
  const place = runOf(alarm, 'doorOpen', { quantity: 'smoke', test: 'test' })
  place
    .say({ doorOpen: true })
    .say({ smoke: true })
    .say({ test: true }, {}, 'b')
    .say({ doorOpen: false })
    .until(1)
  assert.deepEqual(
    place.said.map(({ is, drill }) => [is, drill]),
    [
      ['raise', false],
      ['raise', true],
      ['clear', false],
      ['clear', true],
    ],
  )
})

test('a condition has named limits of its own beside those of the rule', () => {
  const ofThreshold = whileHolds(threshold as unknown as AnyRuleKind, 'portCurrent > idle')
  const { kind } = ofThreshold
  const settings = { when: 'portPower > most', limits: { most: '1000 W', idle: '1 A' } }
  assert.deepEqual(kind.check?.(settings), [])
  assert.deepEqual(ofThreshold.complaints(settings), [])
  assert.deepEqual(ofThreshold.wants(settings), ['portCurrent'])
  assert.deepEqual(ofThreshold.complaints({ ...settings, limits: { most: '1000 W' } }), [
    'unknown quantity "idle"',
  ])
  assert.deepEqual(kind.check({ ...settings, limits: { ...settings.limits, odd: '1 A' } }), [
    { path: '/limits/odd', text: 'no condition names the limit "odd"; those of the condition are most' },
  ])
  const plain = whileHolds(alarm as unknown as AnyRuleKind, 'portCurrent > idle')
  assert.deepEqual(plain.kind.check?.({ quantity: 'smoke', limits: { idle: '1 A' } }), [])
  assert.deepEqual(plain.kind.check({ quantity: 'smoke', limits: { idle: '1 A', odd: '1 A' } }), [
    { path: '/limits/odd', text: 'no condition names the limit "odd"' },
  ])
})

test('"how near" counts only what came while the condition held, and tells of the condition too', () => {
  const said = [
    ['portPower', 990],
    ['doorOpen', true],
    ['portPower', 700],
  ] as const
  const readings = said.map(([quantity, value], index) => toReading(quantity, '', value, instant(index)))
  const near = during(threshold, 'doorOpen').nearness?.(overload)(readings)
  assert.deepEqual(
    near?.map(({ text, value, met }) => [text, value, met]),
    [
      ['portPower >= 1000 W', 700, false],
      ['doorOpen', true, true],
    ],
  )
})

const story = stories(
  {
    beamBlocked: fc.boolean(),
    doorOpen: fc.boolean(),
    portCurrent: fc.constantFrom(0, 5, 200),
  },
  12,
)

test('a restart in the middle changes nothing', () => {
  const kind = during(dwell, 'doorOpen && portCurrent > 1 A') as unknown as RuleKind<never, unknown>
  assertRestartsChangeNothing(kind, beam as never, story)
})

test('while the condition always holds the rule speaks as it would without', () => {
  const always = during(dwell, 'doorOpen || !doorOpen') as unknown as RuleKind<never, unknown>
  fc.assert(
    fc.property(story, (steps) => {
      const [plain, conditional] = [new RuleRun(dwell, beam), new RuleRun(always, beam as never)]
      conditional.say({ doorOpen: true })
      for (const { wait, values, device } of steps) {
        for (const run of [plain, conditional]) run.until(run.now + wait).say(values, {}, device)
      }
      assert.deepEqual(conditional.said, plain.said)
    }),
  )
})

test('nothing stands while the condition is known not to hold', () => {
  fc.assert(
    fc.property(story, (steps) => {
      const run = runOf(dwell, 'doorOpen', beam)
      let isOpen: boolean | undefined
      for (const { wait, values } of steps) {
        run.until(run.now + wait).say(values)
        if (typeof values.doorOpen === 'boolean') isOpen = values.doorOpen
        if (isOpen === false) assert.notEqual(run.said.at(-1)?.is, 'raise')
        if (isOpen === undefined) assert.deepEqual(run.said, [])
      }
    }),
  )
})
