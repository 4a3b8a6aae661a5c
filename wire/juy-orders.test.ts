import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeJuyOrderAnswer,
  encodeJuyQuery,
  encodeJuyStart,
  encodeJuyStop,
  juyOrders,
} from './juy-orders.ts'
import { encodeJuy } from './juy.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const IMEI = Buffer.from('867924060525709', 'latin1')

test('the vendor’s stop frames come out byte for byte, with and without the IMEI', () => {
  // Document V1.2, 3.4: of its frames these two have the right length and sum.
  const data = encodeJuyStop({ port: 2, order: 1 })
  const plain = encodeJuy({ command: juyOrders.stop, result: 0, data })
  assert.deepEqual(plain, bytes('5A A5 08 00 84 00 02 01 00 00 00 8F'))
  const withImei = encodeJuy({ command: juyOrders.stop, result: 0, data: Buffer.concat([IMEI, data]) })
  assert.deepEqual(
    withImei,
    bytes('5A A5 17 00 84 00 38 36 37 39 32 34 30 36 30 35 32 35 37 30 39 02 01 00 00 00 B4'),
  )
})

test('a start has port, order, way, card, mode, parameter and money, low byte first', () => {
  assert.equal(
    Buffer.from(encodeJuyStart({ port: 2, order: 0x01020304 })).toString('hex'),
    '02' + '04030201' + '03' + '00000000' + '01' + '80700000' + '00000000',
  )
  assert.deepEqual([...encodeJuyQuery()], [0])
})

test('answers are read by their length; the result stands last', () => {
  const stop = decodeJuyOrderAnswer(juyOrders.stop, bytes('02 01 00 00 00 02'))
  assert.deepEqual(stop, { port: 2, order: 1, result: 2 })
  const start = decodeJuyOrderAnswer(juyOrders.start, bytes('02 01 00 00 00 03 00'))
  assert.deepEqual(start, { port: 2, order: 1, result: 0 })
  assert.equal(decodeJuyOrderAnswer(juyOrders.stop, bytes('02 01 00 00 00')), undefined)
  fc.assert(
    fc.property(fc.nat(255), fc.uint8Array({ maxLength: 30 }), (command, noise) => {
      decodeJuyOrderAnswer(command, noise)
    }),
  )
})
