import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atLeast, atMost, rounded, toRow, type Notes } from './rows.ts'

const notes: Notes = { messages: 1, devices: 1, fsyncMs: 0.1, cpu: {} }

test('a row holds the six words of its file and nothing else', () => {
  const row = toRow({ name: 'smoke-p50', value: 2.34567, notes }, atMost(3, 'ms'))
  assert.deepEqual(row, {
    name: 'smoke-p50',
    value: 2.346,
    unit: 'ms',
    goal: 3,
    direction: 'at most',
    reached: true,
  })
})

test('the figure that is shown is the one that is judged', () => {
  assert.equal(toRow({ name: 'a', value: 3.0004, notes }, atMost(3, 'ms')).reached, true)
  assert.equal(toRow({ name: 'a', value: 3.0006, notes }, atMost(3, 'ms')).reached, false)
  assert.equal(toRow({ name: 'a', value: 2999, notes }, atLeast(3000, '/s')).reached, false)
})

test('a good figure whose condition does not hold is not reached', () => {
  assert.equal(toRow({ name: 'a', value: 0, holds: false, notes }, atMost(0, 'cases')).reached, false)
})

test('a figure that is no number is never reached', () => {
  assert.equal(toRow({ name: 'a', value: NaN, notes }, atMost(3, 'ms')).reached, false)
  assert.equal(toRow({ name: 'a', value: NaN, notes }, atLeast(3, 'ms')).reached, false)
})

test('small figures keep more decimals than large ones', () => {
  assert.deepEqual([0.61234, 12.3456, 151.26].map(rounded), [0.612, 12.35, 151.3])
})
