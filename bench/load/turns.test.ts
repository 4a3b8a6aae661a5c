import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

test('in its turn a device says one alarm, one clear, and eight times that nothing is wrong', () => {
  const turns = new Turns(1)
  const said = Array.from({ length: 20 }, () => turns.step(0, 10))
  assert.deepEqual(
    said.map(({ isOn }) => isOn),
    [...Array<boolean>(20)].map((_, index) => index % 10 === 0),
  )
  assert.deepEqual(
    said.map(({ revision }) => revision),
    [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
  )
})

test('one message in ten is an alarm at any moment, not only over a whole cycle', () => {
  const turns = new Turns(100)
  for (let round = 0; round < 10; round++) {
    const alarms = Array.from({ length: 100 }, () => turns.step(turns.nextDevice(), 10)).filter(
      ({ isOn }) => isOn,
    )
    assert.equal(alarms.length, 10)
  }
})

test('with a cycle of two every message changes something, once a device has begun', () => {
  const turns = new Turns(2)
  const revisions = Array.from({ length: 8 }, () => turns.step(turns.nextDevice(), 2).revision)
  // The second device begins with a clear of nothing.
  assert.deepEqual(revisions, [1, 0, 2, 1, 3, 2, 4, 3])
})

test('with a cycle of one every device alarms once and stays so', () => {
  const turns = new Turns(3)
  const said = Array.from({ length: 6 }, () => turns.step(turns.nextDevice(), 1).revision)
  assert.deepEqual(said, [1, 1, 1, 0, 0, 0])
})
