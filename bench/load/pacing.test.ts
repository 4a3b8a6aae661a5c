import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dueNow } from './pacing.ts'

test('a steady sender sends what its rate says', () => {
  assert.equal(dueNow({ perSecond: 10_000, mostMs: 4 }, 1, 0), 10)
  assert.equal(dueNow({ perSecond: 10_000, mostMs: 4 }, 2, 10), 10)
  assert.equal(dueNow({ perSecond: 50, mostMs: 4 }, 19, 0), 0)
  assert.equal(dueNow({ perSecond: 50, mostMs: 4 }, 20, 0), 1)
})

test('after a stall the schedule is caught up in pieces', () => {
  assert.equal(dueNow({ perSecond: 10_000, mostMs: 4 }, 500, 0), 40)
})

test('a sender that is ahead waits', () => {
  assert.equal(dueNow({ perSecond: 1000, mostMs: 4 }, 10, 50), 0)
})

test('whatever its turns are, a sender is never ahead of its rate and never stops', () => {
  const turns = fc.array(fc.double({ min: 0.1, max: 50, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50_000 }), turns, (perSecond, spans) => {
      let elapsed = 0
      let sent = 0
      for (const span of spans) {
        elapsed += span
        sent += dueNow({ perSecond, mostMs: 4 }, elapsed, sent)
        assert.ok(sent <= (elapsed * perSecond) / 1000)
      }
      for (let turn = 0; turn < 10_000 && dueNow({ perSecond, mostMs: 4 }, elapsed, sent) > 0; turn++)
        sent += dueNow({ perSecond, mostMs: 4 }, elapsed, sent)
      assert.equal(sent, Math.floor((elapsed * perSecond) / 1000))
    }),
  )
})
