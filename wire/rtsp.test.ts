import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isGanglionError } from '../base/errors.ts'
import {
  RtspReader,
  encodeInterleaved,
  encodeRequest,
  encodeResponse,
  headerOf,
  headersOf,
  type RtspItem,
} from './rtsp.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

test('a request, a response with a body and a media frame come out of one stream in order', () => {
  const reader = new RtspReader()
  const items = reader.push(
    Buffer.concat([
      encodeRequest({ method: 'DESCRIBE', uri: 'rtsp://a:1/b', headers: [['CSeq', '2']] }),
      encodeInterleaved(0, Uint8Array.of(0x80, 1, 0x24, 0x0d)),
      encodeResponse({
        status: 401,
        reason: 'Unauthorized',
        headers: [
          ['CSeq', '2'],
          ['WWW-Authenticate', 'Digest realm="a", nonce="1"'],
          ['WWW-Authenticate', 'Basic realm="a"'],
        ],
        body: bytes('v=0'),
      }),
    ]),
  )
  assert.equal(reader.skippedBytes, 0)
  const [request, media, response] = items
  assert.equal(items.length, 3)
  assert.equal(request?.kind === 'request' && request.uri, 'rtsp://a:1/b')
  assert.deepEqual(media, { kind: 'interleaved', channel: 0, payload: Uint8Array.of(0x80, 1, 0x24, 0x0d) })
  assert.ok(response?.kind === 'response')
  assert.equal(response.status, 401)
  assert.equal(headersOf(response.headers, 'www-authenticate').length, 2)
  assert.equal(headerOf(response.headers, 'cseq'), '2')
  assert.deepEqual(response.body, Uint8Array.from(bytes('v=0')))
})

test('rubbish before a message is skipped and counted, and the message still comes', () => {
  const reader = new RtspReader()
  const rubbish = bytes('\x00\xff\x17hello\nHTTP/1.1 200 OK\r\n')
  const items = reader.push(
    Buffer.concat([rubbish, encodeResponse({ status: 200, reason: 'OK', headers: [] })]),
  )
  assert.deepEqual(
    items.map((item) => item.kind === 'response' && item.status),
    [200],
  )
  assert.equal(reader.skippedBytes, rubbish.length)
})

test('a frame on a channel that was not set up is rubbish, so that noise swallows no real frame', () => {
  const reader = new RtspReader(1)
  const real = encodeInterleaved(0, Uint8Array.of(0x80, 7))
  const items = reader.push(Buffer.concat([bytes('\x9f$\x77\xff\xffnoise'), real]))
  assert.deepEqual(
    items.map((item) => item.kind === 'interleaved' && item.channel),
    [0],
  )
  assert.equal(reader.skippedBytes, 10)
})

test('a body longer than the bound, or a length that is no number, is not waited for', () => {
  for (const length of ['999999', '-1', '1e3', '99999999999']) {
    const reader = new RtspReader()
    const bad = bytes(`RTSP/1.0 200 OK\r\nContent-Length: ${length}\r\n\r\n`)
    const items = reader.push(
      Buffer.concat([bad, encodeResponse({ status: 404, reason: 'Not Found', headers: [] })]),
    )
    assert.deepEqual(
      items.map((item) => item.kind === 'response' && item.status),
      [404],
      length,
    )
    assert.ok(reader.skippedBytes > 0)
  }
})

test('a peer that never ends its headers does not grow the memory', () => {
  const reader = new RtspReader()
  const drip = bytes(`RTSP/1.0 200 OK\r\n${'X-A: b\r\n'.repeat(200)}`)
  for (let i = 0; i < 100; i++) assert.deepEqual(reader.push(drip), [])
  assert.ok(reader.skippedBytes > 100_000)
})

