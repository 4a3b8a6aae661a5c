import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DnyParser, encodeDny } from './dny.ts'
import {
  decodeDnyCharge,
  decodeDnyChargeAnswer,
  dnyOrders,
  encodeDnyCharge,
  encodeDnyChargeAnswer,
} from './dny-orders.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const frameOf = (hex: string): { readonly command: number; readonly data: Uint8Array } => {
  const [event] = new DnyParser().push(bytes(hex))
  assert.ok(event?.kind === 'frame')
  return event
}

// Both from the vendor's document (device V8.6, 4.2); length and sum hold.
const START =
  '44 4E 59 26 00 3B 37 AB 04 02 00 82 00 64 01 00 00 01 01 00 00 12 34 56 78 12 34 56 78 12 34 56 78 12 34 56 78 80 70 88 13 F8 08'
const ANSWER =
  '44 4E 59 1D 00 3B 37 AB 04 02 00 82 00 12 34 56 78 12 34 56 78 12 34 56 78 12 34 56 78 01 00 00 FE 06'
const ORDER = '12345678'.repeat(4)

test('the vendor’s start command and its answer are read', () => {
  const start = frameOf(START)
  assert.equal(start.command, dnyOrders.charge)
  assert.deepEqual(decodeDnyCharge(start.data), { command: 'start', port: 1, order: ORDER })
  assert.deepEqual(decodeDnyChargeAnswer(frameOf(ANSWER).data), { answer: 0, order: ORDER, port: 1 })
})

test('the vendor’s query frame comes out byte for byte', () => {
  const query = encodeDny({
    physId: 0x04ab373b,
    messageId: 1,
    command: dnyOrders.query,
    data: new Uint8Array(0),
  })
  assert.deepEqual(query, bytes('44 4E 59 09 00 3B 37 AB 04 01 00 81 97 02'))
})

test('the answer that we make is the vendor’s, byte for byte', () => {
  const data = encodeDnyChargeAnswer({ answer: 0, order: ORDER, port: 1 })
  const frame = encodeDny({ physId: 0x04ab373b, messageId: 2, command: dnyOrders.charge, data })
  assert.deepEqual(frame, bytes(ANSWER))
})

test('an older station’s answer of one byte is one', () => {
  assert.equal(decodeDnyChargeAnswer(Uint8Array.of(3))?.answer, 3)
  assert.equal(decodeDnyChargeAnswer(new Uint8Array(0)), undefined)
})

test('what is encoded is what is decoded', () => {
  const charge = fc.record({
    command: fc.constantFrom('start' as const, 'stop' as const),
    port: fc.integer({ min: 0, max: 15 }),
    order: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((raw) => Buffer.from(raw).toString('hex')),
  })
  fc.assert(
    fc.property(charge, (one) => {
      assert.deepEqual(decodeDnyCharge(encodeDnyCharge(one)), { ...one })
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      decodeDnyCharge(noise)
      decodeDnyChargeAnswer(noise)
    }),
  )
})
