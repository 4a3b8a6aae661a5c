import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { isTooLow, limitsOf, outcomeOf, rateOf, type Decision } from './filing-rate.ts'
import { stages } from './stage.ts'

const limits = limitsOf({ decided: 4, within: '1 h', limit: 0.5 })
const of = { rule: 'door', siteId: 'shed' }
const HOUR = 3_600_000

test('nothing is decided before the platform files or refuses', () => {
  const decided = Object.groupBy(stages, (stage) => outcomeOf(stage) ?? 'open')
  assert.deepEqual(decided.open, ['raised', 'delivered', 'accepted'])
  assert.deepEqual(decided.refused, ['rejected', 'withdrawn'])
  assert.equal(decided.filed?.length, stages.length - 5)
})

const decision = fc.record({
  outcome: fc.constantFrom('filed' as const, 'refused' as const),
  reason: fc.constantFrom('a', 'b', null),
  raisedAt: fc.nat(3 * HOUR).map(instant),
  at: fc.nat(3 * HOUR).map(instant),
})

test('the rate is that of the cases that were decided within the span and raised since the promotion', () => {
  fc.assert(
    fc.property(fc.array(decision, { maxLength: 30 }), fc.nat(2 * HOUR), (made, from) => {
      const decisions = made.map((one, key): Decision => ({ ...one, ...of, key: String(key) }))
      const now = instant(3 * HOUR)
      const rate = rateOf(of, decisions, limits, now, instant(from))
      const counted = decisions.filter((one) => one.at > 2 * HOUR && one.raisedAt >= from)
      const filed = counted.filter(({ outcome }) => outcome === 'filed').length
      assert.deepEqual([rate.filed, rate.refused], [filed, counted.length - filed])
      assert.equal(
        rate.reasons.reduce((sum, { cases }) => sum + cases, 0),
        rate.refused,
      )
      assert.equal(isTooLow(rate, limits), counted.length >= 4 && filed / counted.length < 0.5)
    }),
  )
})
