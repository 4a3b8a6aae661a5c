import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { median, percentile, spread } from './percentile.ts'

test('the 99th percentile of a hundred values is the last but one', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.equal(percentile(values, 0.99), 99)
  assert.equal(percentile(values, 0.5), 50)
  assert.equal(percentile(values, 1), 100)
})

test('a percentile is one of the values, and so many lie at or below it', () => {
  const values = fc.array(fc.double({ noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
      const found = percentile(all, part)
      assert.ok(all.includes(found))
      assert.ok(all.filter((value) => value <= found).length >= part * all.length)
    }),
  )
})

test('the values stay in their order', () => {
  const values = [3, 1, 2]
  assert.equal(median(values), 2)
  assert.deepEqual(values, [3, 1, 2])
  assert.equal(spread(values), '2.00 / 3.00 / 3.00')
})

test('nothing has no percentile', () => {
  assert.ok(Number.isNaN(percentile([], 0.5)))
})
