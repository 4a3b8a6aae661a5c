import assert from 'node:assert/strict'
import { test } from 'node:test'
import { affectedRules } from './affected-rules.ts'

const rule = (id: string, classId: string, ...inhibits: string[]) => ({ id, classId, holding: { inhibits } })

const rules = [
  rule('parked', 'parking'),
  rule('beam', 'parking'),
  rule('smoke', 'fire', 'parking'),
  rule('heat', 'fire'),
  rule('leak', 'leakage'),
  rule('flood', 'water', 'leakage'),
]

const affected = (...changed: string[]): readonly string[] =>
  [...affectedRules(new Set(changed), rules)].sort()

test('a rule that shares no class with a changed one and silences nothing of it says the same', () => {
  assert.deepEqual(affected(), [])
  assert.deepEqual(affected('gone'), ['gone'])
})

test('rules of one class share their cases', () => {
  assert.ok(affected('beam').includes('parked'))
  assert.ok(!affected('beam').includes('leak'))
})

test('who silences a class and who is silenced go together, over several steps', () => {
  assert.deepEqual(affected('heat'), ['beam', 'heat', 'parked', 'smoke'])
  assert.deepEqual(affected('parked'), ['beam', 'heat', 'parked', 'smoke'])
  assert.deepEqual(affected('leak'), ['flood', 'leak'])
})
