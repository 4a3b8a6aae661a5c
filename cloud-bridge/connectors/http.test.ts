import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { FakeClock, isoTime } from '../../base/clock.ts'
import { checker } from '../../base/schema.ts'
import type { Away, Connector, Delivery, DeliveryAnswer } from '../../gateway/ports.ts'
import { contentDigestHolds } from '../../wire/content-digest.ts'
import { signerOf, verifyRequest } from '../../wire/http-signature.ts'
import http from './http.ts'

/** Platforms that are not the simulator's: each test says what its server does. */

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const signer = signerOf(privateKey)
const never = new AbortController().signal
const ends: (() => Promise<void>)[] = []
after(async () => {
  for (const end of ends) await end()
})

interface Ask {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
}

async function serve(
  answer: (ask: Ask) => void,
): Promise<{ readonly port: number; readonly asked: () => number }> {
  let asked = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked++
      answer({ request, response, body: Buffer.concat(chunks) })
    })
  })
  return { port: await listening(server), asked: () => asked }
}

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port // it listens on TCP
}

function connect(
  port: number,
  settings: object = {},
  clock = new FakeClock(),
): { connector: Connector; clock: FakeClock } {
  const connector = http.create({
    id: 'city',
    boxId: 'box-1',
    clock,
    settings: { url: `http://127.0.0.1:${port}/v1/`, ...settings },
    sign: (base) => signer.sign(base),
    secret: () => '',
  })
  ends.unshift(() => connector.close())
  return { connector, clock }
}

const delivery = (n: number, note = ''): Delivery => ({
  key: String(n).padStart(64, '0'),
  revision: 1,
  body: JSON.stringify({ n, clearedAt: null, note }),
  at: new FakeClock().now(),
})
const three = [delivery(1), delivery(2), delivery(3)]

const aMove = { key: 'a'.repeat(64), stage: 'accepted', version: 1, at: isoTime(new FakeClock().now()) }

interface Sent {
  readonly id: string
  readonly data: { readonly n: number }
}
const eventsOf = ({ body }: Ask): readonly Sent[] => {
  const value = JSON.parse(body.toString()) as Sent | readonly Sent[] // written by the connector
  return 'id' in value ? [value] : value
}
const takeAll = (ask: Ask): void => {
  const results = eventsOf(ask).map(({ id }) => ({ id, status: 'taken' }))
  ask.response.end(JSON.stringify({ results }))
}
const away = (answer: readonly DeliveryAnswer[] | Away): Away => {
  assert.ok('is' in answer, JSON.stringify(answer))
  return answer
}

test('every request is signed over method, host, path, query, digest and idempotency key', async () => {
  const clock = new FakeClock()
  const nonces = new Set<string>()
  let verdicts = ''
  const { port } = await serve((ask) => {
    const { request, response, body } = ask
    const [path = '', query] = (request.url ?? '').split('?')
    const requires = ['@method', '@authority', '@path', ...(query === undefined ? [] : ['@query'])]
    if (request.method === 'POST') requires.push('content-digest', 'idempotency-key')
    const fields = request.headers as Record<string, string> // none of them comes as a list
    const verdict = verifyRequest(
      {
        method: request.method ?? '',
        authority: request.headers.host ?? '',
        path,
        query: query && `?${query}`,
        fields,
      },
      { keyFor: (keyId) => (keyId === 'box-1' ? publicKey : undefined), now: clock.now(), requires },
    )
    verdicts += `${verdict.is} `
    if (verdict.is === 'valid') nonces.add(verdict.nonce)
    if (request.method === 'GET') {
      response.end(JSON.stringify({ moves: [aMove], cursor: '1' }))
      return
    }
    assert.ok(contentDigestHolds(fields['content-digest'], body))
    assert.equal(fields['ganglion-contract'], '1')
    assert.match(fields['idempotency-key'] ?? '', /^"box-1:0{63}1:1:[0-9a-f]{32}"$/)
    assert.equal(fields['content-type'], 'application/cloudevents-batch+json')
    takeAll(ask)
  })
  const { connector } = connect(port, {}, clock)
  assert.deepEqual(await connector.send(three, never), [{ is: 'taken' }, { is: 'taken' }, { is: 'taken' }])
  assert.ok('moves' in (await connector.stages('a b&c', never)))
  assert.equal(verdicts, 'valid valid ')
  assert.equal(nonces.size, 2)
})

test('the same events have the same Idempotency-Key, others another', async () => {
  const keys: unknown[] = []
  const { port } = await serve((ask) => {
    keys.push(ask.request.headers['idempotency-key'])
    takeAll(ask)
  })
  const { connector } = connect(port)
  await connector.send(three, never)
  await connector.send(three, never)
  await connector.send(three.slice(0, 2), never)
  await connector.send([delivery(1, 'changed')], never)
  assert.equal(keys[0], keys[1])
  assert.equal(new Set(keys).size, 3)
})

