import assert from 'node:assert/strict'
import { test } from 'node:test'
import zigbee2mqtt from './zigbee2mqtt.ts'

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const devices = [
  { ieee_address: '0x00124b0014d9ab00', type: 'Coordinator', friendly_name: 'Coordinator', definition: null },
  {
    ieee_address: '0x00158d0001dc126a',
    type: 'EndDevice',
    friendly_name: 'hall/east smoke',
    power_source: 'Battery',
    supported: true,
    disabled: false,
    interview_completed: true,
    definition: {
      vendor: 'HEIMAN',
      model: 'HS1SA',
      description: 'Smoke detector',
      exposes: [{ type: 'binary', name: 'smoke', property: 'smoke' }],
    },
  },
  { ieee_address: '0x1', type: 'Router', friendly_name: 'off', disabled: true, definition: null },
  {
    ieee_address: '0x00158d0002aabbcc',
    type: 'EndDevice',
    friendly_name: '0x00158d0002aabbcc',
    manufacturer: 'NoName',
    model_id: 'TS0205',
    supported: false,
    definition: null,
  },
  'rubbish',
  {},
]

test('the bridge names its devices, but not itself and those that are switched off', () => {
  const decoded = zigbee2mqtt.decode(['bridge', 'devices'], bytes(devices))
  assert.ok(decoded.is === 'devices')
  assert.deepEqual(decoded.devices, [
    {
      address: 'hall/east smoke',
      vendor: 'HEIMAN',
      model: 'HS1SA',
      example:
        '{"ieee_address":"0x00158d0001dc126a","description":"Smoke detector","power_source":"Battery","supported":true}',
    },
    {
      address: '0x00158d0002aabbcc',
      vendor: 'NoName',
      model: 'TS0205',
      example: '{"ieee_address":"0x00158d0002aabbcc","supported":false}',
    },
  ])
})

test('a list of hundreds of devices is read, which no bound of one device’s message would let through', () => {
  const exposes = Array.from({ length: 40 }, (_, i) => ({ name: `p${i}`, description: 'x'.repeat(150) }))
  const many = Array.from({ length: 300 }, (_, i) => ({
    type: 'EndDevice',
    friendly_name: `device ${i}`,
    definition: { vendor: 'v', model: 'm', exposes },
  }))
  const payload = bytes(many)
  assert.ok(payload.length > 2_000_000)
  const decoded = zigbee2mqtt.decode(['bridge', 'devices'], payload)
  assert.ok(decoded.is === 'devices')
  assert.equal(decoded.devices.length, 300)
})

test('a list that is none is refused', () => {
  for (const payload of [bytes({}), Buffer.from('[{'), Buffer.alloc(0)])
    assert.throws(() => zigbee2mqtt.decode(['bridge', 'devices'], payload), { code: 'payload-invalid' })
})

test('the bridge says whether it is there, in both forms', () => {
  const word = (payload: Buffer) => zigbee2mqtt.decode(['bridge', 'state'], payload)
  assert.deepEqual(word(bytes({ state: 'online' })), { is: 'bridge', online: true })
  assert.deepEqual(word(Buffer.from('offline')), { is: 'bridge', online: false })
})

test('the payloads of smoke alarm, PIR and plug come through as they are', () => {
  for (const fields of [
    { smoke: true, tamper: false, battery_low: false, test: false, battery: 97, linkquality: 120 },
    { smoke_alarm_1: true, smoke_alarm_2: false },
    { occupancy: true, illuminance: 35, battery: 100 },
    { state: 'ON', power: 812.3, current: 3.55, voltage: 228, energy: 12.41, linkquality: 99 },
  ])
    assert.deepEqual(zigbee2mqtt.decode(['hall', 'east'], bytes(fields)), {
      is: 'message',
      address: 'hall/east',
      fields,
    })
})
