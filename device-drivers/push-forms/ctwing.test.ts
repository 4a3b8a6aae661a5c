import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../../base/clock.ts'
import { openForm, pushRequest, saidIn } from '../../tests/push-request.ts'
import ctwing from './ctwing.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const form = openForm(ctwing, { secret: `file:${SECRET}` })
const said = (body: object | string) => saidIn(form, pushRequest({ body }))

const transparent = {
  upPacketSN: -1,
  upDataSN: -1,
  topic: 'v1/up/ad',
  timestamp: 1650554828842,
  tenantId: '2000033629',
  serviceId: '',
  protocol: 'lwm2m',
  productId: '15114816',
  payload: {
    APPdata: 'AQFWMS4wAAAAACMAAAAH/wAlODYyNTkyMDUxNjUxNDcyAAEAMjUAODAAAAAAAAABAQAAAAEAAASD',
  },
  messageType: 'dataReport',
  deviceType: '',
  deviceId: '40edca19b0124480864366de4621de99',
  assocAssetId: '',
  IMSI: 'undefined',
  IMEI: '862592051651472',
}

test('CTWing: the bytes of a transparent report are what the device sent', () => {
  const [one, ...more] = said(transparent)
  assert.equal(more.length, 0)
  assert.ok(one?.is === 'message' && Buffer.isBuffer(one.payload))
  assert.equal(one.payload.length, 57)
  assert.equal(one.payload.subarray(2, 6).toString('latin1'), 'V1.0')
  assert.ok(one.payload.includes('862592051651472'))
  assert.deepEqual(one.names, ['40edca19b0124480864366de4621de99', '862592051651472'])
  assert.equal(one.time, 1650554828842)
})

test('CTWing: a report by profile, by thing model and in a batch gives its values', () => {
  const values = { Alarm_Status: 2, IMEI: '860374051096202', Battery_Level: 100 }
  const base = { messageType: 'dataReport', deviceId: 'd', productId: 1, timestamp: '1650554828842' }
  const [profile] = said({ ...base, payload: { serviceId: 'notification', serviceData: values } })
  assert.ok(profile?.is === 'message')
  assert.deepEqual(profile.payload, values)
  assert.deepEqual(profile.names, ['d', '860374051096202'])
  assert.equal(profile.time, 1650554828842)
  const [thing] = said({ ...base, serviceId: 10, payload: { longitude: -174, latitude: -86 } })
  assert.ok(thing?.is === 'message')
  assert.deepEqual(thing.payload, { longitude: -174, latitude: -86 })
  const [nameless] = said({ ...base, IMEI: 'undefined', payload: { IMEI: 'null', a: 1 } })
  assert.ok(nameless?.is === 'message')
  assert.deepEqual(nameless.names, ['d'])
  const batch = said({
    ...base,
    messageType: 'dataReportTupUnion',
    payload: [{ serviceData: { a: 1 } }, { serviceData: { a: 2 } }, 3],
  })
  assert.deepEqual(
    batch.map((one) => (one.is === 'message' ? one.payload : one.is)),
    [{ a: 1 }, { a: 2 }, 'wrong'],
  )
})

test('CTWing: a panel on TCP sends its JSON as bytes, and has no IMEI', () => {
  const sent = '{"b":[{"id":"222","v":"1"}],"c":27,"id":1609231209767,"tm":1609231209767}'
  const [one] = said({
    topic: 'ad',
    protocol: 'tcp',
    messageType: 'dataReport',
    deviceId: '1501708501',
    IMEI: '',
    timestamp: 1609231209800,
    payload: { APPdata: Buffer.from(sent).toString('base64') },
  })
  assert.ok(one?.is === 'message' && Buffer.isBuffer(one.payload))
  assert.equal(one.payload.toString(), sent)
  assert.deepEqual(one.names, ['1501708501'])
})

test('CTWing: events, presence and answers to commands are told apart', () => {
  const [event] = said({
    timestamp: 1619523767263,
    serviceId: 1002,
    productId: '15045240',
    messageType: 'eventReport',
    eventType: 2,
    eventContent: { battery_voltage: 1, battery_state: 1 },
    deviceSn: '',
    deviceId: 'x',
    IMSI: 'undefined',
    imei: '161941770261953',
  })
  assert.ok(event?.is === 'message')
  assert.deepEqual(event.payload, { battery_voltage: 1, battery_state: 1 })
  assert.deepEqual(event.names, ['x', '161941770261953'])
  const presence = { messageType: 'deviceOnlineOfflineReport', iccid: 'undefined', deviceId: '44d0' }
  assert.deepEqual(said({ ...presence, eventType: 1 }), [{ is: 'presence', names: ['44d0'], online: true }])
  assert.deepEqual(said({ ...presence, eventType: '0' }), [
    { is: 'presence', names: ['44d0'], online: false },
  ])
  assert.equal(said({ ...presence, eventType: 7 })[0]?.is, 'wrong')
  const answered = { messageType: 'commandResponse', taskId: 1, result: { resultCode: 'DELIVERED' } }
  assert.deepEqual(said({ ...answered, deviceId: 'x' }), [{ is: 'ignored' }])
})

test('CTWing: the whole body may come URL-encoded', () => {
  const text = JSON.stringify(transparent)
  assert.deepEqual(said(encodeURIComponent(text)), said(transparent))
  assert.throws(() => said('%7B%zz'), { code: 'payload-invalid' })
})

test('CTWing: the same report again has the same id, other values at the same time another', () => {
  const idOf = (body: object): string | undefined => {
    const [one] = said(body)
    return one?.is === 'message' ? one.messageId : undefined
  }
  assert.ok(idOf(transparent) !== undefined)
  assert.equal(idOf(transparent), idOf({ ...transparent, upPacketSN: '' }))
  assert.notEqual(idOf(transparent), idOf({ ...transparent, payload: { APPdata: 'AAAA' } }))
  assert.notEqual(idOf(transparent), idOf({ ...transparent, timestamp: transparent.timestamp + 1 }))
})

test('CTWing: only who knows the path may speak', () => {
  const now = instant(0)
  assert.equal(form.admit(pushRequest({ below: SECRET }), now).is, 'ok')
  for (const below of ['', SECRET.slice(1), `${SECRET}0`, SECRET.toUpperCase()])
    assert.equal(form.admit(pushRequest({ below }), now).is, 'refused', below)
  for (const secret of ['short', `${SECRET}/x`, `${SECRET} `])
    assert.throws(() => openForm(ctwing, { secret: `file:${secret}` }), { code: 'config-invalid' })
})