test('each item of a batch has its own answer', async () => {
  const { port } = await serve((ask) => {
    const words = ['taken', 'later', 'refused']
    const results = eventsOf(ask).map(({ id }, index) => ({ id, status: words[index], reason: `r${index}` }))
    ask.response.end(JSON.stringify({ results, more: 'fields may come within a version' }))
  })
  const { connector } = connect(port)
  assert.deepEqual(await connector.send(three, never), [
    { is: 'taken' },
    { is: 'later', reason: 'r1' },
    { is: 'refused', reason: 'r2' },
  ])
})

test('a batch is cut into requests of the size that the box names', async () => {
  const sizes: number[] = []
  const { port } = await serve((ask) => {
    sizes.push(eventsOf(ask).length)
    takeAll(ask)
  })
  const { connector } = connect(port, { batch: 2 })
  assert.equal((await connector.send([...three, delivery(4), delivery(5)], never) as unknown[]).length, 5) // prettier-ignore
  assert.deepEqual(sizes, [2, 2, 1])
})

test('cases beyond 4 MiB together go in more than one request', async () => {
  const { port, asked } = await serve(takeAll)
  const { connector } = connect(port)
  const large = 'x'.repeat(600_000)
  await connector.send([delivery(1, large), delivery(2, large), delivery(3, large)], never)
  assert.equal(asked(), 2)
})

for (const status of [400, 413, 422]) {
  test(`when a batch is answered ${status}, only the poisoned event is refused`, async () => {
    const { port, asked } = await serve((ask) => {
      if (!eventsOf(ask).some(({ data }) => data.n === 2)) {
        takeAll(ask)
        return
      }
      ask.response.writeHead(status, { 'content-type': 'application/problem+json' })
      ask.response.end('{"detail":"number 2\\u001b[31m is not wanted"}')
    })
    const { connector } = connect(port)
    assert.deepEqual(await connector.send(three, never), [
      { is: 'taken' },
      { is: 'refused', reason: `the platform answered ${status}: number 2 [31m is not wanted` },
      { is: 'taken' },
    ])
    assert.equal(asked(), 4)
  })
}

test('when the platform goes away in the middle, what it answered stays and the rest comes later', async () => {
  let requests = 0
  const { port } = await serve((ask) => {
    if (++requests === 1) takeAll(ask)
    else ask.response.writeHead(503, { 'retry-after': '5' }).end()
  })
  const { connector } = connect(port, { batch: 2 })
  const answers = await connector.send(three, never)
  assert.ok(!('is' in answers))
  assert.deepEqual(
    answers.map(({ is }) => is),
    ['taken', 'taken', 'later'],
  )
})

const answered: readonly (readonly [number, Record<string, string>, RegExp, number | undefined])[] = [
  [500, {}, /answered 500/, undefined],
  [503, { 'retry-after': '7' }, /answered 503/, 7000],
  [503, { 'retry-after': 'Mon, 02 Mar 2026 00:00:30 GMT' }, /answered 503/, 30_000],
  [503, { 'retry-after': '99999' }, /answered 503/, 3_600_000],
  [429, { 'retry-after': '3' }, /answered 429/, 3000],
  [404, {}, /answered 404/, undefined],
  [403, {}, /answered 403/, undefined],
  [415, {}, /answered 415/, undefined],
  [409, {}, /still at work/, 1000],
  [302, { location: 'http://127.0.0.1:1/' }, /^platform-nonsense: it answered 302/, undefined],
  [204, {}, /^platform-nonsense/, undefined],
  [401, { date: 'Mon, 02 Mar 2026 00:00:10 GMT' }, /answered 401/, undefined],
  [401, { date: 'Mon, 02 Mar 2026 00:10:00 GMT' }, /^clock wrong: this box is 600 s behind/, undefined],
  [401, { date: 'Sun, 01 Mar 2026 23:00:00 GMT' }, /^clock wrong: this box is 3600 s ahead/, undefined],
]
for (const [status, headers, reason, waitMs] of answered) {
  const shown = Object.values(headers).join()
  test(`a ${status} ${shown} means away and not lost`, async () => {
    const { port, asked } = await serve(({ response }) => response.writeHead(status, headers).end())
    const { connector } = connect(port)
    const answer = away(await connector.send(three, never))
    assert.match(answer.reason, reason)
    assert.equal(answer.waitMs, waitMs)
    assert.equal(asked(), 1)
  })
}

test('a redirect is not followed', async () => {
  const other = await serve(takeAll)
  const { port } = await serve(({ response }) =>
    response.writeHead(307, { location: `http://127.0.0.1:${other.port}/v1/cases` }).end(),
  )
  const { connector } = connect(port)
  assert.match(away(await connector.send(three, never)).reason, /redirect/)
  assert.equal(other.asked(), 0)
})

