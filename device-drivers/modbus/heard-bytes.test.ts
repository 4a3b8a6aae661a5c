import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeException, encodeReadRequest, encodeRegistersReply, encodeRtu } from '../../wire/modbus.ts'
import { judgeHeard, type HeardBytes } from './heard-bytes.ts'

const request = { function: 3, address: 0, count: 2 } as const
const frame = encodeRtu(5, encodeReadRequest(request))
const reply = encodeRtu(5, encodeRegistersReply(3, [230, 7]))
const refusal = encodeRtu(5, encodeException(3, 2))

const judge = (...parts: readonly Uint8Array[]): HeardBytes =>
  judgeHeard(Buffer.concat(parts), { unit: 5, request, frame })

test('one reply is a reply, also behind an echo or a glitch of the adapter', () => {
  for (const parts of [[reply], [frame, reply], [Uint8Array.of(0), reply], [reply, Uint8Array.of(0xff)]])
    assert.equal(judge(...parts).is, 'data')
  assert.equal(judge(refusal).is, 'exception')
  assert.equal(judge().is, 'nothing')
  assert.equal(judge(frame).is, 'nothing')
  assert.equal(judge(Uint8Array.of(0)).is, 'nothing')
})

test('two replies are several, also when the second is broken or a refusal', () => {
  assert.equal(judge(reply, reply).is, 'several')
  assert.equal(judge(reply, refusal).is, 'several')
  assert.equal(
    judge(
      reply,
      reply.map((byte) => byte & 0x5a),
    ).is,
    'several',
  )
})

test('bytes without a sum that holds are garbage, and so is the frame of another unit', () => {
  assert.equal(judge(reply.map((byte, at) => (at > 2 ? byte ^ 1 : byte))).is, 'garbage')
  assert.equal(judge(encodeRtu(6, encodeRegistersReply(3, [230, 7]))).is, 'garbage')
})

test('whatever comes is judged, and data is as long as what was asked for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const heard = judge(bytes)
      if (heard.is === 'data') assert.equal(heard.data.length, 4)
    }),
  )
})
