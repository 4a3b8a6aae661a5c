import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  authorization,
  challengeHeader,
  isAuthorized,
  parseOffer,
  type Challenge,
  type DigestAlgorithm,
  type DigestRequest,
  type Login,
} from './digest.ts'

const plain = (realm: string, nonce: string, algorithm: DigestAlgorithm, qop?: 'auth'): Challenge => ({
  realm,
  nonce,
  algorithm,
  qop,
  opaque: undefined,
  stale: false,
  namesAlgorithm: true,
})

interface Vector {
  readonly from: string
  readonly challenge: Challenge
  readonly login: Login
  readonly request: DigestRequest
  readonly cnonce?: string
  readonly response: string
}

const rfc7616 = {
  login: { user: 'Mufasa', password: 'Circle of Life' },
  request: { method: 'GET', uri: '/dir/index.html' },
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
}
const camera = { user: 'admin', password: 'Abc12345' }
const cameraRealm = 'IP Camera(GH455)'
const cameraNonce = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'
const url = 'rtsp://192.168.1.64:554/Streaming/Channels/102'
const viid = { user: 'admin', password: 'Viid@2024' }
const viidNonce = '9c4f2a8b1e3d7c5f6a9b2e4d8c1f3a5b'
const register = { method: 'POST', uri: '/VIID/System/Register' }

const cameraVector = (
  method: string,
  uri: string,
  algorithm: DigestAlgorithm,
  response: string,
  cnonce?: string,
): Vector => ({
  from: `camera ${method} ${algorithm}${cnonce === undefined ? '' : ' qop=auth'}`,
  challenge: plain(cameraRealm, cameraNonce, algorithm, cnonce === undefined ? undefined : 'auth'),
  login: camera,
  request: { method, uri },
  ...(cnonce === undefined ? {} : { cnonce }),
  response,
})

const vectors: readonly Vector[] = [
  {
    from: 'RFC 7616 §3.9.1 MD5',
    challenge: plain(rfc7616.realm, rfc7616.nonce, 'MD5', 'auth'),
    ...rfc7616,
    response: '8ca523f5e9506fed4657c9700eebdbec',
  },
  {
    from: 'RFC 7616 §3.9.1 SHA-256',
    challenge: plain(rfc7616.realm, rfc7616.nonce, 'SHA-256', 'auth'),
    ...rfc7616,
    response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  },
  {
    from: 'RFC 2617 §3.5',
    challenge: plain('testrealm@host.com', 'dcd98b7102dd2f0e8b11d0f600bfb0c093', 'MD5', 'auth'),
    login: { user: 'Mufasa', password: 'Circle Of Life' },
    request: rfc7616.request,
    cnonce: '0a4f113b',
    response: '6629fae49393a05397450978507c4ef1',
  },
  cameraVector('DESCRIBE', url, 'MD5', '957be383fcb1c33036167118773a8672'),
  cameraVector(
    'DESCRIBE',
    url,
    'SHA-256',
    'b5580254c3c26d069c11c3b31dc398b530ece5823719e9ff1347f929f557b917',
  ),
  cameraVector('SETUP', `${url}/trackID=1`, 'MD5', 'c40f23728e0ff910722a19df604ad2be'),
  cameraVector(
    'SETUP',
    `${url}/trackID=1`,
    'SHA-256',
    '59a5cf7e2dfd1db46ebad596c8952b8fb59e4c6339465f09fcea171d46318314',
  ),
  cameraVector('PLAY', `${url}/`, 'MD5', 'e6b4e9642477e84fb61113f86f3b9986'),
  cameraVector(
    'PLAY',
    `${url}/`,
    'SHA-256',
    'a5959c780a5964f4a9660383be3ebbb9727c25319e10711e3e2907503c607d4d',
  ),
  cameraVector('DESCRIBE', url, 'MD5', '9256f219648c4b59ca6194ce2d6faeb0', '0a4f113b'),
  cameraVector(
    'DESCRIBE',
    url,
    'SHA-256',
    'ff079a6a9af9f90b0bb1a20d8bf555a68655f0812dc436cefe42fb590c069f92',
    '0a4f113b',
  ),
  {
    from: 'GA/T 1400.4 register, qop=auth',
    challenge: plain('viid', viidNonce, 'MD5', 'auth'),
    login: viid,
    request: register,
    cnonce: '0a4f113b',
    response: '38ac3778686be1390453d6d02d863e2a',
  },
  {
    from: 'GA/T 1400.4 register, no qop',
    challenge: plain('viid', viidNonce, 'MD5'),
    login: viid,
    request: register,
    response: '26c98af6c341c324d7b34565c83f1911',
  },
]

for (const vector of vectors) {
  test(`the published response comes out and is taken by a server: ${vector.from}`, () => {
    const { challenge, login, request } = vector
    const header = authorization(challenge, login, request, { count: 1, cnonce: vector.cnonce ?? '' })
    assert.match(header, new RegExp(`response="${vector.response}"`))
    assert.equal(isAuthorized(header, challenge, login, request), true)
    assert.equal(isAuthorized(header, challenge, { ...login, password: 'wrong' }, request), false)
    assert.equal(isAuthorized(header, challenge, login, { ...request, method: 'OPTIONS' }), false)
    assert.equal(isAuthorized(header, { ...challenge, nonce: 'another' }, login, request), false)
  })
}

