import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import { instant } from '../../base/clock.ts'
import { onenetSignature, openForm, pushRequest, saidIn } from '../../tests/push-request.ts'
import onenet from './onenet.ts'

const form = openForm(onenet, { token: 'file:tok3n123' })
const now = instant(0)

const MSG =
  '{"at":1555904805407,"imei":"861931046156398","type":1,"ds_id":"3300_0_5700","value":-115,"dev_id":523444202}'
const body = (msg: string, signature: string, nonce = 'C1z3?giR'): string =>
  `{"msg":${msg},"msg_signature":"${signature}","nonce":${JSON.stringify(nonce)}}`
const verdict = (text: string): string | undefined => form.verify?.(pushRequest({ body: text }), now).is

test('OneNET: the address is checked, also when a + of the signature came as a space', () => {
  const check = (query: string): string => form.admit(pushRequest({ method: 'GET', query }), now).is
  const query = 'msg=hello-msg&nonce=abcdefgh&signature='
  for (const signature of ['KGq6Ox9fOxYZl27k60bZDQ%3D%3D', 'KGq6Ox9fOxYZl27k60bZDQ=='])
    assert.equal(check(`${query}${signature}`), 'ok')
  for (const wrong of ['', 'x', 'KGq6Ox9fOxYZl27k60bZDQ', 'kGq6Ox9fOxYZl27k60bZDQ=='])
    assert.equal(check(`${query}${wrong}`), 'refused')
  assert.equal(check(''), 'refused')
  // One whose signature holds a plus.
  const msg = Array.from({ length: 500 }, (_, i) => `m${i}`).find((text) =>
    onenetSignature('tok3n123', 'abcdefgh', text).includes('+'),
  )
  assert.ok(msg !== undefined)
  const plus = onenetSignature('tok3n123', 'abcdefgh', msg)
  assert.equal(check(`msg=${msg}&nonce=abcdefgh&signature=${plus}`), 'ok')
  assert.deepEqual(form.read(pushRequest({ method: 'GET', query: `${query}x` })), {
    is: 'handshake',
    text: 'hello-msg',
  })
})

test('OneNET: the signature holds over msg as it was sent', () => {
  assert.equal(verdict(body(MSG, 'ZyQarmuWQUz5P48DhVYayA==')), 'ok')
  const reordered =
    '{"imei":"861931046156398","at":1555904805407,"type":1,"ds_id":"3300_0_5700","value":-115,"dev_id":523444202}'
  assert.equal(verdict(body(reordered, 'ZyQarmuWQUz5P48DhVYayA==')), 'refused')
  for (const msg of [
    '{"type":1,"value":1.0,"imei":"1"}',
    '{"type":1,"value":"\\u5c40","imei":"1"}',
    '{"dev_id":90071992547409931,"type":2}',
    '{"2":1,"1":2, "imei" : "1"}',
    `[${MSG},${MSG}]`,
  ])
    assert.equal(verdict(body(msg, onenetSignature('tok3n123', 'C1z3?giR', msg))), 'ok', msg)
})

test('OneNET: a second msg, another nonce and rubbish are refused', () => {
  const good = body(MSG, 'ZyQarmuWQUz5P48DhVYayA==')
  assert.equal(verdict(good.replace('{"msg"', '{"msg":{"imei":"9"},"msg"')), 'refused')
  assert.equal(verdict(good.replace('C1z3?giR', 'C1z3?giS')), 'refused')
  for (const text of ['', '[]', 'null', '{', '{"msg":1}', body('1', '')])
    assert.equal(verdict(text), 'refused')
  // Letters that move from the message into the nonce leave the sum as it was.
  const long = `C1z3?giR${MSG.slice(0, 1)}`
  assert.equal(verdict(body(MSG.slice(1), 'ZyQarmuWQUz5P48DhVYayA==', long)), 'refused')
})

test('OneNET: values, presence and what became of commands', () => {
  const said = (msg: string) => saidIn(form, pushRequest({ body: body(msg, '') }))
  assert.deepEqual(said(MSG), [
    {
      is: 'message',
      names: ['861931046156398', '523444202'],
      payload: { '3300_0_5700': -115 },
      time: 1555904805407,
      messageId: 'at 1555904805407',
    },
  ])
  assert.deepEqual(said('{"type":2,"dev_id":7,"status":1,"login_type":10,"at":1555904805407}'), [
    { is: 'presence', names: ['7'], online: true },
  ])
  assert.deepEqual(said('{"type":7,"dev_id":7,"cmd_type":1}'), [{ is: 'ignored' }])
  assert.deepEqual(
    said('[{"type":9,"dev_id":7},{"type":1,"dev_id":7},{"type":1},5,{"type":2,"dev_id":1}]').map(
      ({ is }) => is,
    ),
    ['wrong', 'wrong', 'wrong', 'wrong', 'wrong'],
  )
})

test('OneNET: values of one device and one time are one message', () => {
  const point = (stream: string, at: number, value: unknown): object => ({
    type: 1,
    imei: '1',
    ds_id: stream,
    at,
    value,
  })
  const t = 1555904805407
  const points = [point('a', t, 1), point('b', t, 2), point('a', t, 3), point('b', t + 1, 4)]
  const said = saidIn(form, pushRequest({ body: body(JSON.stringify(points), '') }))
  assert.deepEqual(
    said.map((one) => (one.is === 'message' ? one.payload : one.is)),
    [{ a: 1, b: 2 }, { a: 3 }, { b: 4 }],
  )
})

test('OneNET: with a key only encrypted pushes are taken, and broken ones are told', () => {
  const key = Buffer.alloc(32, 7)
  const encoded = key.toString('base64').replace(/=$/, '')
  const secure = openForm(onenet, { token: 'file:tok3n123', key: `file:${encoded}` })
  const encrypt = (plain: Buffer): string => {
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16))
    return Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64')
  }
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(MSG))
  const push = (text: string): string =>
    JSON.stringify({
      enc_msg: text,
      nonce: 'abcdefgh',
      msg_signature: onenetSignature('tok3n123', 'abcdefgh', text),
    })
  const good = encrypt(Buffer.concat([Buffer.alloc(16, 1), length, Buffer.from(MSG)]))
  const judged = (text: string): string | undefined => secure.verify?.(pushRequest({ body: text }), now).is
  assert.equal(judged(push(good)), 'ok')
  const [one] = saidIn(secure, pushRequest({ body: push(good) }))
  assert.ok(one?.is === 'message')
  assert.deepEqual(one.payload, { '3300_0_5700': -115 })
  assert.equal(judged(body(MSG, 'ZyQarmuWQUz5P48DhVYayA==')), 'refused')
  for (const bad of ['', 'AAAA', encrypt(Buffer.alloc(10)), encrypt(Buffer.alloc(40, 0xff))])
    assert.throws(() => secure.read(pushRequest({ body: push(bad) })), { code: 'payload-invalid' })
  assert.throws(() => openForm(onenet, { token: 'file:t', key: 'file:short' }), { code: 'config-invalid' })
})
