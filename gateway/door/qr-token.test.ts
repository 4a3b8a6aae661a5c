import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { issuerComplaints, toIssuers, type DoorAccess } from './issuer.ts'
import { readToken } from './qr-token.ts'

/** RFC 8032 §7.1, test 1: its key, and a code made with it. */
const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const SIGNATURE = 'eRvSrTAL7nTrIEWPyOD-l3531B6UgludC3WnkX3JjiAO_cGfW63eyO5al-qPcFsSbnMo2RWysny_tRw2lK7ICA'

const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = { alg: 'EdDSA', typ: 'JWT', kid: 'd1' }
const claims = { sub: 'R0302', aud: 'gw-001/door-1', nbf: 1_700_000_000, exp: 1_700_000_060, jti: 'k3Zq9w' }
const vector = `${text(header)}.${text(claims)}.${SIGNATURE}`

const edKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
})
const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const { x = '', y = '' } = createPublicKey(ecKey).export({ format: 'jwk' })

const access: DoorAccess = {
  issuers: [
    { kid: 'd1', key: { kty: 'OKP', crv: 'Ed25519', x: X } },
    { kid: 'e1', key: { kty: 'EC', crv: 'P-256', x, y } },
  ],
}
const issuers = toIssuers(access)

const read = (code: string, atS = 1_700_000_030, audience = 'gw-001/door-1') =>
  readToken(code, { issuers, audience, now: instant(atS * 1000) })

const whyOf = async (...asked: Parameters<typeof read>): Promise<string> => {
  const token = await read(...asked)
  return token.is === 'holds' ? 'holds' : token.why
}

function signed(own: object, more: { readonly header?: object; readonly key?: KeyObject } = {}): string {
  const body = `${text({ ...header, ...more.header })}.${text({ ...claims, ...own })}`
  const key = more.key ?? edKey
  const made =
    key.asymmetricKeyType === 'ec'
      ? sign('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' })
      : sign(null, Buffer.from(body), key)
  return `${body}.${made.toString('base64url')}`
}

test('a code of the published key holds at its door and in its time', async () => {
  assert.equal(vector.length, 254)
  assert.equal(signed({}), vector)
  assert.deepEqual(await read(vector), {
    is: 'holds',
    token: { id: 'k3Zq9w', subject: 'R0302', expiresAt: 1_700_000_060_000 },
  })
})

test('clocks may be 30 seconds apart and no more', async () => {
  assert.equal(await whyOf(vector, 1_699_999_970), 'holds')
  assert.equal(await whyOf(vector, 1_699_999_969), 'not-yet')
  assert.equal(await whyOf(vector, 1_700_000_089), 'holds')
  assert.equal(await whyOf(vector, 1_700_000_090), 'expired')
})

test('a code of ES256 holds too, and neither key checks what the other one signs', async () => {
  assert.equal(await whyOf(signed({}, { header: { alg: 'ES256', kid: 'e1' }, key: ecKey })), 'holds')
  assert.equal(await whyOf(signed({}, { header: { kid: 'e1' } })), 'wrong-signature')
  assert.equal(await whyOf(signed({}, { header: { alg: 'ES256' }, key: ecKey })), 'wrong-signature')
  const other = generateKeyPairSync('ed25519').privateKey
  assert.equal(await whyOf(signed({}, { key: other })), 'wrong-signature')
  assert.equal(await whyOf(signed({}, { header: { kid: 'unknown' } })), 'wrong-signature')
})

test('a code without signature, or signed with the public key as a secret, is refused', async () => {
  assert.equal(await whyOf(`${text({ ...header, alg: 'none' })}.${text(claims)}.`), 'wrong-signature')
  assert.equal(
    await whyOf(`${text({ ...header, alg: 'HS256' })}.${text(claims)}.${SIGNATURE}`),
    'wrong-signature',
  )
})

test('a code for another door, one that lives for long, and one that lacks a claim are refused', async () => {
  assert.equal(await whyOf(vector, 1_700_000_030, 'gw-001/door-2'), 'wrong-door')
  assert.equal(await whyOf(signed({ exp: claims.nbf + 15 * 60 })), 'holds')
  assert.equal(await whyOf(signed({ exp: claims.nbf + 15 * 60 + 1 })), 'unreadable')
  assert.equal(await whyOf(signed({ exp: claims.nbf }), claims.nbf), 'unreadable')
  for (const claim of Object.keys(claims))
    assert.equal(await whyOf(signed({ [claim]: undefined })), 'unreadable', claim)
  assert.equal(await whyOf(signed({ jti: 'a b' })), 'unreadable')
  assert.equal(await whyOf(signed({ sub: 'x'.repeat(65) })), 'unreadable')
})

test('any text is refused without an error, and any change of a code too', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 600 }), async (code) =>
      assert.notEqual(await whyOf(code), 'holds'),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(vector.length - 3), fc.constantFrom('A', 'b', '9', '.'), async (at, letter) => {
      if (vector[at] === letter) return
      const changed = `${vector.slice(0, at)}${letter}${vector.slice(at + 1)}`
      assert.notEqual(await whyOf(changed), 'holds')
    }),
  )
})

test('issuers of a box: a kid stands once, and a key is a point of its curve', () => {
  assert.deepEqual(issuerComplaints(access), [])
  const [first] = access.issuers
  assert.ok(first)
  const twice = issuerComplaints({ issuers: [first, first] })
  assert.match(twice[0]?.text ?? '', /another issuer has the kid "d1"/)
  const off = { kid: 'e2', key: { kty: 'EC', crv: 'P-256', x, y: x } } as const
  assert.match(issuerComplaints({ issuers: [off] })[0]?.text ?? '', /no point of this curve/)
})
