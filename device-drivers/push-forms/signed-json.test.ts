import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant, later } from '../../base/clock.ts'
import { openForm, pushRequest, saidIn, webhookHeaders } from '../../tests/push-request.ts'
import signedJson from './signed-json.ts'

const KEY = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const form = openForm(signedJson, { key: `file:whsec_${KEY}` })
const SECONDS = 1614265330
const now = instant(SECONDS * 1000)
const published = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': String(SECONDS),
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const BODY = '{"test": 2432232314}'

test('signed JSON: the published vector of Standard Webhooks holds, and nothing that differs', () => {
  const verify = (headers: Record<string, string>, body = BODY): string | undefined =>
    form.verify?.(pushRequest({ headers, body }), now).is
  assert.equal(verify(published), 'ok')
  assert.equal(verify(published, BODY.replace(' ', '')), 'refused')
  assert.equal(verify({ ...published, 'webhook-id': 'other' }), 'refused')
  assert.equal(verify({ ...published, 'webhook-timestamp': '1614265331' }), 'refused')
  const signature = published['webhook-signature']
  for (const wrong of ['', 'v1,', signature.replace('v1', 'v2'), signature.slice(0, -4), `v1a${signature}`])
    assert.equal(verify({ ...published, 'webhook-signature': wrong }), 'refused', wrong)
  // While a key is changed.
  assert.equal(verify({ ...published, 'webhook-signature': `v1,AAAA ${signature}` }), 'ok')
  assert.equal(
    verify({ ...published, 'webhook-signature': `${'v1,AAAA '.repeat(5)}${signature}` }),
    'refused',
  )
})

test('signed JSON: the time is bounded before the body is read, and a key must be one', () => {
  const admit = (headers: Record<string, string>, at = now): string =>
    form.admit(pushRequest({ headers }), at).is
  assert.equal(admit(published), 'ok')
  assert.equal(admit(published, later(now, 300_001)), 'refused')
  assert.equal(admit(published, later(now, -300_001)), 'refused')
  for (const name of Object.keys(published)) {
    const without = Object.entries(published).filter(([key]) => key !== name)
    assert.equal(admit(Object.fromEntries(without)), 'refused', name)
  }
  for (const key of ['', 'whsec_', 'c2hvcnQ=', 'not base64!'])
    assert.throws(() => openForm(signedJson, { key: `file:${key}` }), { code: 'config-invalid' })
})

test('signed JSON: one message or many, as fields, hex, base64 or text', () => {
  const headers = webhookHeaders(KEY, { id: 'push-1', seconds: SECONDS, body: '' })
  const said = (body: object) => saidIn(form, pushRequest({ headers, body }))
  assert.deepEqual(said({ device: 'd', fields: { smoke: true }, time: '2021-02-25T15:02:10Z' }), [
    { is: 'message', names: ['d'], payload: { smoke: true }, messageId: 'push-1', time: now },
  ])
  const many = said({
    messages: [
      { device: 'd', hex: 'B108' },
      { device: 7, base64: 'sQg=', id: 12 },
      { device: 'd', text: '020100' },
      { device: 'd' },
      { device: 'd', hex: 'B1', text: 'x' },
      { device: 'd', hex: 'B' },
      { device: '', fields: {} },
      { device: 'd', fields: {}, time: 'yesterday' },
      'x',
    ],
  })
  assert.deepEqual(
    many.map((one) => (one.is === 'message' ? [one.names[0], one.payload, one.messageId] : one.is)),
    [
      ['d', Buffer.from('b108', 'hex'), 'push-1 0'],
      ['7', Buffer.from('b108', 'hex'), '12'],
      ['d', Buffer.from('020100'), 'push-1 2'],
      ...Array<string>(6).fill('wrong'),
    ],
  )
  assert.throws(() => said({ messages: Array<number>(501).fill(1) }), { code: 'payload-invalid' })
})
