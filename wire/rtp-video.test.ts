import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packetize } from './rtp-h264.ts'
import { decodeRtp, encodeRtp } from './rtp.ts'
import { AccessUnits, type AccessUnit } from './rtp-video.ts'

const track = { codec: 'H264', payloadType: 96, parameterSets: [] } as const
const stream = { payloadType: 96, ssrc: 7, sequence: 65_530, timestamp: 0xffff_f000 }
const START = [0, 0, 0, 1]
const bytes = (unit: AccessUnit | undefined): number[] => [...(unit?.annexB ?? [])]
const packet = (sequence: number, timestamp: number, payload: readonly number[], marker = true): Uint8Array =>
  encodeRtp({ payloadType: 96, ssrc: 7, sequence, timestamp, marker, payload: Uint8Array.from(payload) })

test('property: whatever a camera packetizes comes back picture by picture, over wraps of number and time', () => {
  const nal = fc.uint8Array({ minLength: 2, maxLength: 500 }).map((rest) => Uint8Array.of(0x65, ...rest))
  const picture = fc.array(nal, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(
      fc.array(picture, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 4, max: 100 }),
      (pictures, room) => {
        const units = new AccessUnits(track)
        let sequence = stream.sequence
        const found = pictures.flatMap((nals, index) => {
          const packets = packetize(
            nals,
            { ...stream, sequence, timestamp: stream.timestamp + index * 7500 },
            room,
          )
          sequence += packets.length
          return packets.flatMap((one) => units.push(one))
        })
        assert.deepEqual(
          found.map(bytes),
          pictures.map((nals) => nals.flatMap((one) => [...START, ...one])),
        )
        assert.deepEqual(
          found.map(({ timestamp }) => timestamp),
          pictures.map((_, index) => stream.timestamp + index * 7500),
        )
        assert.equal(units.skippedPackets, 0)
      },
    ),
  )
})

test('after a lost packet nothing is given until the next key picture', () => {
  const units = new AccessUnits(track)
  assert.equal(units.push(packet(1, 0, [0x65, 1])).length, 1)
  assert.equal(units.push(packet(2, 1, [0x41, 2])).length, 1)
  assert.equal(units.push(packet(4, 3, [0x41, 4])).length, 0)
  assert.equal(units.push(packet(5, 4, [0x41, 5])).length, 0)
  assert.equal(units.push(packet(6, 5, [0x65, 6])).length, 1)
})

test('a stream that begins between key pictures is waited for, and gets the sets of its description first', () => {
  const units = new AccessUnits({ ...track, parameterSets: [Uint8Array.of(0x67, 9), Uint8Array.of(0x68, 8)] })
  assert.deepEqual(units.push(packet(1, 0, [0x41, 1])), [])
  const [key] = units.push(packet(2, 1, [0x65, 2]))
  assert.deepEqual(bytes(key), [...START, 0x67, 9, ...START, 0x68, 8, ...START, 0x65, 2])
  const [next] = units.push(packet(3, 2, [0x65, 3]))
  assert.deepEqual(bytes(next), [...START, 0x65, 3])
})

test('several NAL units in one packet (STAP-A) come apart; a length beyond its end makes it rubbish', () => {
  const units = new AccessUnits(track)
  const [unit] = units.push(packet(1, 0, [24, 0, 2, 0x67, 1, 0, 2, 0x65, 2]))
  assert.deepEqual(bytes(unit), [...START, 0x67, 1, ...START, 0x65, 2])
  assert.deepEqual(units.push(packet(2, 1, [24, 0, 9, 0x65, 2])), [])
  assert.equal(units.skippedPackets, 1)
})

test('a picture whose end is not marked is given when the next one begins', () => {
  const units = new AccessUnits(track)
  assert.deepEqual(units.push(packet(1, 0, [0x65, 1], false)), [])
  assert.equal(units.push(packet(2, 1, [0x41, 2], false)).length, 1)
})

test('H.265 fragments and aggregates come back with their two-byte header (RFC 7798)', () => {
  const units = new AccessUnits({ codec: 'H265', payloadType: 96, parameterSets: [] })
  // Type 19 (IDR_W_RADL) in the header's bits 1–6: 0x26 0x01.
  assert.deepEqual(units.push(packet(1, 0, [49 << 1, 1, 0x80 | 19, 1, 2], false)), [])
  const [idr] = units.push(packet(2, 0, [49 << 1, 1, 0x40 | 19, 3, 4]))
  assert.deepEqual(bytes(idr), [...START, 19 << 1, 1, 1, 2, 3, 4])
  assert.equal(idr?.isKey, true)
  const [aggregate] = units.push(packet(3, 1, [48 << 1, 1, 0, 3, 2, 1, 5, 0, 3, 2, 1, 6]))
  assert.deepEqual(bytes(aggregate), [...START, 2, 1, 5, ...START, 2, 1, 6])
})

test('fragments without end do not grow the memory: a picture above 8 MiB is given up', () => {
  const units = new AccessUnits(track)
  const body = new Array<number>(60_000).fill(7)
  units.push(packet(0, 0, [0x7c, 0x85, ...body], false))
  for (let i = 1; i < 150; i++) units.push(packet(i, 0, [0x7c, 0x05, ...body], false))
  assert.ok(units.skippedPackets > 0)
  assert.deepEqual(units.push(packet(150, 0, [0x7c, 0x45, 1])), [])
})

test('pieces without bytes do not grow the memory either', () => {
  const units = new AccessUnits(track)
  const [begin, more] = [
    [0x7c, 0x85],
    [0x7c, 0x05],
  ]
  units.push(packet(0, 0, begin, false))
  const most = 200_000
  for (let sequence = 1; sequence < most; sequence++) units.push(packet(sequence & 0xffff, 0, more, false))
  assert.ok(units.skippedPackets > 0, 'the picture is given up')
})

test('property: random bytes never throw and are no pictures', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }),
      fc.boolean(),
      (packets, h265) => {
        const units = new AccessUnits({ ...track, codec: h265 ? 'H265' : 'H264' })
        for (const noise of packets) units.push(noise)
        // With a header that claims to be ours.
        packets.forEach((noise, index) => units.push(packet(index, index, [...noise])))
      },
    ),
  )
})

test('RTP extensions, sources and padding are left out of the payload; what claims too many is no packet', () => {
  const plain = encodeRtp({
    payloadType: 96,
    ssrc: 1,
    sequence: 2,
    timestamp: 3,
    marker: true,
    payload: Uint8Array.of(9),
  })
  const head = [...plain.subarray(0, 12)]
  const withFirst = (first: number, rest: readonly number[]): Uint8Array =>
    Uint8Array.from([first, ...head.slice(1), ...rest])
  assert.deepEqual([...(decodeRtp(withFirst(0x81, [0, 0, 0, 5, 42]))?.payload ?? [])], [42])
  assert.deepEqual([...(decodeRtp(withFirst(0x90, [0, 0, 0, 1, 1, 2, 3, 4, 42]))?.payload ?? [])], [42])
  assert.deepEqual([...(decodeRtp(withFirst(0xa0, [42, 0, 2]))?.payload ?? [])], [42])
  assert.equal(decodeRtp(withFirst(0x90, [0, 0, 0, 9, 1])), undefined)
  assert.equal(decodeRtp(withFirst(0xa0, [200])), undefined)
  assert.equal(decodeRtp(withFirst(0x40, [1])), undefined)
  assert.equal(decodeRtp(Uint8Array.of(0x80, 96)), undefined)
})
