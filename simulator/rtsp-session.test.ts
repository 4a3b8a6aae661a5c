import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorization, parseOffer } from '../wire/digest.ts'
import { RtspReader, encodeRequest, headerOf, type Headers, type RtspResponse } from '../wire/rtsp.ts'
import { RtspSession, type CameraFault } from './rtsp-session.ts'

const door = { path: '/live', user: 'admin', password: 'pw', description: 'v=0\r\n' }
const url = 'rtsp://camera:554/live'

/** Asks once without and, when asked to, once with the login. */
function ask(
  session: RtspSession,
  method: string,
  uri: string,
  fault?: CameraFault,
  headers: Headers = [],
): RtspResponse {
  const send = (own: Headers): RtspResponse => {
    const [answer] = session.take(
      encodeRequest({ method, uri, headers: [['CSeq', '1'], ...own, ...headers] }),
      fault,
    )
    const [item] = new RtspReader().push(answer ?? new Uint8Array())
    assert.ok(item?.kind === 'response')
    return item
  }
  const first = send([])
  const [challenge] = parseOffer([headerOf(first.headers, 'www-authenticate') ?? '']).digests
  if (first.status !== 401 || !challenge) return first
  return send([['Authorization', authorization(challenge, door, { method, uri }, { count: 1, cnonce: '' })]])
}

const tcp: Headers = [['Transport', 'RTP/AVP/TCP;unicast;interleaved=0-1']]

test('a client that logs in walks from DESCRIBE to PLAY and gets pictures with rising numbers', () => {
  const session = new RtspSession(door)
  assert.equal(ask(session, 'PLAY', `${url}/`).status, 455)
  assert.equal(ask(session, 'DESCRIBE', url).status, 200)
  assert.equal(ask(session, 'SETUP', `${url}/trackID=1`, undefined, tcp).status, 200)
  assert.equal(ask(session, 'PLAY', `${url}/`).status, 200)
  assert.equal(session.isPlaying, true)
  const reader = new RtspReader(1)
  const frames = [1, 2].flatMap((timestamp) =>
    reader.push(session.frames({ nals: [Uint8Array.of(0x65, timestamp)], timestamp })),
  )
  const numbers = frames.map((frame) =>
    frame.kind === 'interleaved' ? Buffer.from(frame.payload).readUInt16BE(2) : -1,
  )
  assert.equal(((numbers[1] ?? 0) - (numbers[0] ?? 0)) & 0xffff, 1)
  assert.equal(ask(session, 'TEARDOWN', url).status, 200)
  assert.equal(session.isOver, true)
})

test('without the login nothing but OPTIONS is answered', () => {
  const session = new RtspSession(door)
  assert.equal(ask(session, 'OPTIONS', url).status, 200)
  const stranger = new RtspSession({ ...door, password: 'other' })
  for (const method of ['DESCRIBE', 'SETUP', 'PLAY', 'GET_PARAMETER', 'TEARDOWN']) {
    assert.equal(ask(stranger, method, url).status, 401, method)
  }
})

test('each fault at the door has its status', () => {
  const statuses: readonly (readonly [CameraFault, number])[] = [
    ['auth-refused', 401],
    ['not-found', 404],
    ['full', 453],
  ]
  for (const [fault, status] of statuses) {
    const session = new RtspSession(door)
    const described = ask(session, 'DESCRIBE', url, fault)
    const answer = fault === 'full' ? ask(session, 'SETUP', `${url}/trackID=1`, fault, tcp) : described
    assert.equal(answer.status, status, fault)
  }
  assert.equal(
    ask(new RtspSession(door), 'SETUP', `${url}/trackID=1`, undefined, [['Transport', 'RTP/AVP;unicast']])
      .status,
    461,
  )
})

test('the SHA-256 fault offers nothing else', () => {
  const [answer] = new RtspSession(door).take(
    encodeRequest({ method: 'DESCRIBE', uri: url, headers: [] }),
    'sha256-only',
  )
  assert.match(Buffer.from(answer ?? []).toString(), /WWW-Authenticate: Digest .*algorithm=SHA-256/)
})
