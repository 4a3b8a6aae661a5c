import assert from 'node:assert/strict'
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant, later, type Instant } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { signerOf, signRequest, verifyRequest, type RequestParts, type Verdict } from './http-signature.ts'

/** The test-key-ed25519 of RFC 9421 B.1.4. */
const rfcKey = pkcs8(Buffer.from('n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=', 'base64'))
/** The seed of RFC 8032 §7.1, test 1. */
const seedKey = pkcs8(Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'))
const secret = createSecretKey(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))

function pkcs8(seed: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

const created = instant(1_700_000_000_000)
const components: readonly string[] = ['@method', '@authority', '@path', 'content-digest', 'idempotency-key']
const request: RequestParts = {
  method: 'POST',
  authority: 'platform.example',
  path: '/v1/cases',
  fields: {
    'content-digest': 'sha-256=:d34ni1UnhFMo5KFzfYxJb8aMQznoeg9NhlN/Oezwbbs=:',
    'idempotency-key': '"gw-001:01J9"',
  },
}
const nonce = 'b3k2pp5k7z-50gnwp.yemd'

const sign = (key: KeyObject, asked = request, covered: readonly string[] = components) =>
  signRequest(asked, { keyId: 'gw-001', signer: signerOf(key), components: covered, created, nonce })

const judge = (
  signed: Readonly<Record<string, string>>,
  {
    asked = request,
    key = createPublicKey(seedKey),
    now = created,
    requires = components,
  }: {
    readonly asked?: RequestParts
    readonly key?: KeyObject | 'nobody'
    readonly now?: Instant
    readonly requires?: readonly string[]
  } = {},
): Verdict =>
  verifyRequest(
    { ...asked, fields: { ...asked.fields, ...signed } },
    {
      keyFor: () => (key === 'nobody' ? undefined : key),
      now,
      requires,
    },
  )

const outcome = (verdict: Verdict): string => (verdict.is === 'valid' ? 'valid' : verdict.because)

test('the Ed25519 signature of RFC 9421 B.2.6 holds', () => {
  const asked: RequestParts = {
    method: 'POST',
    authority: 'example.com',
    path: '/foo',
    query: '?param=Value&Pet=dog',
    fields: {
      date: 'Tue, 20 Apr 2021 02:07:55 GMT',
      'content-type': 'application/json',
      'content-length': '18',
      'signature-input':
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
      signature:
        'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
    },
  }
  const verdict = verifyRequest(asked, {
    keyFor: (keyId) => (keyId === 'test-key-ed25519' ? createPublicKey(rfcKey) : undefined),
    now: instant(1_618_884_473_000),
    requires: ['@method', '@path', '@authority'],
  })
  assert.equal(outcome(verdict), 'valid')
})

test('our request signs to the known Ed25519 signature, byte for byte', () => {
  const signed = sign(seedKey)
  assert.equal(
    signed['signature-input'],
    'sig1=("@method" "@authority" "@path" "content-digest" "idempotency-key");created=1700000000;nonce="b3k2pp5k7z-50gnwp.yemd";keyid="gw-001";alg="ed25519"',
  )
  assert.equal(
    signed.signature,
    'sig1=:xffe8JtsKW+eeDdyQU/6wMBdfkNqjBdqFGi57JIR4lgjmBYJW3Y1hEAMlz2yc4o+0neXj+A98XM/0aiaMG7zDw==:',
  )
  assert.deepEqual(judge(signed), { is: 'valid', keyId: 'gw-001', nonce, created })
})

test('our request signs to the known HMAC', () => {
  const signed = sign(secret)
  assert.equal(signed.signature, 'sig1=:PpYgLAP8jSYpIIvB1THFLFKUQlhzloAVCh37GkfhD00=:')
  assert.equal(outcome(judge(signed, { key: secret })), 'valid')
})

test('a query is covered with its question mark', () => {
  const asked = { ...request, method: 'GET', query: '?after=&wait=25' }
  const signed = sign(seedKey, asked, ['@method', '@query'])
  assert.equal(outcome(judge(signed, { asked, requires: ['@query'] })), 'valid')
  const other = { ...asked, query: '?after=9&wait=25' }
  assert.equal(outcome(judge(signed, { asked: other, requires: ['@query'] })), 'wrong-signature')
})

test('every covered part that is changed on the way breaks the signature', () => {
  const signed = sign(seedKey)
  const changed: readonly RequestParts[] = [
    { ...request, method: 'PUT' },
    { ...request, authority: 'platform.example:81' },
    { ...request, path: '/v1/cases/' },
    { ...request, fields: { ...request.fields, 'content-digest': 'sha-256=:AAAA:' } },
    { ...request, fields: { ...request.fields, 'idempotency-key': '"gw-001:01J8"' } },
  ]
  for (const asked of changed) assert.equal(outcome(judge(signed, { asked })), 'wrong-signature')
  const gone = { ...request, fields: { 'content-digest': 'x' } }
  assert.equal(outcome(judge(signed, { asked: gone })), 'malformed')
})

test('a signature that covers too little, or is not there, is told apart', () => {
  assert.equal(outcome(judge(sign(seedKey, request, ['@method']))), 'not-covered')
  assert.equal(outcome(judge({})), 'missing')
})

test('a signature made more than 300 s away from the clock here is outside the window, on both sides', () => {
  const signed = sign(seedKey)
  assert.equal(outcome(judge(signed, { now: later(created, 300_000) })), 'valid')
  assert.equal(outcome(judge(signed, { now: later(created, 300_001) })), 'outside-window')
  assert.equal(outcome(judge(signed, { now: later(created, -300_001) })), 'outside-window')
})

test('another key, no key, and a key of another kind do not verify', () => {
  const signed = sign(seedKey)
  assert.equal(outcome(judge(signed, { key: createPublicKey(rfcKey) })), 'wrong-signature')
  assert.equal(outcome(judge(signed, { key: 'nobody' })), 'unknown-key')
  assert.equal(outcome(judge(signed, { key: secret })), 'wrong-signature')
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  assert.equal(outcome(judge(signed, { key: rsa })), 'wrong-signature')
})

test('a request cannot name another algorithm than its key’s', () => {
  const mislabelled = { algorithm: 'ed25519', sign: signerOf(secret).sign } as const
  const signed = signRequest(request, { keyId: 'gw-001', signer: mislabelled, components, created, nonce })
  assert.equal(outcome(judge(signed, { key: secret })), 'wrong-signature')
})

test('a signer cannot be made of a public key or of one of another kind', () => {
  for (const key of [
    createPublicKey(seedKey),
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  ]) {
    assert.throws(() => signerOf(key), (error) => isGanglionError(error, 'signature-invalid')) // prettier-ignore
  }
})

test('a component that is not there cannot be signed', () => {
  assert.throws(
    () => sign(seedKey, request, ['@method', 'date']),
    (error) => isGanglionError(error, 'signature-invalid'),
  )
  assert.throws(() => sign(seedKey, request, ['@method', '__proto__']))
})

test('component parameters, repeated components and headers that are no signature are malformed', () => {
  const { signature } = sign(seedKey)
  const inputs = [
    'sig1=("@method";req);created=1700000000;keyid="gw-001"',
    'sig1=("@method" "@method");created=1700000000;keyid="gw-001"',
    'sig1=("@method");keyid="gw-001"',
    'sig1=("@method");created="1";keyid="gw-001"',
    'sig2=("@method");created=1700000000;keyid="gw-001"',
    'sig1=1',
    '',
  ]
  for (const input of inputs) {
    assert.equal(
      outcome(judge({ 'signature-input': input, signature }, { requires: [] })),
      'malformed',
      input,
    )
  }
})

test('an expired signature is outside the window', () => {
  const { signature } = sign(seedKey)
  const input = 'sig1=("@method");created=1700000000;expires=1699999999;keyid="gw-001"'
  assert.equal(outcome(judge({ 'signature-input': input, signature }, { requires: [] })), 'outside-window')
})

test('hostile headers are judged invalid and never throw', () => {
  const { signature } = sign(seedKey)
  const header = fc.string({ unit: 'binary', maxLength: 120 })
  fc.assert(
    fc.property(header, header, (input, text) => {
      assert.equal(judge({ 'signature-input': input, signature: text }).is, 'invalid')
      assert.equal(judge({ 'signature-input': `sig1=("@method");${input}`, signature }).is, 'invalid')
    }),
  )
})
