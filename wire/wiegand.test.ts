import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dataOfPrinted, decodeWiegand, encodeWiegand, type BitOrder } from './wiegand.ts'

const frames = [
  ['11101010000011011100000010', 'D41B81', 212, 7041],
  ['10000110100110011000010110', '0D330B', 13, 13_067],
  ['10000000100000000000000010', '010001', 1, 1],
  ['01111111111111111111111111', 'FFFFFF', 255, 65_535],
  ['1100010011101010000011011100000011', '89D41B81', 212, 7041],
] as const

test('frames of both lengths give the card, its facility and its number, and are made of them again', () => {
  for (const [bits, data, facility, number] of frames) {
    assert.deepEqual(decodeWiegand(bits), {
      is: 'card',
      card: { length: bits.length, data, facility, number },
    })
    assert.equal(encodeWiegand(data), bits)
  }
})

test('a frame of zeros has the right parity and is no card', () => {
  assert.deepEqual(decodeWiegand(`${'0'.repeat(25)}1`), {
    is: 'wrong',
    reason: 'a card of nothing but zeros',
  })
})

const data = fc
  .constantFrom(6, 8)
  .chain((digits) => fc.integer({ min: 1, max: 16 ** digits - 1 }).map((n) => ({ digits, n })))
  .map(({ digits, n }) => n.toString(16).toUpperCase().padStart(digits, '0'))
const order = fc.constantFrom<BitOrder>('first-bit-first', 'last-bit-first')

test('what was encoded is decoded in the same order of bits', () => {
  fc.assert(
    fc.property(data, order, (wanted, way) => {
      const decoded = decodeWiegand(encodeWiegand(wanted, way), way)
      assert.equal(decoded.is === 'card' && decoded.card.data, wanted)
    }),
  )
})

test('one bit that fell over is always noticed', () => {
  fc.assert(
    fc.property(data, order, fc.nat(), (wanted, way, at) => {
      const frame = encodeWiegand(wanted, way)
      const i = at % frame.length
      const fallen = `${frame.slice(0, i)}${frame[i] === '1' ? '0' : '1'}${frame.slice(i + 1)}`
      assert.equal(decodeWiegand(fallen, way).is, 'wrong')
    }),
  )
})

test('any text is a card or is called wrong, without saying what it was', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), order, (text, way) => {
      const decoded = decodeWiegand(text, way)
      if (decoded.is === 'wrong' && text.length > 2) assert.ok(!decoded.reason.includes(text))
    }),
  )
})

test('the number printed on a card is its lower 24 bits', () => {
  assert.equal(dataOfPrinted('212,07041'), 'D41B81')
  assert.equal(dataOfPrinted('0,1'), '000001')
  for (const wrong of ['256,00001', '1,65536', '1', '1,2,3', 'a,b', ''])
    assert.equal(dataOfPrinted(wrong), undefined)
})
