import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  MbapParser,
  crc16,
  decodeReply,
  decodeRequest,
  decodeRtu,
  encodeBitsReply,
  encodeException,
  encodeMbap,
  encodeReadRequest,
  encodeRegistersReply,
  encodeRtu,
  encodeRequest,
  encodeWriteManyReply,
  encodeWriteRequest,
  exceptionName,
  type MbapFrame,
  type ModbusRequest,
} from './modbus.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

test('the CRC is that of two vendors’ manuals', () => {
  assert.equal(crc16(bytes('01 03 00 08 00 02')), 0xc945)
  assert.equal(crc16(bytes('01 04 00 00 00 02')), 0xcb71)
})

test('read requests are those of the worked frames', () => {
  const vectors = [
    ['0B 03 01 00 00 08 45 5A', 11, 3, 0x100, 8],
    ['05 03 00 00 00 0C 44 4B', 5, 3, 0, 12],
    ['01 04 00 00 00 0E 71 CE', 1, 4, 0, 14],
    ['07 03 00 00 00 05 85 AF', 7, 3, 0, 5],
  ] as const
  for (const [hex, unit, fn, address, count] of vectors) {
    const request = { function: fn, address, count }
    assert.deepEqual(encodeRtu(unit, encodeReadRequest(request)), bytes(hex))
    const decoded = decodeRtu(bytes(hex))
    assert.equal(decoded?.unit, unit)
    assert.deepEqual(decodeRequest(decoded.pdu), { is: 'read', request })
  }
})

test('a write is that of the worked frame', () => {
  assert.deepEqual(
    encodeRtu(1, encodeWriteRequest({ function: 6, address: 13, value: 0 })),
    bytes('01 06 00 0D 00 00 18 09'),
  )
  const request = { function: 6, address: 13, value: 0 } as const
  assert.deepEqual(decodeRequest(encodeWriteRequest(request)), { is: 'write', request })
})

test('a reply gives the registers that were asked for', () => {
  const reply = decodeRtu(bytes('0B 03 10 0001 0898 01C7 03E8 0030 0E10 0026 0000 3D CB'))
  assert.ok(reply)
  const decoded = decodeReply(reply.pdu, { function: 3, address: 0x100, count: 8 })
  assert.ok(decoded.is === 'data')
  assert.equal(Buffer.from(decoded.data).readUInt16BE(2), 2200)
  const words = [1, 2200, 455, 1000, 48, 3600, 38, 0]
  assert.deepEqual(encodeRegistersReply(3, words), Buffer.from(reply.pdu))
})

test('an exception is told by its name', () => {
  const reply = decodeRtu(bytes('07 83 02 20 F0'))
  assert.ok(reply)
  const decoded = decodeReply(reply.pdu, { function: 3, address: 0, count: 5 })
  assert.deepEqual(decoded, { is: 'exception', code: 2 })
  assert.equal(exceptionName(2), 'illegal data address')
  assert.equal(exceptionName(99), 'exception 99')
  assert.deepEqual(encodeException(3, 2), Buffer.from(reply.pdu))
})

test('a reply of another function or length is wrong, never wrong values', () => {
  const asked = { function: 3, address: 0, count: 2 } as const
  const wrong = [
    '03 02 00 01',
    '04 04 00 01 00 02',
    '03 04 00 01 00',
    '03 04 00 01 00 02 00',
    '83',
    '84 02',
    '03',
    '',
  ]
  for (const hex of wrong) assert.equal(decodeReply(bytes(hex), asked).is, 'wrong', hex)
})

test('bits are packed lowest first', () => {
  const reply = encodeBitsReply(2, [true, false, true, false, false, false, false, false, true])
  assert.deepEqual([...reply], [2, 2, 0b101, 1])
  assert.equal(decodeReply(reply, { function: 2, address: 0, count: 9 }).is, 'data')
})

test('a server is told which exception a bad request deserves', () => {
  const bad: [string, number, number][] = [
    ['2B 0E 01 00', 0x2b, 1],
    ['03 00 00 00 00', 3, 3],
    ['03 00 00 00 7E', 3, 3],
    ['03 00 00 00', 3, 3],
    ['05 00 00 12 34', 5, 3],
    ['', 0, 1],
  ]
  for (const [hex, fn, exception] of bad)
    assert.deepEqual(decodeRequest(bytes(hex)), { is: 'wrong', function: fn, exception })
})

