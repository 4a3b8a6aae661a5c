import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { Sieve, type Swallowed } from './sieve.ts'

const LIMIT = 300
const connack = mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false })
const publish = (size: number, qos: 0 | 1, messageId: number, topic = 'shed/7'): Buffer =>
  mqttPacket.generate({
    ...{ cmd: 'publish', topic, payload: Buffer.alloc(size, 0x30), qos, messageId },
    ...{ dup: false, retain: false },
  })

function sieved(stream: Buffer, step: number): { readonly passed: Buffer; readonly out: Swallowed[] } {
  const out: Swallowed[] = []
  const sieve = new Sieve(LIMIT, (packet) => out.push(packet))
  const passed: Buffer[] = []
  for (let at = 0; at < stream.length; at += step) passed.push(...sieve.push(stream.subarray(at, at + step)))
  return { passed: Buffer.concat(passed), out }
}

test('large messages are taken out and the others pass untouched, however the stream is cut', () => {
  const message = fc.record({
    size: fc.nat(900),
    qos: fc.constantFrom(0, 1),
    id: fc.integer({ min: 1, max: 65_535 }),
  })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.integer({ min: 1, max: 1500 }), (messages, step) => {
      const packets = messages.map(({ size, qos, id }) => ({ bytes: publish(size, qos, id), qos, id }))
      const isLarge = ({ bytes }: { bytes: Buffer }): boolean => bytes.length > LIMIT + 3
      const { passed, out } = sieved(Buffer.concat([connack, ...packets.map(({ bytes }) => bytes)]), step)
      const small = packets.filter((packet) => !isLarge(packet)).map(({ bytes }) => bytes)
      assert.deepEqual(passed, Buffer.concat([connack, ...small]))
      assert.deepEqual(
        out,
        packets.filter(isLarge).map(({ bytes, qos, id }) => ({
          topic: 'shed/7',
          bytes: bytes.length - 3,
          packetId: qos === 0 ? undefined : id,
        })),
      )
    }),
  )
})

test('a topic as long as they may be is read to its packet id', () => {
  const topic = 't'.repeat(65_535)
  const { out } = sieved(Buffer.concat([connack, publish(10, 1, 7, topic)]), 4096)
  assert.equal(out[0]?.topic, topic)
  assert.equal(out[0].packetId, 7)
})

test('what is no MQTT, and what is large and no message, is an error', () => {
  for (const stream of [
    Buffer.from('HTTP/1.1 400'),
    Buffer.concat([connack, Buffer.from([0x90, 0xff, 0xff, 0x03])]),
    Buffer.concat([connack, Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])]),
  ])
    assert.throws(() => sieved(stream, 5), { code: 'frame-invalid' })
})
