import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nalType, nalUnits, packetize } from './rtp-h264.ts'
import { describeVideo } from './sdp.ts'

const stream = { payloadType: 96, ssrc: 0xdeadbeef, sequence: 65_534, timestamp: 90_000 }

/** What a receiver does (RFC 6184 §5.8), written apart from the sender. */
function reassemble(packets: readonly Uint8Array[]): Uint8Array[] {
  const units: Uint8Array[] = []
  let open: number[] | undefined
  for (const packet of packets) {
    const payload = packet.subarray(12)
    const [first = 0, second = 0] = payload
    if ((first & 0x1f) !== 28) {
      units.push(Uint8Array.from(payload))
      continue
    }
    if (second & 0x80) open = [(first & 0xe0) | (second & 0x1f)]
    assert.ok(open, 'a fragment without a start')
    open.push(...payload.subarray(2))
    if (second & 0x40) {
      units.push(Uint8Array.from(open))
      open = undefined
    }
  }
  assert.equal(open, undefined)
  return units
}

test('property: NAL units of any size come back whole, in order, in packets under the bound', () => {
  const nal = fc
    .tuple(fc.constantFrom(0x67, 0x68, 0x65, 0x41), fc.uint8Array({ minLength: 1, maxLength: 700 }))
    .map(([head, rest]) => Uint8Array.of(head, ...rest))
  fc.assert(
    fc.property(
      fc.array(nal, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 3, max: 200 }),
      (nals, bound) => {
        const packets = packetize(nals, stream, bound)
        assert.deepEqual(reassemble(packets), nals)
        packets.forEach((packet, index) => {
          const view = Buffer.from(packet)
          assert.ok(packet.length <= 12 + bound)
          assert.equal(view.readUInt16BE(2), (stream.sequence + index) & 0xffff)
          assert.equal(view.readUInt32BE(4), stream.timestamp)
          assert.equal(view.readUInt32BE(8), stream.ssrc)
          assert.equal(view.readUInt8(1) >> 7, index === packets.length - 1 ? 1 : 0)
        })
      },
    ),
  )
})

test('an Annex B stream is cut at both kinds of start code, without the zeros before them', () => {
  const found = nalUnits(
    Uint8Array.of(0, 0, 0, 1, 0x67, 1, 0, 0, 3, 0, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 9, 0),
  )
  assert.deepEqual(
    found.map((nal) => [...nal]),
    [
      [0x67, 1, 0, 0, 3],
      [0x68, 2],
      [0x65, 9],
    ],
  )
  assert.deepEqual(found.map(nalType), [7, 8, 5])
  assert.deepEqual(nalUnits(Uint8Array.of(1, 2, 3)), [])
})

test('the description names the profile of the parameter sets', () => {
  const text = describeVideo({
    address: '127.0.0.1',
    title: 'camera',
    payloadType: 96,
    sps: Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 1),
    pps: Uint8Array.of(0x68, 2),
    control: 'trackID=1',
  })
  assert.match(text, /profile-level-id=42c01e;sprop-parameter-sets=Z0LAHgE=,aAI=\r\n/)
  assert.match(text, /m=video 0 RTP\/AVP 96\r\na=rtpmap:96 H264\/90000\r\n/)
})
