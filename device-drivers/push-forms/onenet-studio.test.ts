import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import { instant } from '../../base/clock.ts'
import { onenetSignature, openForm, pushRequest, saidIn } from '../../tests/push-request.ts'
import onenetStudio from './onenet-studio.ts'

const form = openForm(onenetStudio, { token: 'file:tok3n123' })
const now = instant(0)

const MSG =
  '{"projectId":"990909090","productId":"00001","deviceName":"iot-0001","messageType":"notify","notifyType":"property","imei":"509830501643080","data":{"id":"12345","params":{"Power":{"value":"on","time":1524448722123}}}}'
const push = (msg: unknown, signature: string, id: unknown = '3799902'): object => ({
  msg,
  nonce: 'abcdefgh',
  signature,
  time: 1591340648197,
  id,
})
const verdict = (body: object | string): string | undefined => form.verify?.(pushRequest({ body }), now).is
const said = (msg: object, id?: unknown) =>
  saidIn(form, pushRequest({ body: push(JSON.stringify(msg), '', id) }))

test('OneNET Studio: the signature holds over the text of msg', () => {
  assert.equal(verdict(push(MSG, 'ZwHTbJ2uuI0r+d4ynKmnCQ==')), 'ok')
  assert.equal(verdict(push(MSG.replace('on"', 'off"'), 'ZwHTbJ2uuI0r+d4ynKmnCQ==')), 'refused')
  assert.equal(verdict(push(JSON.parse(MSG), 'ZwHTbJ2uuI0r+d4ynKmnCQ==')), 'refused')
  // Letters that move from the message into the nonce leave the sum as it was.
  const moved = { ...push(MSG.slice(1), 'ZwHTbJ2uuI0r+d4ynKmnCQ=='), nonce: `abcdefgh${MSG.slice(0, 1)}` }
  assert.equal(verdict(moved), 'refused')
  for (const body of ['', 'x', '[]', '{}', '{"msg":""}']) assert.equal(verdict(body), 'refused', body)
})

test('OneNET Studio: a property, by the device’s name and its IMEI', () => {
  const [one] = saidIn(form, pushRequest({ body: push(MSG, '') }))
  assert.ok(one?.is === 'message')
  assert.deepEqual(one.names, ['509830501643080', 'iot-0001'])
  assert.deepEqual(one.payload, { Power: 'on' })
  assert.equal(one.time, 1524448722123)
})

const notify = (params: object, notifyType = 'property'): object => ({
  deviceName: 'd',
  messageType: 'notify',
  notifyType,
  data: { id: '1', params },
})

test('OneNET Studio: each value has its own time; those of one time are one message, the oldest first', () => {
  const t = 1700000000000
  const all = said(
    notify({
      alarmSta: { value: 4, time: t + 5 },
      temp: { value: 20, time: t },
      smoke_value: { value: 9, time: t + 5 },
    }),
  )
  assert.deepEqual(
    all.map((one) => (one.is === 'message' ? [one.payload, one.time] : one.is)),
    [
      [{ temp: 20 }, t],
      [{ alarmSta: 4, smoke_value: 9 }, t + 5],
    ],
  )
})

test('OneNET Studio: a push without times is known again by its id, one with times by what was signed', () => {
  const idOf = (params: object, id: string): string | undefined => {
    const [one] = said(notify(params), id)
    return one?.is === 'message' ? one.messageId : undefined
  }
  assert.equal(idOf({ a: { value: 1 } }, 'one'), 'one')
  const timed = { a: { value: 1, time: 1700000000000 } }
  assert.equal(idOf(timed, 'one'), idOf(timed, 'two'))
  assert.notEqual(idOf(timed, 'one'), idOf({ a: { value: 1, time: 1700000000001 } }, 'one'))
})

test('OneNET Studio: events, presence and what is of no use', () => {
  const [event] = said(notify({ fire: { value: { level: 2 }, time: 1700000000000 } }, 'event'))
  assert.ok(event?.is === 'message')
  assert.deepEqual(event.payload, { fire: { level: 2 } })
  const life = (status: string): object => ({ deviceName: 'd', messageType: 'lifeCycle', data: { status } })
  assert.deepEqual(said(life('online')), [{ is: 'presence', names: ['d'], online: true }])
  assert.equal(said(life('asleep'))[0]?.is, 'wrong')
  assert.equal(said(notify({}, 'other'))[0]?.is, 'wrong')
  assert.deepEqual(said({ deviceName: 'd', messageType: 'sceneLog' }), [{ is: 'ignored' }])
  assert.throws(() => said({ messageType: 'notify' }), { code: 'payload-invalid' })
})

test('OneNET Studio: in secure mode the key is the vector too', () => {
  const secure = openForm(onenetStudio, { token: 'file:tok3n123', key: 'file:0123456789abcdef' })
  const encrypt = (text: string): string => {
    const cipher = createCipheriv('aes-128-cbc', '0123456789abcdef', '0123456789abcdef')
    return Buffer.concat([cipher.update(text), cipher.final()]).toString('base64')
  }
  assert.equal(encrypt('{"a":1}'), 'gdHWPMdZHkQXogGjWub2Aw==')
  const text = encrypt(MSG)
  const body = push(text, onenetSignature('tok3n123', 'abcdefgh', text))
  assert.equal(secure.verify?.(pushRequest({ body }), now).is, 'ok')
  const [one] = saidIn(secure, pushRequest({ body }))
  assert.ok(one?.is === 'message')
  assert.deepEqual(one.payload, { Power: 'on' })
  // No device in it.
  assert.throws(() => secure.read(pushRequest({ body: push('gdHWPMdZHkQXogGjWub2Aw==', '') })), {
    code: 'payload-invalid',
  })
  assert.throws(() => secure.read(pushRequest({ body: push('AAAA', '') })), { code: 'payload-invalid' })
  assert.throws(() => openForm(onenetStudio, { token: 'file:t', key: 'file:123' }), {
    code: 'config-invalid',
  })
})
