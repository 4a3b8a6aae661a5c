import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differences, type ReplayedCase } from './case-difference.ts'
import { packChanges } from './pack-change.ts'

const at = (minute: number): string => new Date(Date.UTC(2026, 2, 2, 0, minute)).toISOString()

const one = (raised: number, cleared: number | null, more: Partial<ReplayedCase> = {}): ReplayedCase => ({
  rule: 'port-overload',
  class: 'port-load',
  siteId: 'shed',
  place: 'shed/station/port-1',
  drill: false,
  since: at(raised),
  raisedAt: at(raised),
  clearedAt: cleared === null ? null : at(cleared),
  count: 1,
  text: '',
  ...more,
})

const kinds = (before: readonly ReplayedCase[], after: readonly ReplayedCase[]): string[] =>
  differences(before, after).map((found) => found.is)

test('the same cases differ in nothing', () => {
  const cases = [one(1, 5), one(10, null), one(1, 5, { place: 'shed/station/port-2' })]
  assert.deepEqual(differences(cases, cases), [])
})

test('a case that overlaps the one of before has moved, one that does not is added and the other removed', () => {
  assert.deepEqual(kinds([one(1, 10)], [one(5, 10)]), ['moved'])
  assert.deepEqual(kinds([one(1, 4)], [one(5, 10)]), ['removed', 'added'])
  assert.deepEqual(kinds([one(1, null)], [one(50, 60)]), ['moved'])
  // A rule that waits longer raises later for a breach that began at the same time.
  assert.deepEqual(kinds([one(2, 9, { since: at(1) })], [one(6, 9, { since: at(1) })]), ['moved'])
})

test('places, classes and drills are never mixed', () => {
  const drill = one(1, 5, { drill: true })
  assert.deepEqual(kinds([one(1, 5)], [drill]).sort(), ['added', 'removed'])
  assert.deepEqual(kinds([one(1, 5)], [one(1, 5, { place: 'shed/station/port-2' })]).sort(), [
    'added',
    'removed',
  ])
})

test('every case of either side is the same, moved, added or removed, and counted once', () => {
  const some = fc
    .tuple(fc.nat({ max: 30 }), fc.option(fc.nat({ max: 10 })), fc.nat({ max: 2 }))
    .map(([raised, lasts, port]) => {
      return one(raised, lasts === null ? null : raised + lasts, { place: `shed/station/port-${port}` })
    })
  fc.assert(
    fc.property(fc.array(some, { maxLength: 12 }), fc.array(some, { maxLength: 12 }), (before, after) => {
      const found = differences(before, after)
      const count = (is: string): number => found.filter((difference) => difference.is === is).length
      const same = after.length - count('added') - count('moved')
      assert.equal(same + count('removed') + count('moved'), before.length)
      assert.ok(same >= 0)
      assert.equal(differences(after, before).length > 0, found.length > 0)
    }),
  )
})

test('what differs in a pack is named by rule and path, and words for people are not', () => {
  const rule = {
    version: 1,
    kind: 'threshold',
    class: 'heat',
    source: 'default',
    settings: { quantity: 'portTemperature', above: '70 °C', limits: { hot: '1 °C' } },
    title: { zh: '热', en: 'Hot' },
    why: { zh: '热', en: 'Hot' },
  }
  const changed = {
    ...rule,
    source: 'GB',
    title: { zh: '烫', en: 'Hotter' },
    coolDown: '5 min',
    settings: { ...rule.settings, above: '60 °C', limits: { hot: '2 °C' } },
  }
  const changes = packChanges(
    { same: rule, heat: rule, gone: rule },
    { same: { ...rule, source: 'x' }, heat: changed, fresh: rule },
  )
  assert.deepEqual(Object.fromEntries(changes), {
    heat: ['settings.above: 70 °C → 60 °C', 'settings.limits.hot: 1 °C → 2 °C', 'coolDown: unset → 5 min'],
    gone: ['the rule is gone'],
    fresh: ['the rule is new'],
  })
})
