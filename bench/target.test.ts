import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersOf } from './target.ts'

test('an answer is found by device and revision, and the first one counts', () => {
  const answeredAt = answersOf(
    ['a', 'b'],
    [
      { name: 'b', revision: 1, answeredAt: 5 },
      { name: 'b', revision: 1, answeredAt: 9 },
      { name: 'a', revision: 2, answeredAt: undefined },
      { name: 'stranger', revision: 1, answeredAt: 7 },
    ],
  )
  assert.equal(answeredAt(1, 1), 5)
  assert.equal(answeredAt(0, 2), undefined)
  assert.equal(answeredAt(0, 1), undefined)
})
