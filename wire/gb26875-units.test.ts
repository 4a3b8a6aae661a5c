import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { gbInstant, toGbTime } from './gb26875-time.ts'
import { decodeGbUnit, encodeGbUnit, gbUnits, type GbUnit } from './gb26875-units.ts'

const time = { second: 2, minute: 58, hour: 9, day: 26, month: 9, year: 12 }
const component = { zone: 2, point: 1 }
const detector = { systemType: 1, system: 1, componentType: 42, component }
const panel = { systemType: 1, system: 1 }

/** One of each type, and how long one object is. */
const one: readonly (readonly [GbUnit, number])[] = [
  [{ type: 1, objects: [{ ...panel, state: 3, time }] }, 10],
  [{ type: 2, objects: [{ ...detector, state: 3, description: '车棚1号烟感', time }] }, 46],
  [{ type: 3, objects: [{ ...detector, analog: 3, value: -655, time }] }, 16],
  [{ type: 4, objects: [{ ...panel, operation: 1, operator: 9, time }] }, 10],
  [{ type: 5, objects: [{ ...panel, major: 1, minor: 2 }] }, 4],
  [{ type: 6, objects: [{ ...panel, text: '1#楼' }] }, 7],
  [{ type: 7, objects: [{ ...detector, description: '走廊' }] }, 38],
  [{ type: 8, objects: [{ ...panel, time }] }, 8],
  [{ type: 21, objects: [{ state: 8, time }] }, 7],
  [{ type: 24, objects: [{ operation: 32, operator: 1, time }] }, 8],
  [{ type: 25, objects: [{ major: 1, minor: 1 }] }, 2],
  [{ type: 26, objects: [{ text: 'A' }] }, 2],
  [{ type: 28, objects: [{ time }] }, 6],
  [{ type: 61, objects: [panel] }, 2],
  [{ type: 62, objects: [{ ...panel, component }] }, 6],
  [{ type: 63, objects: [{ ...panel, component }] }, 6],
  [{ type: 64, objects: [{ ...panel, count: 5, from: time }] }, 9],
  [{ type: 65, objects: [panel] }, 2],
  [{ type: 66, objects: [panel] }, 2],
  [{ type: 67, objects: [{ ...panel, component }] }, 6],
  [{ type: 68, objects: [panel] }, 2],
  [{ type: 81, objects: [{ reserved: 0 }] }, 1],
  [{ type: 84, objects: [{ count: 5, from: time }] }, 7],
  [{ type: 85, objects: [{ reserved: 0 }] }, 1],
  [{ type: 86, objects: [{ reserved: 0 }] }, 1],
  [{ type: 88, objects: [{ reserved: 0 }] }, 1],
  [{ type: 89, objects: [{ reserved: 0 }] }, 1],
  [{ type: 90, objects: [{ time }] }, 6],
  [{ type: 91, objects: [{ answerWithinMinutes: 10 }] }, 1],
]

test('every type goes there and back, at the length of the standard', () => {
  assert.deepEqual(
    one.map(([{ type }]) => type),
    Object.keys(gbUnits).map(Number),
  )
  for (const [unit, size] of one) {
    const data = encodeGbUnit(unit)
    assert.equal(data.length, 2 + size, `type ${unit.type}`)
    assert.deepEqual(decodeGbUnit(data), { is: 'unit', unit })
  }
})

test('objects of different lengths in one unit are cut where each of them ends', () => {
  const unit: GbUnit = {
    type: 6,
    objects: [
      { ...panel, text: '一号楼东侧' },
      { ...panel, text: '' },
      { ...panel, text: 'B' },
    ],
  }
  assert.deepEqual(decodeGbUnit(encodeGbUnit(unit)), { is: 'unit', unit })
})

test('no data are a sign of life; no object is a unit of none', () => {
  assert.deepEqual(decodeGbUnit(new Uint8Array()), { is: 'empty' })
  assert.deepEqual(decodeGbUnit(Uint8Array.of(2, 0)), { is: 'unit', unit: { type: 2, objects: [] } })
})

test('a count that does not fit the length is wrong', () => {
  for (const [unit] of one) {
    const data = encodeGbUnit(unit)
    const more = Buffer.concat([data, Uint8Array.of(0)])
    const less = data.subarray(0, -1)
    const twice = Buffer.from(data)
    twice[1] = 2
    for (const bytes of [more, less, twice])
      assert.equal(decodeGbUnit(bytes).is, 'wrong', `type ${unit.type}`)
  }
  assert.equal(decodeGbUnit(Uint8Array.of(2)).is, 'wrong')
  assert.equal(decodeGbUnit(Uint8Array.of(2, 0, 1)).is, 'wrong')
})

test('reserved types and those of a maker are unknown, not wrong', () => {
  for (const type of [0, 9, 27, 60, 92, 128, 254, 255])
    assert.deepEqual(decodeGbUnit(Uint8Array.of(type, 1, 0)), { is: 'unknown', type })
})

test('a description is cut between two characters and padded; both pads are taken off', () => {
  const long = { ...detector, description: '一二三四五六七八九十一二三四五六' }
  const data = encodeGbUnit({ type: 7, objects: [long] })
  assert.equal(data.length, 40)
  const decoded = decodeGbUnit(data)
  assert.ok(decoded.is === 'unit' && decoded.unit.type === 7)
  assert.equal(decoded.unit.objects[0]?.description, '一二三四五六七八九十一二三四五')
  const padded = encodeGbUnit({ type: 7, objects: [{ ...detector, description: 'AB' }] })
  padded.fill(0x20, 12, 20)
  const stripped = decodeGbUnit(padded)
  assert.ok(stripped.is === 'unit' && stripped.unit.type === 7)
  assert.equal(stripped.unit.objects[0]?.description, 'AB')
})

test('whatever the data hold, they are judged and nothing is thrown', () => {
  const types = fc.constantFrom(...Object.keys(gbUnits).map(Number), 0, 200)
  fc.assert(
    fc.property(types, fc.nat(255), fc.uint8Array({ maxLength: 1022, size: 'max' }), (type, count, rest) => {
      const decoded = decodeGbUnit(Uint8Array.from([type, count, ...rest]))
      if (decoded.is === 'unit') assert.equal(decoded.unit.objects.length, count)
    }),
  )
})

test('a time tag is Beijing time, second first', () => {
  const at = instant(Date.parse('2012-09-26T09:58:02+08:00'))
  assert.equal(gbInstant(time), at)
  assert.deepEqual(toGbTime(at), time)
})

test('a time that does not exist is none', () => {
  for (const wrong of [
    { ...time, day: 0 },
    { ...time, month: 13 },
    { ...time, month: 2, day: 30 },
    { ...time, second: 60 },
    { ...time, hour: 24 },
    { ...time, year: 100 },
    { second: 0, minute: 0, hour: 0, day: 0, month: 0, year: 0 },
  ])
    assert.equal(gbInstant(wrong), undefined)
})
