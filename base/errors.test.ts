import assert from 'node:assert/strict'
import test from 'node:test'
import { codeOf, GanglionError, isGanglionError, messageOf } from './errors.ts'

test('an error carries its code, whether to try again, and what to do', () => {
  const cause = new Error('inner')
  const error = new GanglionError('store-full', 'no room', { retry: 'later', hint: 'free some', cause })
  assert.deepEqual(
    [error.code, error.retry, error.hint, error.cause],
    ['store-full', 'later', 'free some', cause],
  )
  const plain = new GanglionError('usage', 'wrong')
  assert.deepEqual([plain.retry, plain.hint, 'cause' in plain], ['never', undefined, false])
  assert.ok(
    isGanglionError(error) && isGanglionError(error, 'store-full') && !isGanglionError(error, 'usage'),
  )
  assert.ok(!isGanglionError(cause))
})

test('whatever is thrown has a code and one readable line', () => {
  const system = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  assert.deepEqual(
    [system, new TypeError('wrong'), 'text', undefined].map((thrown) => [codeOf(thrown), messageOf(thrown)]),
    [
      ['ECONNREFUSED', 'refused'],
      ['TypeError', 'wrong'],
      ['unknown', 'text'],
      ['unknown', 'undefined'],
    ],
  )
})
