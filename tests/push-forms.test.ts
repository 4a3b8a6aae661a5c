import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { pushForm } from '../device-drivers/push/form-by-name.ts'
import { onenetSignature, openForm, pushRequest } from './push-request.ts'

/** What every form owes the transport, whatever its cloud sends. */

const folder = new URL('../device-drivers/push-forms/', import.meta.url)
const names = readdirSync(folder)
  .filter((name) => !name.endsWith('.test.ts'))
  .map((name) => name.replace(/\.ts$/, ''))

const SECRET = '0123456789abcdef0123456789abcdef'
const secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ctwing: { secret: `file:${SECRET}` },
  huawei: { secret: `file:${SECRET}` },
  onenet: { token: 'file:tok3n123' },
  'onenet-studio': { token: 'file:tok3n123' },
  tencent: { token: 'file:aaa' },
  'signed-json': { key: `file:${SECRET}` },
}

test('there are forms, each under the name of its file', async () => {
  assert.ok(names.length >= 6, `saw ${names.length}`)
  for (const name of names) assert.equal((await pushForm(name)).name, name)
  for (const name of ['none', '../push/form', 'form.ts', 'CTWING'])
    await assert.rejects(pushForm(name), { code: 'config-invalid' })
})

const words = [
  'messageType', 'dataReport', 'eventReport', 'dataReportTupUnion', 'deviceOnlineOfflineReport', 'payload',
  'APPdata', 'serviceData', 'deviceId', 'IMEI', 'timestamp', 'eventType', 'eventContent', 'msg', 'nonce',
  'msg_signature', 'signature', 'imei', 'dev_id', 'type', 'ds_id', 'value', 'at', 'status', 'online', 'notify',
  'notifyType', 'property', 'lifeCycle', 'data', 'params', 'time', 'deviceName', 'resource', 'device.property',
  'event', 'report', 'notify_data', 'header', 'body', 'services', 'properties', 'device_id', 'content',
  'devicename', 'device', 'fields', 'hex', 'base64', 'text', 'messages', 'id', '__proto__', 'constructor',
] // prettier-ignore

const key = fc.oneof(fc.constantFrom(...words), fc.string())
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.constantFrom(...words),
    fc.constantFrom(0, 1, 2, 7, -1, 1650554828842, '1650554828842', '20151212T121212Z', '', true, null),
    fc.string(),
    fc.double(),
    fc.dictionary(key, tie('any'), { maxKeys: 6 }),
    fc.array(tie('any'), { maxLength: 4 }),
  ),
})).any

const sometimes = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined })
const device = fc.constantFrom('d', 1, '', 'undefined')

/** What comes near to what the form knows. */
const near: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ctwing: fc.record({
    messageType: fc.constantFrom(
      'dataReport',
      'eventReport',
      'dataReportTupUnion',
      'deviceOnlineOfflineReport',
    ),
    deviceId: device,
    payload: value,
    eventContent: value,
    timestamp: value,
    eventType: fc.constantFrom(0, '1', 2),
  }),
  huawei: fc.record({
    resource: fc.constantFrom('device.property', 'device.message', 'device.status'),
    event: fc.constantFrom('report', 'update'),
    event_time: value,
    request_id: value,
    notify_data: fc.record({
      header: fc.record({ device_id: device }),
      body: fc.record({
        services: fc.array(fc.record({ properties: value, event_time: value }), { maxLength: 4 }),
        content: value,
        status: value,
      }),
    }),
  }),
  onenet: fc.record({
    msg: fc.array(
      fc.record({
        type: fc.constantFrom(1, '2', 7),
        imei: device,
        ds_id: fc.constantFrom('a', 'b', '__proto__', 5),
        at: fc.constantFrom(1650554828842, 1650554828843, 'x'),
        value,
      }),
      { maxLength: 6 },
    ),
    nonce: fc.constant('abcdefgh'),
  }),
  'onenet-studio': fc
    .record({
      messageType: fc.constantFrom('notify', 'lifeCycle', 'reply'),
      notifyType: fc.constantFrom('property', 'event'),
      deviceName: device,
      data: fc.record({
        status: fc.constantFrom('online', 'offline', 'x'),
        params: fc.dictionary(key, fc.oneof(value, fc.record({ value, time: value }))),
      }),
    })
    .map((msg) => ({ msg: JSON.stringify(msg), nonce: 'abcdefgh', id: '1' })),
  tencent: fc.record({ devicename: device, seq: value, timestamp: value, status: value, payload: value }),
  'signed-json': fc.oneof(
    fc.record({ device, fields: value }),
    fc.record({
      messages: fc.array(
        fc.record({ device, hex: sometimes(fc.constantFrom('b1', 'x')), text: sometimes(fc.string()) }),
      ),
    }),
  ),
}

const bodies = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: (near[name] ?? value).map((one) => JSON.stringify(one)), weight: 3 },
    { arbitrary: value.map((one) => JSON.stringify(one)), weight: 1 },
    { arbitrary: fc.json(), weight: 1 },
    { arbitrary: fc.string(), weight: 1 },
  )

for (const name of names) {
  test(`${name}: any body is read or refused, and nothing else happens`, async () => {
    const form = openForm(await pushForm(name), secrets[name] ?? {})
    let read = 0
    fc.assert(
      fc.property(bodies(name), fc.constantFrom('GET', 'POST'), (body, method) => {
        const request = pushRequest({ body, method, headers: { nonce: 'n', timestamp: '1', signature: 's' } })
        form.admit(request, instant(0))
        form.verify?.(request, instant(0))
        try {
          const result = form.read(request)
          if (result.is !== 'messages') return
          for (const one of result.said) {
            if (one.is !== 'message' && one.is !== 'presence') continue
            read++
            assert.ok(one.names.length > 0 && one.names.every((each) => each !== '' && each.length <= 128))
            if (one.is === 'message' && one.time !== undefined) assert.ok(Number.isSafeInteger(one.time))
            if (one.is === 'message') assert.ok((one.messageId?.length ?? 1) <= 200)
          }
        } catch (error) {
          if (!isGanglionError(error, 'payload-invalid')) throw error
        }
      }),
      { numRuns: 1500 },
    )
    assert.ok(read > 20, `only ${read} of the bodies said something`)
  })

  test(`${name}: nesting that would exhaust a stack, and too many values, are refused`, async () => {
    const form = openForm(await pushForm(name), secrets[name] ?? {})
    const deep = `{"payload":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
    const wide = `{"payload":[${'1,'.repeat(25_000)}1]}`
    for (const body of [deep, wide]) {
      const signed = `{"msg":${body},"nonce":"abcdefgh","msg_signature":"${onenetSignature('tok3n123', 'abcdefgh', body)}"}`
      for (const text of [body, signed]) {
        const verdict = form.verify?.(pushRequest({ body: text }), instant(0))
        if (verdict?.is === 'refused') continue
        assert.throws(() => form.read(pushRequest({ body: text })), { code: 'payload-invalid' })
      }
    }
  })
}