test('a camera that quotes the algorithm and stale, without qop, is understood', () => {
  const offer = parseOffer([
    'Digest realm="IP Camera(GH455)", nonce="0f1e", algorithm="SHA-256", stale="FALSE"',
  ])
  assert.deepEqual(offer.digests, [{ ...plain(cameraRealm, '0f1e', 'SHA-256') }])
})

test('several challenges in several headers, and in one, are told apart in order', () => {
  const offer = parseOffer([
    'Basic realm="a, b=\\"c\\"", Digest realm="r", nonce="n1", algorithm=MD5, qop="auth,auth-int"',
    'digest realm="r",nonce="n2",algorithm=sha-256,opaque="o",stale=TRUE',
  ])
  assert.deepEqual(offer.others, ['Basic'])
  assert.deepEqual(
    offer.digests.map(({ nonce, algorithm, qop, opaque, stale }) => [nonce, algorithm, qop, opaque, stale]),
    [
      ['n1', 'MD5', 'auth', undefined, false],
      ['n2', 'SHA-256', undefined, 'o', true],
    ],
  )
})

test('an unclosed quote at the end costs that value and nothing before it', () => {
  const [challenge] = parseOffer(['Digest realm="viid", nonce="abc", opaque="']).digests
  assert.equal(challenge?.nonce, 'abc')
  assert.equal(challenge.opaque, '')
})

test('what cannot be answered is named: unknown algorithm, auth-int alone, no nonce', () => {
  const offer = parseOffer([
    'Digest realm="r", nonce="n", algorithm=SHA-512-256',
    'Digest realm="r", nonce="n", qop="auth-int"',
    'Digest realm="r"',
    'Negotiate abc==',
  ])
  assert.deepEqual(offer.digests, [])
  assert.equal(offer.others.length, 4)
  assert.equal(offer.others[0], 'Digest SHA-512-256')
})

test('of a parameter that is said twice the first stands', () => {
  assert.equal(parseOffer(['Digest nonce="first", realm="r", nonce="second"']).digests[0]?.nonce, 'first')
})

test('a header of more than 4 KiB is not read', () => {
  assert.deepEqual(parseOffer([`Digest realm="r", nonce="${'n'.repeat(5000)}"`]), { digests: [], others: [] })
})

test('a response that is as long in letters and longer in bytes is wrong, and no crash', () => {
  const challenge = plain('r', 'n', 'MD5')
  const login = { user: 'u', password: 'p' }
  const request = { method: 'PLAY', uri: '/' }
  const header = authorization(challenge, login, request, { count: 1, cnonce: '' })
  const odd = header.replace(/response="[^"]*"/, `response="${'é'.repeat(32)}"`)
  assert.equal(isAuthorized(odd, challenge, login, request), false)
})

test('a server that wants qop does not take an answer without it', () => {
  const challenge = plain('r', 'n', 'MD5', 'auth')
  const login = { user: 'u', password: 'p' }
  const request = { method: 'PLAY', uri: 'rtsp://a/b' }
  const old = authorization({ ...challenge, qop: undefined }, login, request, { count: 1, cnonce: '' })
  assert.equal(isAuthorized(old, challenge, login, request), false)
  assert.equal(isAuthorized(undefined, challenge, login, request), false)
  assert.equal(isAuthorized('Basic dTpw', challenge, login, request), false)
})

const word = fc.string({
  minLength: 1,
  maxLength: 40,
  unit: fc.constantFrom(...Array.from('abcXYZ019 "\\,=;:/()@中')),
})

test('property: any challenge survives being written and read, beside any other scheme', () => {
  fc.assert(
    fc.property(
      word,
      word,
      fc.constantFrom('MD5' as const, 'SHA-256' as const),
      fc.option(fc.constant('auth' as const), { nil: undefined }),
      fc.option(word, { nil: undefined }),
      fc.boolean(),
      (realm, nonce, algorithm, qop, opaque, stale) => {
        const challenge = { realm, nonce, algorithm, qop, opaque, stale, namesAlgorithm: true }
        const offer = parseOffer([`Basic realm="x", ${challengeHeader(challenge)}, Negotiate`])
        assert.deepEqual(offer, { digests: [challenge], others: ['Basic', 'Negotiate'] })
      },
    ),
  )
})

test('property: a right login is always taken, another password never', () => {
  fc.assert(
    fc.property(word, word, word, word, fc.boolean(), (user, password, realm, other, withQop) => {
      fc.pre(password !== other)
      const challenge = plain(realm, 'n', 'MD5', withQop ? 'auth' : undefined)
      const request = { method: 'DESCRIBE', uri: url }
      const header = authorization(challenge, { user, password }, request, { count: 7, cnonce: 'c' })
      assert.equal(isAuthorized(header, challenge, { user, password }, request), true)
      assert.equal(isAuthorized(header, challenge, { user, password: other }, request), false)
    }),
  )
})

test('property: no header makes the parser throw or hang, and CR LF never leaves it', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
      for (const challenge of parseOffer([`Digest nonce=n, ${text}`]).digests) {
        const header = authorization(
          challenge,
          { user: text, password: text },
          { method: 'X', uri: text },
          {
            count: 1,
            cnonce: 'c',
          },
        )
        assert.doesNotMatch(header, /[\r\n]/)
      }
    }),
  )
})
