import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { FakeClock, systemClock, type Clock } from '../base/clock.ts'
import { RtspReader, encodeResponse, headerOf, type RtspRequest } from '../wire/rtsp.ts'
import { CameraTrouble } from './camera-trouble.ts'
import { RtspClient } from './rtsp-client.ts'

type Reply = {
  readonly status: number
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
}

const video = 'v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n'
const digest = (nonce: string, rest = ''): readonly [string, string] => [
  'WWW-Authenticate',
  `Digest realm="r", nonce="${nonce}"${rest}`,
]

/** A camera that answers by a script; everything it was asked lies in `asked`. */
async function camera(
  t: TestContext,
  script: (request: RtspRequest, socket: Socket) => Reply | undefined,
): Promise<{ readonly url: string; readonly asked: RtspRequest[]; readonly ended: Promise<unknown> }> {
  const asked: RtspRequest[] = []
  const ended = Promise.withResolvers<undefined>()
  const server = createServer((socket) => {
    const reader = new RtspReader()
    socket.on('error', () => undefined)
    socket.on('close', () => ended.resolve(undefined))
    socket.on('data', (bytes) => {
      for (const item of reader.push(bytes)) {
        if (item.kind !== 'request') continue
        asked.push(item)
        const reply = script(item, socket)
        if (!reply) continue
        const cseq = ['CSeq', headerOf(item.headers, 'cseq') ?? ''] as const
        const headers = [cseq, ...(reply.headers ?? [])]
        socket.write(
          encodeResponse({ status: reply.status, reason: 'R', headers, body: Buffer.from(reply.body ?? '') }),
        )
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo // it listens on TCP
  return { url: `rtsp://127.0.0.1:${port}/live`, asked, ended: ended.promise }
}

const play = (url: string, clock: Clock = systemClock): Promise<RtspClient> =>
  RtspClient.play({ url, user: 'admin', password: 'Abc12345' }, clock, new AbortController().signal)

const troubleOf = (url: string, clock?: Clock): Promise<string> =>
  play(url, clock).then(
    (client) => {
      client.close()
      return 'none'
    },
    (error: unknown) => {
      assert.ok(error instanceof CameraTrouble, String(error))
      assert.doesNotMatch(error.message, /Abc12345/)
      return error.fault
    },
  )

const isSigned = (request: RtspRequest): boolean => headerOf(request.headers, 'authorization') !== undefined
const good = (request: RtspRequest): Reply =>
  request.method === 'DESCRIBE'
    ? { status: 200, body: video }
    : { status: 200, headers: [['Session', '42;timeout=60']] }

test('a session is opened, and given back when it is closed', async (t) => {
  const { url, asked, ended } = await camera(t, good)
  const client = await play(url)
  client.close()
  await ended
  assert.deepEqual(
    asked.map(({ method, uri }) => [method, uri]),
    [
      ['OPTIONS', url],
      ['DESCRIBE', url],
      ['SETUP', `${url}/trackID=1`],
      ['PLAY', url],
      ['TEARDOWN', url],
    ],
  )
  assert.equal(headerOf(asked[4]?.headers ?? [], 'session'), '42')
})

test('a wrong password is said after one try: more could lock the account', async (t) => {
  const { url, asked } = await camera(t, ({ method }) =>
    method === 'OPTIONS' ? { status: 200 } : { status: 401, headers: [digest('n')] },
  )
  assert.equal(await troubleOf(url), 'auth-refused')
  assert.equal(asked.filter(isSigned).length, 1)
})

test('a nonce that is too old is no wrong password', async (t) => {
  const { url } = await camera(t, (request) => {
    const header = headerOf(request.headers, 'authorization') ?? ''
    if (request.method === 'OPTIONS' || header.includes('nonce="second"')) return good(request)
    return { status: 401, headers: [header === '' ? digest('first') : digest('second', ', stale=TRUE')] }
  })
  assert.equal(await troubleOf(url), 'none')
})

test('a camera that wants a new nonce for each request is obeyed', async (t) => {
  let nonce = 0
  const { url } = await camera(t, (request) => {
    const header = headerOf(request.headers, 'authorization') ?? ''
    if (request.method === 'OPTIONS' || header.includes(`nonce="${nonce}"`)) {
      if (request.method !== 'OPTIONS') nonce++
      return good(request)
    }
    return { status: 401, headers: [digest(String(nonce))] }
  })
  assert.equal(await troubleOf(url), 'none')
})

test('MD5 is answered where SHA-256 is offered beside it', async (t) => {
  const { url, asked } = await camera(t, (request) =>
    request.method === 'OPTIONS' || isSigned(request)
      ? good(request)
      : { status: 401, headers: [digest('m', ', algorithm=MD5'), digest('s', ', algorithm=SHA-256')] },
  )
  assert.equal(await troubleOf(url), 'none')
  assert.match(
    headerOf(asked.find(isSigned)?.headers ?? [], 'authorization') ?? '',
    /nonce="m".*algorithm=MD5/,
  )
})

const refusals: readonly (readonly [
  what: string,
  fault: string,
  script: (request: RtspRequest) => Reply | undefined,
])[] = [
  [
    'only SHA-256',
    'auth-unsupported',
    () => ({ status: 401, headers: [digest('n', ', algorithm="SHA-256"')] }),
  ],
  [
    'only Basic',
    'auth-unsupported',
    () => ({ status: 401, headers: [['WWW-Authenticate', 'Basic realm="r"']] }),
  ],
  ['no such stream', 'missing', ({ method }) => ({ status: method === 'DESCRIBE' ? 404 : 200 })],
  [
    '403 after the login',
    'full',
    (request) => (isSigned(request) ? { status: 403 } : { status: 401, headers: [digest('n')] }),
  ],
  ['453 at SETUP', 'full', (request) => (request.method === 'SETUP' ? { status: 453 } : good(request))],
  ['503', 'full', () => ({ status: 503 })],
  ['500', 'unreachable', ({ method }) => ({ status: method === 'OPTIONS' ? 200 : 500 })],
  [
    'another codec',
    'missing',
    (request) =>
      request.method === 'DESCRIBE'
        ? { status: 200, body: 'm=video 0 RTP/AVP 26\r\na=rtpmap:26 JPEG/90000\r\n' }
        : good(request),
  ],
]

for (const [what, fault, script] of refusals) {
  test(`a camera that answers with ${what} is called ${fault}`, async (t) => {
    const { url } = await camera(t, script)
    assert.equal(await troubleOf(url), fault)
  })
}

test('a camera that takes the connection and says nothing is stalled, one that speaks no RTSP is garbled', async (t) => {
  for (const [words, fault] of [
    ['', 'stalled'],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'garbled'],
  ] as const) {
    const clock = new FakeClock()
    const { url } = await camera(t, (_, socket) => {
      socket.write(words)
      // The answer is on its way; the client's patience ends after it.
      setImmediate(() => setImmediate(() => void clock.turn(5000)))
      return undefined
    })
    assert.equal(await troubleOf(url, clock), fault)
  }
})

test('nobody at the address is unreachable', async () => {
  assert.equal(await troubleOf('rtsp://127.0.0.1:1/live'), 'unreachable')
})

test('a session is kept alive twice in the time that the camera gives it', async (t) => {
  const clock = new FakeClock()
  const alive = Promise.withResolvers<string>()
  const { url } = await camera(t, (request) => {
    if (request.method === 'OPTIONS') return { status: 200, headers: [['Public', 'PLAY, GET_PARAMETER']] }
    if (request.method === 'GET_PARAMETER') alive.resolve(headerOf(request.headers, 'session') ?? '')
    return good(request)
  })
  const client = await play(url, clock)
  await clock.turn(30_000)
  assert.equal(await alive.promise, '42')
  client.close()
})
