import assert from 'node:assert/strict'
import { test } from 'node:test'
import chirpstack from './chirpstack.ts'

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const topic = (kind: string): readonly string[] => ['4f2e', 'device', '0101010101010101', 'event', kind]

/** As the documentation of ChirpStack v4 prints it. */
const up = {
  deduplicationId: '3ac7e3c4-4401-4b8d-9386-a5c902f9202d',
  time: '2022-07-18T09:34:15.775023242+00:00',
  deviceInfo: {
    tenantId: '52f14cd4-c6f1-4fbd-8f87-4025e1d49242',
    applicationId: '17c82e96-be03-4f38-aef3-f83d48582d97',
    deviceProfileName: 'Smoke MS-1',
    deviceName: 'Test device',
    devEui: '0101010101010101',
    tags: { key: 'value' },
  },
  devAddr: '00189440',
  dr: 1,
  fPort: 1,
  data: 'qg==',
  object: { smoke: false, battery: 0 },
  rxInfo: [
    { gatewayId: '0016c001f153a14c', rssi: -36, snr: 10.5 },
    { gatewayId: '0016c001f153a14d', rssi: -30 },
  ],
  txInfo: { frequency: 867_100_000 },
}

function message(kind: string, event: object) {
  const decoded = chirpstack.decode(topic(kind), bytes(event))
  assert.ok(decoded.is === 'message')
  return decoded
}

test('an uplink is a message of the device by its EUI, with id and time of its own', () => {
  const decoded = message('up', up)
  assert.equal(decoded.address, '0101010101010101')
  assert.equal(decoded.messageId, '3ac7e3c4-4401-4b8d-9386-a5c902f9202d')
  assert.equal(decoded.time, Date.parse('2022-07-18T09:34:15.775Z'))
  assert.equal(decoded.model, 'Smoke MS-1')
  assert.equal(decoded.complaint, undefined)
})

test('what is zero or false is left out on the wire and is there again; what was decoded stays as it is', () => {
  assert.deepEqual(message('up', up).fields, {
    fPort: 1,
    fCnt: 0,
    dr: 1,
    adr: false,
    confirmed: false,
    data: 'qg==',
    object: { smoke: false, battery: 0 },
    rssi: -30,
    snr: 0,
  })
})

test('a battery of 0 % is left out on the wire and is 0 %; unknown is only what is called so', () => {
  assert.deepEqual(message('status', { margin: 10, batteryLevel: 88.3 }).fields, {
    margin: 10,
    externalPowerSource: false,
    batteryLevelUnavailable: false,
    batteryLevel: 88.3,
  })
  assert.equal(message('status', { margin: 10 }).fields['batteryLevel'], 0)
  for (const word of ['externalPowerSource', 'batteryLevelUnavailable'])
    assert.equal(Object.hasOwn(message('status', { [word]: true }).fields, 'batteryLevel'), false)
})

test('an uplink without a payload codec is a sign of life and a complaint; an empty one is a sign of life', () => {
  const without = (event: object, key: string): object =>
    Object.fromEntries(Object.entries(event).filter(([other]) => other !== key))
  const raw = without(up, 'object')
  assert.match(message('up', raw).complaint ?? '', /no "object"/)
  assert.equal(message('up', without(raw, 'data')).complaint, undefined)
  assert.equal(message('join', { deduplicationId: 'x' }).complaint, undefined)
})

test('an event of version 3 is refused with a clear word', () => {
  const old = { applicationID: '123', devEUI: 'AQEBAQEBAQE=', objectJSON: '{"smoke":true}', data: 'qg==' }
  assert.throws(() => chirpstack.decode(topic('up'), bytes(old)), {
    message: /wanted an event of ChirpStack v4/,
  })
})

test('a payload codec that failed is said, a warning is not', () => {
  const log = { level: 'ERROR', code: 'UPLINK_CODEC', description: 'ReferenceError: x is not defined' }
  assert.throws(() => chirpstack.decode(topic('log'), bytes(log)), {
    message: /UPLINK_CODEC: ReferenceError/,
  })
  assert.deepEqual(chirpstack.decode(topic('log'), bytes({ ...log, level: 'WARNING' })), { is: 'ignored' })
})

test('other events, commands and other topics are no readings', () => {
  for (const kind of ['ack', 'txack', 'location', 'integration'])
    assert.deepEqual(chirpstack.decode(topic(kind), bytes({})), { is: 'ignored' })
  assert.deepEqual(chirpstack.decode(['4f2e', 'device', '01', 'command', 'down'], bytes({})), {
    is: 'ignored',
  })
})

test('an EUI in capitals is the same device', () => {
  const decoded = chirpstack.decode(['device', 'A84041FFFF123456', 'event', 'up'], bytes(up))
  assert.equal(decoded.is === 'message' && decoded.address, 'a84041ffff123456')
})
