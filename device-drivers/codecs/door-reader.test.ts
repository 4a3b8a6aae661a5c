import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isGanglionError } from '../../base/errors.ts'
import { encodeWiegand } from '../../wire/wiegand.ts'
import doorReader from './door-reader.ts'

const decode = (payload: unknown) => doorReader.decode(['up'], Buffer.from(JSON.stringify(payload)))

/** What was shown, by an ask that is right. */
function shown(more: object) {
  const decoded = decode({ ask: 'k3Zq9w-1', ...more })
  return decoded.is === 'message' ? decoded.presented?.shown : undefined
}

test('a card, the pulses of one and a code are asks; nothing of them is a field', () => {
  const wiegand = encodeWiegand('89D41B81')
  assert.deepEqual(shown({ card: '89d41b81' }), { is: 'card', uid: '89D41B81' })
  assert.deepEqual(shown({ wiegand }), { is: 'card', uid: '89D41B81' })
  const reversed = Array.from(wiegand).reverse().join('')
  assert.deepEqual(shown({ wiegand: reversed, bitOrder: 'lsb' }), { is: 'card', uid: '89D41B81' })
  assert.deepEqual(shown({ qr: ' a.b.c\r\n' }), { is: 'code', text: 'a.b.c' })
  assert.deepEqual(
    decode({ ask: 'k3Zq9w-1', card: '89D41B81', within: 1500, tamper: true, time: 1772409600000 }),
    {
      is: 'message',
      address: '',
      fields: { tamper: true },
      messageId: 'k3Zq9w-1',
      time: 1772409600000,
      presented: {
        askId: 'k3Zq9w-1',
        shown: { is: 'card', uid: '89D41B81' },
        within: 1500,
        isRepeated: false,
      },
    },
  )
})

test('what cannot be read is an ask that is refused; a keypad’s burst, two cards at once and a long code are such', () => {
  for (const more of [
    {},
    { card: '123' },
    { card: 1234 },
    { wiegand: '1011' },
    { wiegand: encodeWiegand('0D330B').replace('1', '0') },
    { wiegand: encodeWiegand('0D330B'), bitOrder: 'middle' },
    { card: '0D330B', qr: 'a.b.c' },
    { qr: 'x'.repeat(513) },
    { qr: '' },
  ])
    assert.deepEqual(shown(more), { is: 'unreadable' }, JSON.stringify(more))
})

test('a message without an ask is readings alone, and a card without one is nobody’s', () => {
  assert.deepEqual(decode({ tamper: true }), { is: 'message', address: '', fields: { tamper: true } })
  assert.throws(() => decode({ card: '89D41B81' }), /"ask" is missing/)
  assert.throws(() => decode({ ask: 'short', card: '89D41B81' }), /"ask": wanted 8 to 64/)
})

test('no payload makes an error that tells what it was', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6, maxLength: 80 }), fc.boolean(), (text, asJson) => {
      const payload = asJson ? JSON.stringify({ card: text, ask: 7 }) : `{"card":"${text}`
      try {
        doorReader.decode(['up'], Buffer.from(payload))
      } catch (error) {
        assert.ok(isGanglionError(error, 'payload-invalid'))
        if (/[^ a-z]/.test(text.trim())) assert.ok(!error.message.includes(text))
      }
    }),
  )
})
