import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Register } from '../../gateway/profile-file.ts'
import type { CompiledPoint } from '../../gateway/profile.ts'
import { encodeRegistersReply } from '../../wire/modbus.ts'
import { decodeRegisters, partOf, readParts } from './modbus.ts'

const point = (key: string, register: Register): CompiledPoint => ({
  key,
  name: key,
  path: [key],
  register,
  item: undefined,
  quantity: 'power',
  part: '',
  range: undefined,
  lastsMs: undefined,
  convert: (raw) => ({ value: raw, atLimit: false }),
})
const at = (register: number, more: Partial<Register> = {}): CompiledPoint =>
  point(`r${register}`, { register, type: 'u16', ...more })
const requests = (points: readonly CompiledPoint[], batch = 125) =>
  readParts({ points, batch }).map(({ request }) => [request.function, request.address, request.count])

test('neighbours and small holes are read in one request, far ones in another', () => {
  assert.deepEqual(requests([at(5), at(0), at(1), at(60)]), [
    [3, 0, 6],
    [3, 60, 1],
  ])
})

test('a request is never larger than the batch, and a 32-bit value is never cut', () => {
  assert.deepEqual(requests([at(0), at(1), at(2, { type: 'u32' }), at(4)], 3), [
    [3, 0, 2],
    [3, 2, 3],
  ])
})

test('each function has its own requests', () => {
  assert.deepEqual(requests([at(0), at(1, { function: 4 })]), [
    [3, 0, 1],
    [4, 1, 1],
  ])
})

test('points without a register ask for nothing', () => {
  assert.deepEqual(requests([{ ...at(0), register: undefined }]), [])
})

test('every point is in exactly one request, whatever the map looks like', () => {
  const register = fc.record({
    register: fc.nat(300),
    type: fc.constantFrom('u16' as const, 'u32' as const),
    function: fc.constantFrom(3 as const, 4 as const),
  })
  fc.assert(
    fc.property(
      fc.array(register, { maxLength: 40 }),
      fc.integer({ min: 2, max: 125 }),
      (registers, batch) => {
        const points = registers.map((one, index) => point(`p${index}`, one))
        const parts = readParts({ points, batch })
        for (const { request } of parts) assert.ok(request.count <= batch)
        const covered = new Set(parts.flatMap((part) => part.points.map(({ key }) => key)))
        assert.equal(covered.size, points.length)
      },
    ),
  )
})

test('every type and word order is read', () => {
  const points = [
    point('u16', { register: 0, type: 'u16' }),
    point('i16', { register: 1, type: 'i16' }),
    point('u32', { register: 2, type: 'u32' }),
    point('u32low', { register: 2, type: 'u32', byteOrder: 'CDAB' }),
    point('i32', { register: 4, type: 'i32' }),
    point('f32', { register: 6, type: 'f32' }),
    point('bit0', { register: 0, type: 'u16', bit: 0 }),
    point('bit15', { register: 0, type: 'u16', bit: 15 }),
  ]
  const reply = encodeRegistersReply(3, [0x8000, 0xfffe, 0x0001, 0x0002, 0xffff, 0xfff0, 0x3fc0, 0x0000])
  const fields: Record<string, unknown> = {}
  decodeRegisters(partOf(points, { function: 3, address: 0, count: 8 }), reply.subarray(2), fields)
  assert.deepEqual(fields, {
    u16: 0x8000,
    i16: -2,
    u32: 65_538,
    u32low: 131_073,
    i32: -16,
    f32: 1.5,
    bit0: false,
    bit15: true,
  })
})

test('the four byte orders are read', () => {
  // 123456.78 as vendors print it: 47 F1 20 64; −2 as a word: FF FE.
  const wires = { ABCD: '47F12064', DCBA: '6420F147', BADC: 'F1476420', CDAB: '206447F1' } as const
  for (const [byteOrder, hex] of Object.entries(wires) as ['ABCD' | 'DCBA' | 'BADC' | 'CDAB', string][]) {
    const points = [
      point('f32', { register: 0, type: 'f32', byteOrder }),
      point('u32', { register: 0, type: 'u32', byteOrder }),
      point('i16', { register: 2, type: 'i16', byteOrder }),
    ]
    const word = byteOrder === 'ABCD' || byteOrder === 'CDAB' ? 'FFFE' : 'FEFF'
    const fields: Record<string, unknown> = {}
    const part = partOf(points, { function: 3, address: 0, count: 3 })
    decodeRegisters(part, Buffer.from(hex + word, 'hex'), fields)
    assert.deepEqual(fields, { f32: 123_456.8, u32: 0x47f12064, i16: -2 }, byteOrder)
  }
})

test('coils and inputs are read bit by bit, in requests of their own', () => {
  const points = [0, 1, 7, 8].map((register) => point(`i${register}`, { register, function: 2, type: 'bit' }))
  assert.deepEqual(requests([...points, at(0)]), [
    [2, 0, 9],
    [3, 0, 1],
  ])
  assert.deepEqual(requests(points, 1), [[2, 0, 9]], 'sixteen of them take the room of a register')
  const fields: Record<string, unknown> = {}
  decodeRegisters(
    partOf(points, { function: 2, address: 0, count: 9 }),
    Uint8Array.of(0b1000_0010, 1),
    fields,
  )
  assert.deepEqual(fields, { i0: false, i1: true, i7: true, i8: true })
})
