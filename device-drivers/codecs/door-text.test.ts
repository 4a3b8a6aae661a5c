import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shownByText, type CardFormat } from './door-text.ts'

test('the four ways in which one card is printed, and a code', () => {
  assert.deepEqual(shownByText('89D41B81\r'), { is: 'card', uid: '89D41B81' })
  assert.deepEqual(shownByText('89:d4:1b:81'), { is: 'card', uid: '89D41B81' })
  assert.deepEqual(shownByText('2312379265', 'decimal-32'), { is: 'card', uid: '89D41B81' })
  assert.deepEqual(shownByText('0013900673', 'decimal-24'), { is: 'card', uid: 'D41B81' })
  assert.deepEqual(shownByText(' a-b.c_d.E9 '), { is: 'code', text: 'a-b.c_d.E9' })
})

test('a number beyond its bits, a key of a keypad, zero and a URL are unreadable', () => {
  const wrong: readonly (readonly [string, CardFormat])[] = [
    ['16777216', 'decimal-24'],
    ['4294967296', 'decimal-32'],
    ['0', 'decimal-24'],
    ['5', 'hex'],
    ['https://example.org/x', 'hex'],
    ['x'.repeat(600), 'hex'],
  ]
  for (const [text, format] of wrong) assert.deepEqual(shownByText(text, format), { is: 'unreadable' }, text)
})

test('a card printed as bytes is read as these bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3, maxLength: 10 }), (bytes) => {
      const uid = Buffer.from(bytes).toString('hex').toUpperCase()
      assert.deepEqual(shownByText(uid), { is: 'card', uid })
    }),
  )
})
