import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock, instant } from '../base/clock.ts'
import { BackOff } from './back-off.ts'

test('the wait is 2 s for 5 minutes, then 30 s, and never less than was asked for', async () => {
  const clock = new FakeClock()
  const backOff = new BackOff(clock)
  assert.equal(backOff.isAway, false)
  assert.deepEqual(
    [backOff.away(), backOff.away(45_000), backOff.away(100), backOff.isAway],
    [2000, 45_000, 2000, true],
  )
  await clock.turn(299_999)
  assert.equal(backOff.away(), 2000)
  await clock.turn(1)
  assert.deepEqual([backOff.away(), backOff.away(45_000)], [30_000, 45_000])
  backOff.back()
  assert.deepEqual([backOff.isAway, backOff.away()], [false, 2000])
})

test('a wall clock that jumps changes no wait', async () => {
  const clock = new FakeClock()
  const backOff = new BackOff(clock)
  backOff.away()
  clock.jump(instant(0))
  assert.equal(backOff.away(), 2000)
  clock.jump(instant(4e12))
  assert.equal(backOff.away(), 2000)
})