/** Relay boards: frames with their sums, as their makers print them. */
const relayBoards: readonly (readonly [string, ModbusRequest])[] = [
  ['01 05 00 00 FF 00 8C 3A', { function: 5, address: 0, value: 0xff00 }],
  ['01 05 00 00 00 00 CD CA', { function: 5, address: 0, value: 0 }],
  // Time × 100 ms in place of on and off: 700 ms, 3 s.
  ['01 05 02 00 00 07 8D B0', { function: 5, address: 0x0200, value: 7 }],
  ['01 05 02 00 00 1E 4C 7A', { function: 5, address: 0x0200, value: 30 }],
  // A light tower that flashes twice a second.
  ['01 05 00 00 F0 00 89 CA', { function: 5, address: 0, value: 0xf000 }],
  // Mode and time in two registers: 1 s, 3 s.
  ['FE 10 00 03 00 02 04 00 04 00 0A 41 6B', { function: 16, address: 3, words: [4, 10] }],
  ['01 10 00 03 00 02 04 00 04 00 1E 72 73', { function: 16, address: 3, words: [4, 30] }],
  ['01 06 00 00 00 03 C9 CB', { function: 6, address: 0, value: 3 }],
]

test('the frames of relay boards, lamps and voice modules come out byte for byte', () => {
  for (const [hex, request] of relayBoards) {
    const unit = bytes(hex)[0] ?? 0
    assert.deepEqual(encodeRtu(unit, encodeRequest(request)), bytes(hex))
    const decoded = decodeRequest(encodeRequest(request), 'any')
    assert.ok(decoded.is === 'write' || decoded.is === 'write-many')
    assert.deepEqual(decoded.request, request)
  }
})

test('a write is answered by what was written, and by nothing else', () => {
  const one = { function: 5, address: 0x0200, value: 7 } as const
  assert.equal(decodeReply(encodeWriteRequest(one), one).is, 'data')
  assert.equal(decodeReply(encodeWriteRequest({ ...one, value: 0xff00 }), one).is, 'wrong')
  assert.equal(decodeReply(encodeWriteRequest({ ...one, address: 0 }), one).is, 'wrong')
  assert.deepEqual(decodeReply(encodeException(5, 2), one), { is: 'exception', code: 2 })
  const many = { function: 16, address: 3, words: [4, 10] } as const
  assert.deepEqual(encodeWriteManyReply(many), bytes('10 00 03 00 02'))
  assert.equal(decodeReply(encodeWriteManyReply(many), many).is, 'data')
  assert.equal(decodeReply(bytes('10 00 03 00 01'), many).is, 'wrong')
  assert.equal(decodeReply(encodeRequest(many), many).is, 'wrong')
})

test('writes of several survive the way to a server, whatever they hold', () => {
  const bits = fc.record({
    function: fc.constant(15 as const),
    address: fc.nat(60_000),
    bits: fc.array(fc.boolean(), { minLength: 1, maxLength: 300 }),
  })
  const words = fc.record({
    function: fc.constant(16 as const),
    address: fc.nat(60_000),
    words: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 123 }),
  })
  fc.assert(
    fc.property(fc.oneof(bits, words), (made) => {
      const request = { ...made }
      assert.deepEqual(decodeRequest(encodeRequest(request)), { is: 'write-many', request })
    }),
  )
  assert.throws(() => encodeRequest({ function: 16, address: 0, words: [] }), RangeError)
  assert.throws(() => encodeRequest({ function: 16, address: 65_535, words: [1, 2] }), RangeError)
  assert.deepEqual(decodeRequest(bytes('10 00 03 00 02 04 00 04 00')), {
    is: 'wrong',
    function: 16,
    exception: 3,
  })
})

test('requests that no reply can carry are refused before they are sent', () => {
  assert.throws(() => encodeReadRequest({ function: 3, address: 0, count: 126 }), RangeError)
  assert.throws(() => encodeReadRequest({ function: 3, address: 65_535, count: 2 }), RangeError)
})

const frames = fc.array(
  fc.record({
    transaction: fc.nat(0xffff),
    unit: fc.nat(0xff),
    pdu: fc.uint8Array({ minLength: 1, maxLength: 253 }),
  }),
  { maxLength: 8 },
)

test('frames come out whole however the stream is cut, and little is held back', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 500 }), (sent, step) => {
      const stream = Buffer.concat(sent.map(encodeMbap))
      const parser = new MbapParser()
      const got: MbapFrame[] = []
      for (let at = 0; at < stream.length; at += step) {
        got.push(...parser.push(stream.subarray(at, at + step)))
        assert.ok(parser.waiting < 260)
      }
      assert.deepEqual(got.map(encodeMbap), sent.map(encodeMbap))
      assert.equal(parser.waiting, 0)
    }),
  )
})

test('a length beyond a frame, or another protocol, breaks the stream and is not waited for', () => {
  for (const hex of ['0001 0000 FFFF 01', '0001 0000 00FF 01', '0001 0000 0001 01', '0001 0001 0006 01']) {
    const parser = new MbapParser()
    assert.deepEqual(parser.push(bytes(hex)), [])
    assert.match(parser.broken ?? '', /wanted protocol 0/)
    assert.equal(parser.waiting, 0)
  }
})

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
      new MbapParser().push(noise)
      decodeRequest(noise)
      decodeReply(noise, { function: 3, address: 0, count: 4 })
      decodeRtu(noise)
    }),
  )
})
