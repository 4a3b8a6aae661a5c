import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant, later } from '../../base/clock.ts'
import { openForm, pushRequest, saidIn, tencentHeaders } from '../../tests/push-request.ts'
import tencent from './tencent.ts'

const form = openForm(tencent, { token: 'file:aaa' })
const SECONDS = 1604458421
const now = instant(SECONDS * 1000)
const published = {
  signature: 'c259ed29ec13ba7c649fe0893007401a36e70453',
  timestamp: String(SECONDS),
  nonce: 'IkOaKMDalrAzUTxC',
}

test('Tencent: the published signature holds, for five minutes', () => {
  const admit = (headers: Record<string, string>, at = now): string =>
    form.admit(pushRequest({ headers }), at).is
  assert.deepEqual(tencentHeaders('aaa', SECONDS, published.nonce), published)
  assert.equal(admit(published), 'ok')
  assert.equal(admit(published, later(now, 300_000)), 'ok')
  assert.equal(admit(published, later(now, 300_001)), 'refused')
  assert.equal(admit(published, later(now, -300_001)), 'refused')
  assert.equal(admit({ ...published, timestamp: '1604458422' }), 'refused')
  assert.equal(admit({ ...published, nonce: 'x' }), 'refused')
  assert.equal(admit({ ...published, signature: '' }), 'refused')
  assert.equal(admit({}), 'refused')
})

test('Tencent: the address check wants the Echostr back', () => {
  const check = (echostr: string) =>
    form.read(pushRequest({ method: 'GET', headers: { ...published, echostr } }))
  assert.deepEqual(check('UPWIAFASvDUFcTEE'), { is: 'handshake', text: 'UPWIAFASvDUFcTEE' })
  for (const bad of ['', 'a b', 'x'.repeat(257)]) assert.throws(() => check(bad), { code: 'payload-invalid' })
})

test('Tencent: a signature that was overheard does not carry another body', () => {
  const own = openForm(tencent, { token: 'file:aaa' })
  const verify = (body: string, headers = published, at = now): string | undefined =>
    own.verify?.(pushRequest({ headers, body }), at).is
  assert.equal(verify('{"a":1}'), 'ok')
  assert.equal(verify('{"a":1}'), 'ok', 'the sender’s second try')
  assert.equal(verify('{"a":2}'), 'refused')
  assert.equal(verify('{"a":2}', { ...published, nonce: 'other' }), 'ok')
  assert.equal(verify('{"a":2}', published, later(now, 599_000)), 'refused')
})

test('Tencent: properties of a thing model, plain JSON, bytes and presence', () => {
  const said = (body: object) => saidIn(form, pushRequest({ body }))[0]
  const base = {
    devicename: 'd-1',
    productid: 'P',
    seq: 7,
    timestamp: SECONDS,
    topic: '$thing/up/property/P/d-1',
  }
  const known = { is: 'message', names: ['d-1'], time: now, messageId: `7 ${now}` }
  const payload = { method: 'report', clientToken: 'c', params: { smoke: 1 } }
  assert.deepEqual(said({ ...base, payload }), { ...known, payload: { smoke: 1 } })
  assert.deepEqual(said({ ...base, payload: { smoke: 1 } }), { ...known, payload: { smoke: 1 } })
  assert.deepEqual(said({ ...base, DeviceName: 'd-1', payload: 'MDIwMTAw' }), {
    ...known,
    payload: Buffer.from('020100'),
  })
  assert.deepEqual(said({ deviceName: 'd-1', status: 'OFFLINE' }), {
    is: 'presence',
    names: ['d-1'],
    online: false,
  })
  assert.equal(said(base)?.is, 'wrong')
  assert.throws(() => said({ payload: {} }), { code: 'payload-invalid' })
})
