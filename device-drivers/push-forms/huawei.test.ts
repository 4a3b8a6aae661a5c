import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openForm, pushRequest, saidIn } from '../../tests/push-request.ts'
import huawei from './huawei.ts'

const form = openForm(huawei, { secret: 'file:0123456789abcdef0123456789abcdef' })
const said = (body: object) => saidIn(form, pushRequest({ body }))
const header = {
  app_id: 'a',
  device_id: 'dev-1',
  node_id: '860000000000001',
  product_id: 'p',
  gateway_id: 'g',
}

const report = (services: readonly unknown[]): object => ({
  resource: 'device.property',
  event: 'report',
  event_time: '20151212T121212Z',
  event_time_ms: '2015-12-12T12:12:12.000Z',
  request_id: 'r-1',
  notify_data: { header, body: { services } },
})

test('IoTDA: properties of a service, by device id and node id, in both forms of time', () => {
  const [one, two] = said(
    report([
      { service_id: 'smoke', properties: { level: 3, temperature: 20 }, event_time: '20151212T121213Z' },
      { service_id: 'battery', properties: { level: 90 } },
    ]),
  )
  assert.deepEqual(one, {
    is: 'message',
    names: ['dev-1', '860000000000001'],
    payload: { level: 3, temperature: 20 },
    messageId: 'r-1',
    time: Date.UTC(2015, 11, 12, 12, 12, 13),
  })
  assert.ok(two?.is === 'message')
  assert.deepEqual(two.payload, { level: 90 })
  assert.equal(two.time, Date.UTC(2015, 11, 12, 12, 12, 12))
})

test('IoTDA: services of one time are one message', () => {
  const all = said(report([{ properties: { smoke: true } }, { properties: { test: true } }, { id: 1 }]))
  assert.deepEqual(
    all.map((one) => (one.is === 'message' ? one.payload : one.is)),
    [{ smoke: true, test: true }, 'wrong'],
  )
})

test('IoTDA: a status is understood beside notify_data and inside of it', () => {
  const status = { resource: 'device.status', event: 'update', event_time: '20151212T121212Z' }
  const body = { status: 'ONLINE', status_update_time: '2015-12-12T12:12:12.000Z' }
  const online = [{ is: 'presence', names: ['dev-1', '860000000000001'], online: true }]
  assert.deepEqual(said({ ...status, notify_data: { header, body } }), online)
  assert.deepEqual(said({ ...status, notify_data: { header }, body }), online)
  const offline = said({ ...status, notify_data: { header, body: { status: 'OFFLINE' } } })
  assert.deepEqual(offline, [{ ...online[0], online: false }])
})

test('IoTDA: a message is an object or a text; what else the platform tells is of no use here', () => {
  const message = (content: unknown) =>
    said({ resource: 'device.message', event: 'report', notify_data: { header, body: { content } } })[0]
  const [object, text] = [message({ a: 1 }), message('B10800')]
  assert.ok(object?.is === 'message' && text?.is === 'message')
  assert.deepEqual(object.payload, { a: 1 })
  assert.deepEqual(text.payload, Buffer.from('B10800'))
  assert.equal(message(5)?.is, 'wrong')
  assert.deepEqual(said({ resource: 'device', event: 'create', notify_data: { header } }), [
    { is: 'ignored' },
  ])
  for (const body of [{}, { resource: 'x' }, { ...report([]), notify_data: {} }])
    assert.throws(() => said(body), { code: 'payload-invalid' })
})