const nonsense: Readonly<Record<string, (events: readonly Sent[]) => string>> = {
  'a page': () => '<html>hello</html>',
  nothing: () => '',
  null: () => 'null',
  'another shape': () => '{"ok":true}',
  'too few results': ([first]) => JSON.stringify({ results: [{ id: first?.id, status: 'taken' }] }),
  'results in another order': (events) =>
    JSON.stringify({ results: events.toReversed().map(({ id }) => ({ id, status: 'taken' })) }),
  'an unknown status': (events) =>
    JSON.stringify({ results: events.map(({ id }) => ({ id, status: 'ok' })) }),
}
for (const [what, body] of Object.entries(nonsense)) {
  test(`${what} with 200 is platform-nonsense and nothing counts as taken`, async () => {
    const { port } = await serve((ask) => ask.response.end(body(eventsOf(ask))))
    const { connector } = connect(port)
    assert.match(away(await connector.send(three, never)).reason, /^platform-nonsense: /)
  })
}

test('an answer beyond 1 MiB is platform-nonsense', async () => {
  const { port } = await serve(({ response }) => response.end(Buffer.alloc(1_100_000, 0x20)))
  const { connector } = connect(port)
  assert.match(away(await connector.send(three, never)).reason, /^platform-nonsense: .*larger/)
})

test('what is no HTTP is platform-nonsense', async () => {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write('SSH-2.0-OpenSSH_9.9\r\n'))
  })
  const port = await listening(server)
  ends.unshift(async () => sockets.forEach((socket) => socket.destroy()))
  const { connector } = connect(port)
  assert.match(away(await connector.send(three, never)).reason, /^platform-nonsense: it does not speak HTTP/)
})

test('an answer that trickles is ended when the whole has taken too long', async () => {
  let trickle: ServerResponse | undefined
  const { port } = await serve(({ response }) => {
    response.writeHead(200)
    response.write('{"results":[')
    trickle = response
  })
  const { connector, clock } = connect(port)
  const sent = connector.send(three, never)
  while (!trickle) await new Promise((resolve) => setImmediate(resolve))
  for (let second = 0; second < 11; second++) {
    trickle.write(' ')
    await clock.turn(1000)
  }
  assert.match(away(await sent).reason, /did not answer within 10 s/)
})

test('a kept connection that is closed in the moment of use is tried once more', async () => {
  let requests = 0
  const { port } = await serve((ask) => {
    if (++requests === 2) ask.request.socket.destroy()
    else takeAll(ask)
  })
  const { connector } = connect(port)
  const taken = [{ is: 'taken' }, { is: 'taken' }, { is: 'taken' }]
  assert.deepEqual(await connector.send(three, never), taken)
  assert.deepEqual(await connector.send(three, never), taken)
  assert.equal(requests, 3)
})

test('a port that nobody listens on is away', async () => {
  const server = createServer()
  const port = await listening(server)
  server.close()
  const { connector } = connect(port)
  assert.match(away(await connector.send(three, never)).reason, /cannot be reached \(ECONNREFUSED\)/)
})

test('moves outside the contract are nonsense that names the place', async () => {
  const move = { ...aMove, stage: 'finished' }
  const { port } = await serve(({ response }) => response.end(JSON.stringify({ moves: [move], cursor: '1' })))
  const { connector } = connect(port)
  const answer = await connector.stages('', never)
  assert.ok('is' in answer)
  assert.match(answer.reason, /^platform-nonsense: \/stages\/moves\/0\/stage: /)
})

test('a platform that does not hold the question is asked once a second at most', async () => {
  const { port, asked } = await serve(({ response }) => response.end('{"moves":[],"cursor":"1"}'))
  const { connector, clock } = connect(port)
  let isAnswered = false
  const answer = connector.stages('1', never).then((feed) => {
    isAnswered = true
    return feed
  })
  while (asked() === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.turn(999)
  assert.ok(!isAnswered)
  await clock.turn(1)
  assert.deepEqual(await answer, { moves: [], cursor: '1' })
})

test('settings are checked: one URL without credentials, query or fragment', () => {
  const check = checker(http.settings)
  for (const url of [
    'http://127.0.0.1:18090/v1',
    'https://platform.example',
    'https://platform.example/a/b/',
  ]) {
    assert.ok(check({ url }).ok, url)
  }
  for (const url of [
    'ftp://a',
    'http://user:pw@a/',
    'http://a/?token=1',
    'http://a/#x',
    'http:///x',
    'http://a b',
  ]) {
    assert.ok(!check({ url }).ok, url)
  }
  assert.ok(check({ url: 'http://a', batch: 200, timeout: '5 s', wait: '10 s', ca: 'file:ca.pem' }).ok)
  assert.ok(!check({ url: 'http://a', batch: 201 }).ok)
  assert.ok(!check({ url: 'http://a', timout: '5 s' }).ok)
})
