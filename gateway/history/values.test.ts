import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter } from './bytes.ts'
import { LARGEST_INTEGER, readIntegers, writeIntegers } from './integers.ts'
import { readValues, writeValues, type Cell } from './values.ts'

function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter()
  write(out)
  return out.done()
}

function roundTrip(values: readonly Cell[]): readonly Cell[] {
  return readValues(new ByteReader(written((out) => writeValues(out, values))), values.length)
}

const sizeOf = (values: readonly Cell[]): number => written((out) => writeValues(out, values)).length

test('integers come back as they went in, whatever their course', () => {
  const integer = fc.oneof(
    fc.integer({ min: -40, max: 40 }),
    fc.integer({ min: -LARGEST_INTEGER, max: LARGEST_INTEGER }),
    fc.constantFrom(0, LARGEST_INTEGER, -LARGEST_INTEGER, 2 ** 24 - 1, 2 ** 24, 2 ** 31, 2 ** 32),
  )
  fc.assert(
    fc.property(fc.array(integer, { maxLength: 100 }), (values) => {
      const bytes = written((out) => writeIntegers(out, values))
      assert.deepEqual(readIntegers(new ByteReader(bytes), values.length), values)
    }),
    { numRuns: 1000 },
  )
})

test('any column of values comes back exactly, also when its kinds are mixed', () => {
  const one = fc.oneof(
    fc.double(),
    fc.integer().map((value) => value / 10),
    fc.boolean(),
    fc.string({ unit: 'binary', maxLength: 64 }),
    fc.constantFrom<Cell>(null, 'NaN', '', '-0', -0, NaN, Infinity, -Infinity, 1e300, Number.MIN_VALUE),
  )
  const column = fc.oneof(
    fc.array(one, { maxLength: 60 }),
    fc.array(fc.double(), { maxLength: 60 }),
    fc.array(fc.boolean(), { maxLength: 60 }),
    fc.array(
      fc.integer({ min: -99_999, max: 99_999 }).map((value) => value / 100),
      { maxLength: 60 },
    ),
  )
  fc.assert(
    fc.property(column, (values) => {
      const back = roundTrip(values)
      assert.equal(back.length, values.length)
      values.forEach((value, i) => assert.ok(Object.is(value, back[i]), `${String(value)} at ${i}`))
    }),
    { numRuns: 2000 },
  )
})

test('regular times, standing values and a creeping temperature take less than a byte each', () => {
  const rows = 960
  const times = Array.from({ length: rows }, (_, i) => 1_772_409_600_000 + i * 30_000)
  const creeping = Array.from({ length: rows }, (_, i) => 24 + Math.round(Math.sin(i / 90) * 30) / 10)
  for (const values of [times, creeping, times.map(() => 230.1), times.map((_, i) => i > 500)]) {
    assert.deepEqual(roundTrip(values), values)
    assert.ok(sizeOf(values) < rows / 2, `${sizeOf(values)} bytes for ${rows}`)
  }
})

test('bytes that are cut off or no column at all are an error and no endless reading', () => {
  const bytes = written((out) => writeValues(out, [1.5, 2.25, 'a', true]))
  for (let end = 0; end < bytes.length; end++)
    assert.throws(() => readValues(new ByteReader(bytes.subarray(0, end)), 4))
  assert.throws(() => readValues(new ByteReader(Uint8Array.of(9, 0, 0)), 1), /kind 9/)
})
