import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isGanglionError } from '../../base/errors.ts'
import chirpstack from './chirpstack.ts'
import json from './json.ts'
import tasmota from './tasmota.ts'
import zigbee2mqtt from './zigbee2mqtt.ts'

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

test('a key named __proto__ is a key like any other', () => {
  const decoded = json.decode(['up'], Buffer.from('{"__proto__":{"id":"x","blocked":true},"constructor":1}'))
  assert.ok(decoded.is === 'message')
  assert.equal(decoded.messageId, undefined)
  assert.equal(Object.hasOwn(decoded.fields, 'blocked'), false)
  assert.equal(({} as Record<string, unknown>)['blocked'], undefined)
})

test('an id is a text or a whole number; a time is RFC 3339 with its zone or milliseconds', () => {
  const of = (value: object) => {
    const decoded = json.decode(['up'], bytes(value))
    assert.ok(decoded.is === 'message')
    return decoded
  }
  assert.equal(of({ id: 12 }).messageId, '12')
  assert.equal(of({ id: 'x'.repeat(64) }).messageId?.length, 64)
  for (const id of ['', 'x'.repeat(65), {}, 1.5, null, true]) assert.match(of({ id }).complaint ?? '', /^id:/)
  const at = Date.parse('2026-03-02T00:00:00Z')
  for (const time of [at, '2026-03-02T08:00:00+08:00', '2026-03-02T00:00:00Z', '2026-03-02t00:00:00.000z'])
    assert.equal(of({ time }).time, at)
  for (const time of ['2026-03-02T08:00:00', '2026-03-02', -1, 1e20, 'now', [], '2026-13-40T99:00:00Z'])
    assert.match(of({ time }).complaint ?? '', /^time:/)
})

test('only what is sent up is a message', () => {
  assert.deepEqual(json.decode(['down'], bytes({})), { is: 'ignored' })
  const decoded = json.decode(['hall', 'beam', 'up'], bytes({}))
  assert.ok(decoded.is === 'message')
  assert.equal(decoded.address, 'hall/beam')
})

test('Zigbee2MQTT: names with slashes, availability in both forms, and what is no reading', () => {
  assert.deepEqual(zigbee2mqtt.decode(['hall', 'east'], bytes({ smoke: true })), {
    is: 'message',
    address: 'hall/east',
    fields: { smoke: true },
  })
  for (const payload of [bytes({ state: 'online' }), Buffer.from('online')])
    assert.deepEqual(zigbee2mqtt.decode(['hall', 'east', 'availability'], payload), {
      is: 'availability',
      address: 'hall/east',
      online: true,
    })
  for (const topic of [
    ['bridge', 'info'],
    ['bridge', 'response', 'permit_join'],
    ['east', 'set'],
    ['east', 'get'],
  ])
    assert.deepEqual(zigbee2mqtt.decode(topic, Buffer.from('not JSON')), { is: 'ignored' })
})

test('Zigbee2MQTT: last_seen is the time where it has a zone', () => {
  const timeOf = (seen: unknown) => {
    const decoded = zigbee2mqtt.decode(['east'], bytes({ last_seen: seen }))
    return decoded.is === 'message' ? decoded.time : undefined
  }
  const at = Date.parse('2026-03-02T00:00:00Z')
  assert.equal(timeOf(at), at)
  assert.equal(timeOf('2026-03-02T08:00:00+08:00'), at)
  assert.equal(timeOf('2026-03-02 08:00:00'), undefined)
})

test('any bytes are decoded or refused, and nothing else happens', () => {
  const levels = fc.array(
    fc.constantFrom(
      'up',
      'bridge',
      'devices',
      'availability',
      'tele',
      'SENSOR',
      'STATUS8',
      'event',
      'log',
      '',
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json({ maxDepth: 20 }).map((text) => Uint8Array.from(Buffer.from(text))),
  )
  for (const codec of [json, zigbee2mqtt, tasmota, chirpstack])
    fc.assert(
      fc.property(levels, payload, (topic, bytes) => {
        try {
          codec.decode(topic, bytes)
        } catch (error) {
          assert.ok(isGanglionError(error, 'payload-invalid'))
        }
      }),
    )
})

test('eight levels are read, nine are not', () => {
  const nested = (levels: number): Buffer => Buffer.from(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)
  assert.equal(json.decode(['up'], nested(8)).is, 'message')
  assert.throws(() => json.decode(['up'], nested(9)), { code: 'payload-invalid' })
})

test('nesting that would exhaust a stack is refused', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const text = `{"a":${open.repeat(10_000)}1${close.repeat(10_000)}}`
    assert.throws(() => json.decode(['up'], Buffer.from(text)), { code: 'payload-invalid' })
  }
})
