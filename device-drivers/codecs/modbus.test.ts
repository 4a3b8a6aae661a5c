import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CompiledPoint, Register } from '../../gateway/profile.ts'
import { encodeRegistersReply } from '../../wire/modbus.ts'
import { decodeRegisters, partOf, readParts } from './modbus.ts'

const point = (key: string, register: Register): CompiledPoint => ({
  key,
  path: [key],
  register,
  quantity: 'power',
  part: '',
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
    point('u32low', { register: 2, type: 'u32', wordOrder: 'low-first' }),
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