test('a header value cannot smuggle a second line in, and a frame is at most 65,535 bytes', () => {
  const isFrameInvalid = (error: unknown): boolean => isGanglionError(error, 'frame-invalid')
  assert.throws(
    () => encodeRequest({ method: 'PLAY', uri: 'rtsp://a/b', headers: [['Session', '1\r\nX: y']] }),
    isFrameInvalid,
  )
  assert.throws(() => encodeInterleaved(0, new Uint8Array(65_536)), isFrameInvalid)
})

const payload = fc.uint8Array({ maxLength: 300 })
const item: fc.Arbitrary<{ readonly wire: Uint8Array; readonly is: string }> = fc.oneof(
  fc.tuple(fc.nat(255), payload).map(([channel, body]) => ({
    wire: encodeInterleaved(channel, body),
    is: `$${channel} ${Buffer.from(body).toString('hex')}`,
  })),
  fc.tuple(fc.constantFrom('OPTIONS', 'GET_PARAMETER', 'PLAY'), payload).map(([method, body]) => ({
    wire: encodeRequest({ method, uri: 'rtsp://h/p', headers: [['CSeq', '1']], body }),
    is: `${method} ${Buffer.from(body).toString('hex')}`,
  })),
  fc.tuple(fc.integer({ min: 100, max: 599 }), payload).map(([status, body]) => ({
    wire: encodeResponse({ status, reason: 'Some Reason', headers: [['CSeq', '1']], body }),
    is: `${status} ${Buffer.from(body).toString('hex')}`,
  })),
)

const shown = (found: RtspItem): string => {
  if (found.kind === 'interleaved') return `$${found.channel} ${Buffer.from(found.payload).toString('hex')}`
  const what = found.kind === 'request' ? found.method : found.status
  return `${what} ${Buffer.from(found.body).toString('hex')}`
}

test('property: however the stream is cut into pieces, the same items come out and nothing is skipped', () => {
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 97 }),
      (items, step) => {
        const stream = Buffer.concat(items.map(({ wire }) => wire))
        const reader = new RtspReader()
        const found: RtspItem[] = []
        for (let at = 0; at < stream.length; at += step)
          found.push(...reader.push(stream.subarray(at, at + step)))
        assert.deepEqual(
          found.map(shown),
          items.map(({ is }) => is),
        )
        assert.equal(reader.skippedBytes, 0)
      },
    ),
  )
})

test('property: random bytes never throw, and a message after them and two line ends is always found', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      // A `$` in the noise may claim up to 65,535 bytes that follow: that much is believed, by the protocol.
      const quiet = noise.map((byte) => (byte === 0x24 ? 0 : byte))
      const reader = new RtspReader()
      const end = encodeResponse({ status: 454, reason: 'Session Not Found', headers: [] })
      const found = reader.push(Buffer.concat([quiet, bytes('\r\n\r\n'), end]))
      assert.equal(found.at(-1)?.kind === 'response' && shown(found[found.length - 1] as RtspItem), '454 ') // just compared
    }),
  )
})

test('what a peer trickles, or what begins again and again as something else, costs no more than what it is long', () => {
  const head = 'DESCRIBE rtsp://camera/1 RTSP/1.0\r\n'
  const floods: Readonly<Record<string, string>> = {
    'heads that never end': head.repeat(4000),
    'frames of no channel': '$'.repeat(100_000),
    'words in capitals': 'ABC '.repeat(30_000),
    'frames and words': '$\0\0\0A'.repeat(20_000),
    'headers without end': `${head}${'a: b\r\n'.repeat(3000)}`,
  }
  for (const [what, flood] of Object.entries(floods)) {
    const reader = new RtspReader(1)
    const stream = bytes(flood)
    let most = 0
    for (const byte of stream) {
      reader.push(Uint8Array.of(byte))
      most = Math.max(most, reader.waiting)
    }
    assert.ok(most <= 16_400, `${what}: ${most} bytes are held`)
    const at = reader.push(bytes(`\r\n\r\n${head}\r\n`)).filter(({ kind }) => kind === 'request')
    assert.ok(at.length > 0, `${what}: the next message is heard`)
  }
})
