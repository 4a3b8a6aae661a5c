import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from './random.ts'

test('the same seed gives the same chance, another seed another', () => {
  const take = (seed: number): number[] => {
    const random = seededRandom(seed)
    return Array.from({ length: 20 }, () => random.between(0, 1000))
  }
  assert.deepEqual(take(7), take(7))
  assert.notDeepEqual(take(7), take(8))
})

test("a device's chance does not depend on who asked before it", () => {
  const first = seededRandom(7)
  const second = seededRandom(7)
  second.bytes(100)
  assert.deepEqual(first.fork('smoke-1').bytes(8), second.fork('smoke-1').bytes(8))
  assert.notDeepEqual(first.fork('smoke-1').bytes(8), first.fork('smoke-2').bytes(8))
})

test('both ends of a range come, and nothing beyond', () => {
  const random = seededRandom(1)
  const seen = new Set(Array.from({ length: 500 }, () => random.between(3, 6)))
  assert.deepEqual([...seen].sort(), [3, 4, 5, 6])
})
