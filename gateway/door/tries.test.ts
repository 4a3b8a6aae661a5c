import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tries } from './tries.ts'

test('after ten wrong ones in a row a reader is asked once in three seconds, until one is right', () => {
  const tries = new Tries()
  for (let i = 0; i < 10; i++) {
    assert.ok(tries.mayTry('r', i * 1000))
    tries.wasWrong('r', i * 1000)
  }
  assert.ok(!tries.mayTry('r', 11_000))
  assert.ok(tries.mayTry('other', 11_000))
  assert.ok(tries.mayTry('r', 12_000))
  tries.wasRight('r')
  assert.ok(tries.mayTry('r', 12_001))
})

test('wrong ones of ten minutes ago are forgotten', () => {
  const tries = new Tries()
  for (let i = 0; i < 10; i++) tries.wasWrong('r', 0)
  tries.wasWrong('r', 600_000)
  assert.ok(tries.mayTry('r', 600_001))
})
