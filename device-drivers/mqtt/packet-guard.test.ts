import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { PacketGuard } from './packet-guard.ts'

const limits = { connectBytes: 200, packetBytes: () => 1000 }
const connect = mqttPacket.generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clientId: 'c',
  clean: true,
  keepalive: 0,
})
const publish = (size: number): Buffer =>
  mqttPacket.generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(size),
    qos: 0,
    dup: false,
    retain: false,
  })

/** Byte counts at which the guard spoke; undefined when it never did. */
function firstWrong(stream: Buffer, step: number): number | undefined {
  const guard = new PacketGuard(limits)
  for (let at = 0; at < stream.length; at += step)
    if (guard.check(stream.subarray(at, at + step)) !== undefined) return at
  return undefined
}

test('packets within the bound pass, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(997), { maxLength: 10 }),
      fc.integer({ min: 1, max: 3000 }),
      (sizes, step) => {
        assert.equal(firstWrong(Buffer.concat([connect, ...sizes.map(publish)]), step), undefined)
      },
    ),
  )
})

test('one byte beyond the bound is stopped at the header, before any of its body', () => {
  const stream = Buffer.concat([connect, publish(997), publish(998)])
  const headerEnd = connect.length + publish(997).length + 3
  const guard = new PacketGuard(limits)
  assert.equal(guard.check(stream.subarray(0, headerEnd - 1)), undefined)
  assert.match(guard.check(stream.subarray(headerEnd - 1, headerEnd)) ?? '', /1001 were announced/)
})

test('the first packet is CONNECT and small: who sends it is unknown', () => {
  assert.match(new PacketGuard(limits).check(publish(1)) ?? '', /CONNECT/)
  assert.match(new PacketGuard(limits).check(Buffer.from([0x10, 0xc9, 0x01])) ?? '', /200 bytes at most/)
})

test('a length without end is stopped', () => {
  const guard = new PacketGuard(limits)
  assert.match(guard.check(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff])) ?? '', /four bytes/)
})
