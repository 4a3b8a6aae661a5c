import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { FakeClock, instant, type Instant } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { contentDigest } from '../wire/content-digest.ts'
import { signerOf, signRequest } from '../wire/http-signature.ts'
import { PARTIAL_UPLOAD, uploadHeaders } from '../wire/resumable-upload.ts'
import { faults } from './faults.ts'
import { platformFaults } from './platform/fault.ts'
import type { CaseData, Fact } from './platform/received.ts'
import { startPlatform, type Platform, type PlatformOptions } from './platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'ganglion-platform-'))
const keyFile = join(folder, 'box.public.pem')
const first = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ed25519')
const platforms: Platform[] = []
after(async () => {
  for (const platform of platforms) await platform.stop()
  rmSync(folder, { recursive: true })
})

function setKey(pair = first): void {
  writeFileSync(keyFile, pair.publicKey.export({ type: 'spki', format: 'pem' }))
}

async function start(
  options: Partial<PlatformOptions> = {},
): Promise<{ platform: Platform; clock: FakeClock }> {
  const clock = new FakeClock()
  setKey()
  const keys = { 'box-1': keyFile }
  const platform = await startPlatform({ host: '127.0.0.1', port: 0, keys, clock, ...options })
  platforms.push(platform)
  return { platform, clock }
}

interface Ask {
  readonly method?: string
  readonly path?: string
  readonly body?: string | Uint8Array
  readonly headers?: Record<string, string>
  readonly covers?: readonly string[]
  readonly created?: Instant
  readonly nonce?: string
  readonly keyId?: string
  readonly pair?: typeof first
  /** Changes the request after it was signed. */
  readonly tamper?: (headers: Record<string, string>) => Record<string, string>
}

/** A signed request, made by hand from the published contract. */
async function ask(platform: Platform, asked: Ask): Promise<Response> {
  const { method = 'POST', path = '/cases', body, headers = {}, keyId = 'box-1', pair = first } = asked
  const url = new URL(platform.url + path)
  const fields: Record<string, string> = { ...headers }
  if (body !== undefined) fields['content-digest'] ??= contentDigest(body)
  const components = [
    '@method',
    '@authority',
    '@path',
    ...(url.search === '' ? [] : ['@query']),
    ...(body === undefined ? [] : ['content-digest']),
    ...(method === 'POST' ? ['idempotency-key'] : []),
    ...(method === 'PATCH' ? ['upload-offset', 'upload-complete', 'upload-length'] : []),
  ]
  if (method === 'POST') fields['idempotency-key'] ??= `"${randomBytes(6).toString('hex')}"`
  const signed = signRequest(
    { method, authority: url.host, path: url.pathname, query: url.search || undefined, fields },
    {
      keyId,
      signer: signerOf(pair.privateKey),
      components: asked.covers ?? components,
      created: asked.created ?? new FakeClock().now(),
      nonce: asked.nonce ?? randomBytes(6).toString('hex'),
    },
  )
  const all = { ...fields, ...signed }
  return fetch(url, { method, headers: asked.tamper?.(all) ?? all, ...(body === undefined ? {} : { body }) })
}

const key = (n: number): string => String(n).padStart(64, '0')
const since = '2026-03-02T00:00:00.000Z'

function caseData(changed: Partial<CaseData> & Record<string, unknown> = {}): Record<string, unknown> {
  return {
    contract: 1,
    key: key(1),
    revision: 1,
    boxId: 'box-1',
    class: 'smoke',
    classCode: 'X-SMOKE',
    classLocal: true,
    className: { zh: '烟雾报警', en: 'Smoke' },
    severity: 'life-safety',
    source: 'sensor',
    siteId: 'shed',
    siteName: { zh: '车棚', en: 'Shed' },
    place: 'shed/smoke',
    address: '花园里 3 号楼东侧',
    gridCode: '11010100100101',
    position: { lng: 116.4, lat: 39.9, crs: 'WGS84' },
    since,
    raisedAt: since,
    clearedAt: null,
    count: 1,
    why: {
      rule: 'smoke',
      ruleVersion: 1,
      text: { zh: '烟感报警', en: 'Smoke' },
      readings: [],
      detections: [],
    },
    proof: [],
    proofMissing: null,
    drill: false,
    use: 'lead',
    timeUnsure: false,
    stage: 'raised',
    stageVersion: 0,
    platformStage: null,
    platformCase: null,
    complete: false,
    ...changed,
  }
}

function event(
  data: Record<string, unknown>,
  changed: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: `${String(data['key'])}:${String(data['revision'])}`,
    source: '/ganglion/box-1',
    type: 'ganglion.case.raised',
    time: since,
    datacontenttype: 'application/json',
    dataschema: 'urn:ganglion:contract:1:case',
    data,
    ...changed,
  }
}

const single = { 'content-type': 'application/cloudevents+json' }
const batch = { 'content-type': 'application/cloudevents-batch+json' }
const sent = (data = caseData(), more: Partial<Ask> = {}): Ask => ({
  headers: { ...single },
  body: JSON.stringify(event(data)),
  ...more,
})

async function statuses(response: Response): Promise<readonly string[]> {
  const { results } = (await response.json()) as { results: readonly { status: string }[] } // the contract's shape
  return results.map(({ status }) => status)
}

interface Feed {
  readonly moves: readonly {
    readonly key: string
    readonly stage: string
    readonly version: number
    readonly complete?: true
  }[]
  readonly cursor: string
}
async function feed(platform: Platform, cursor = '', created?: Instant): Promise<Feed> {
  const response = await ask(platform, {
    method: 'GET',
    path: `/stages?after=${cursor}&wait=0`,
    ...(created === undefined ? {} : { created }),
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Feed // the contract's shape
}

test('a signed case is taken, once', async () => {
  const { platform } = await start()
  assert.deepEqual(await statuses(await ask(platform, sent())), ['taken'])
  assert.deepEqual(await statuses(await ask(platform, sent())), ['taken'])
  const [received, ...others] = platform.received()
  assert.equal(others.length, 0)
  assert.equal(received?.repeats, 1)
  assert.equal(received.data?.classCode, 'X-SMOKE')
  assert.ok(received.answeredAt !== undefined)
  const { revisions, repeats, events, refused, unsigned } = platform.counters()
  assert.deepEqual({ revisions, repeats, events, refused, unsigned }, { revisions: 1, repeats: 1, events: 2, refused: 0, unsigned: 0 }) // prettier-ignore
})

const forgeries: Readonly<Record<string, Partial<Ask>>> = {
  'without a signature': { tamper: (headers) => ({ ...headers, signature: '' }) },
  'signed by another key': { pair: other },
  'of a box that nobody knows': { keyId: 'box-2' },
  'whose keyid is a name of the language': { keyId: 'constructor' },
  'signed 301 s ago': { created: instant(new FakeClock().now() - 301_000) },
  'signed 301 s ahead': { created: instant(new FakeClock().now() + 301_000) },
  'whose idempotency key is not covered': { covers: ['@method', '@authority', '@path', 'content-digest'] },
  'whose body is not covered': { covers: ['@method', '@authority', '@path', 'idempotency-key'] },
  'whose idempotency key was changed': {
    tamper: (headers) => ({ ...headers, 'idempotency-key': '"other"' }),
  },
  'whose digest is another body’s': { headers: { ...single, 'content-digest': contentDigest('other') } },
}
for (const [what, forged] of Object.entries(forgeries)) {
  test(`a request ${what} is answered 401 with the time, and nothing is taken`, async () => {
    const { platform } = await start()
    const response = await ask(platform, sent(caseData(), forged))
    assert.equal(response.status, 401)
    assert.ok(response.headers.get('date'))
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    assert.equal(platform.received().length, 0)
    assert.equal(platform.counters().unsigned, 1)
  })
}

test('a request that is played again is refused', async () => {
  const { platform } = await start()
  assert.equal((await ask(platform, sent(caseData(), { nonce: 'n1' }))).status, 200)
  assert.equal((await ask(platform, sent(caseData(), { nonce: 'n1' }))).status, 401)
})

test('the key may come after the platform, and may change', async () => {
  const { platform } = await start({ keys: { 'box-1': join(folder, 'late.pem') } })
  assert.equal((await ask(platform, sent())).status, 401)
  const write = (pair: typeof first) =>
    writeFileSync(join(folder, 'late.pem'), pair.publicKey.export({ type: 'spki', format: 'pem' }))
  write(first)
  assert.equal((await ask(platform, sent())).status, 200)
  write(other)
  assert.equal((await ask(platform, sent(caseData(), { pair: other }))).status, 200)
  assert.equal((await ask(platform, sent(caseData(), { pair: first }))).status, 401)
})

test('the same Idempotency-Key gives the same answer, and 422 with another body', async () => {
  const { platform } = await start()
  const headers = { ...single, 'idempotency-key': '"box-1:a"' }
  const one = await (await ask(platform, sent(caseData(), { headers }))).text()
  const again = await (await ask(platform, sent(caseData(), { headers }))).text()
  assert.equal(one, again)
  assert.equal((await ask(platform, sent(caseData({ key: key(2) }), { headers }))).status, 422)
  assert.equal(platform.received().length, 1)
})

test('events outside the contract are refused one by one, with the place that is wrong', async () => {
  const { platform } = await start()
  const good = event(caseData())
  const events = [
    good,
    event(caseData({ gridCode: '1' })),
    event(caseData({ surprise: true })),
    event(caseData(), { id: `${key(9)}:1` }),
    event(caseData({ boxId: 'box-2' })),
    event(caseData(), { source: '/ganglion/box-2' }),
    event(caseData(), { specversion: '0.3' }),
    7,
  ]
  const response = await ask(platform, { headers: { ...batch }, body: JSON.stringify(events) })
  assert.equal(response.status, 200)
  const text = await response.clone().text()
  assert.deepEqual(await statuses(response), ['taken', ...Array.from({ length: 7 }, () => 'refused')])
  assert.match(text, /gridCode/)
  assert.equal(platform.received().length, 1)
})

test('requests outside the contract are answered 4xx with a problem', async () => {
  const { platform } = await start()
  const one = JSON.stringify(event(caseData()))
  const wrong: readonly (readonly [number, Ask])[] = [
    [400, { headers: { ...single }, body: '{' }],
    [400, { headers: { ...batch }, body: '[]' }],
    [400, { headers: { ...batch }, body: one }],
    [413, { headers: { ...batch }, body: `[${Array.from({ length: 201 }, () => '1').join(',')}]` }],
    [415, { headers: { 'content-type': 'application/json' }, body: one }],
    [404, { path: '/elsewhere', body: one }],
    [413, { headers: { ...single }, body: Buffer.alloc(4 * 1024 * 1024 + 1, 0x20) }],
    [405, { method: 'DELETE', path: `/evidence/${key(1)}` }],
    [404, { method: 'HEAD', path: `/evidence/${key(1)}` }],
  ]
  for (const [status, asked] of wrong) {
    assert.equal((await ask(platform, asked)).status, status, JSON.stringify(asked).slice(0, 200))
  }
})

test('an older revision that comes late is kept and does not undo the newer', async () => {
  const { platform } = await start()
  await ask(platform, sent(caseData({ revision: 2, clearedAt: since })))
  await ask(platform, sent(caseData({ revision: 1 })))
  assert.equal(platform.received().length, 2)
  assert.equal(platform.cases()[0]?.hasCleared, true)
})

test('a case is walked through its stages, each move newer than the last', async () => {
  const { platform, clock } = await start({ stepMs: { delivered: 500, accepted: 1000 } })
  await ask(platform, sent(caseData({ clearedAt: since })))
  assert.deepEqual(
    (await feed(platform)).moves.map(({ stage }) => stage),
    ['delivered'],
  )
  await clock.turn(500)
  assert.equal((await feed(platform)).moves.length, 2)
  await clock.turn(60_000)
  const { moves } = await feed(platform)
  assert.deepEqual(
    moves.map(({ stage }) => stage),
    ['delivered', 'accepted', 'filed', 'dispatched', 'processing', 'handled', 'verifying', 'closed'],
  )
  assert.deepEqual(
    moves.map(({ version }) => version),
    moves.map(({ version }) => version).toSorted((a, b) => a - b),
  )
  assert.equal(new Set(moves.map(({ version }) => version)).size, 8)
})

test('a case that still stands is not closed; once it has cleared it is', async () => {
  const { platform, clock } = await start()
  await ask(platform, sent())
  await clock.turn(60_000)
  assert.equal(platform.cases()[0]?.stages.at(-1), 'verifying')
  await ask(platform, sent(caseData({ revision: 2, clearedAt: since })))
  await clock.turn(2000)
  assert.equal(platform.cases()[0]?.stages.at(-1), 'closed')
})

test('a drill is accepted and closed', async () => {
  const { platform, clock } = await start()
  await ask(platform, sent(caseData({ drill: true, clearedAt: since })))
  await clock.turn(60_000)
  const { moves } = await feed(platform)
  assert.deepEqual(
    moves.map(({ stage }) => stage),
    ['delivered', 'accepted', 'closed'],
  )
})

test('a case of an earlier run goes on from the stage it stood in', async () => {
  const { platform, clock } = await start()
  await ask(platform, sent(caseData({ stage: 'handled', stageVersion: 7, clearedAt: since })))
  await clock.turn(60_000)
  const { moves } = await feed(platform)
  assert.deepEqual(
    moves.map(({ stage }) => stage),
    ['verifying', 'closed'],
  )
})

test('moves are given after the cursor, and a cursor of another run begins anew', async () => {
  const { platform, clock } = await start()
  await ask(platform, sent())
  const begun = await feed(platform)
  await clock.turn(2000)
  const next = await feed(platform, begun.cursor)
  assert.deepEqual(
    next.moves.map(({ stage }) => stage),
    ['accepted'],
  )
  assert.equal((await feed(platform, next.cursor)).moves.length, 0)
  assert.equal((await feed(platform, 'another.99')).moves.length, 2)
})

test('one box does not see the moves of another', async () => {
  const { platform } = await start({ keys: { 'box-1': keyFile, 'box-2': keyFile } })
  await ask(platform, sent())
  const response = await ask(platform, { method: 'GET', path: '/stages?after=&wait=0', keyId: 'box-2' })
  assert.equal(((await response.json()) as Feed).moves.length, 0) // the contract's shape
})

test('stages can come twice, and in a mixed order', async () => {
  const { platform, clock } = await start()
  await ask(platform, sent())
  await clock.turn(2000)
  const stages = async (): Promise<readonly string[]> =>
    (await feed(platform)).moves.map(({ stage }) => stage)
  await platform.setFault('stages-twice')
  assert.deepEqual(await stages(), ['delivered', 'delivered', 'accepted', 'accepted'])
  await platform.setFault('stages-out-of-order')
  assert.deepEqual(await stages(), ['accepted', 'delivered'])
  await platform.setFault(undefined)
  assert.deepEqual(await stages(), ['delivered', 'accepted'])
})

const photo = randomBytes(3000)
const photoHash = createHash('sha256').update(photo).digest('hex')
const put = (body: Uint8Array, sha256 = photoHash, headers: Record<string, string> = {}): Ask => ({
  method: 'PUT',
  path: `/evidence/${sha256}`,
  body,
  headers: { 'content-type': 'image/jpeg', ...headers },
})
const proof = (keep: 'sent' | 'kept', sha256: string): Record<string, unknown> => ({
  sha256,
  size: 3000,
  mediaType: 'image/jpeg',
  takenAt: since,
  keep,
  role: 'annotated',
  deviceId: 'cam-1',
})

test('a proof file is taken whole by its hash', async () => {
  const evidenceFolder = join(folder, 'evidence-put')
  const { platform } = await start({ evidenceFolder })
  assert.equal((await ask(platform, put(randomBytes(3000)))).status, 422)
  assert.equal(
    (await ask(platform, put(photo, photoHash, { 'content-range': 'bytes 0-2999/6000' }))).status,
    400,
  )
  assert.equal((await ask(platform, put(photo))).status, 201)
  assert.equal((await ask(platform, put(photo))).status, 204)
  assert.equal((await ask(platform, put(Buffer.alloc(1024 * 1024 + 1)))).status, 413)
  const head = await ask(platform, { method: 'HEAD', path: `/evidence/${photoHash}` })
  assert.equal(head.headers.get('upload-complete'), '?1')
  assert.deepEqual(readFileSync(join(evidenceFolder, photoHash)), photo)
})

const append = (
  offset: number,
  bytes: Uint8Array,
  more: { isComplete?: boolean; length?: number; sha256?: string } = {},
): Ask => {
  const { length = 3000, sha256 = photoHash, isComplete = offset + bytes.length === length } = more
  return {
    method: 'PATCH',
    path: `/evidence/${sha256}`,
    body: bytes,
    headers: { 'content-type': PARTIAL_UPLOAD, ...uploadHeaders({ offset, isComplete, length }) },
  }
}

test('a proof file is appended to, resumed, and whole at the end', async () => {
  const evidenceFolder = join(folder, 'evidence-patch')
  const { platform } = await start({ evidenceFolder })
  const begun = await ask(platform, append(0, photo.subarray(0, 1000)))
  assert.equal(begun.status, 204)
  assert.equal(begun.headers.get('upload-complete'), '?0')
  const head = await ask(platform, { method: 'HEAD', path: `/evidence/${photoHash}` })
  assert.equal(head.headers.get('upload-offset'), '1000')
  assert.equal(head.headers.get('upload-length'), '3000')
  assert.equal(head.headers.get('cache-control'), 'no-store')

  const elsewhere = await ask(platform, append(500, photo.subarray(500, 1500)))
  assert.equal(elsewhere.status, 409)
  assert.equal(elsewhere.headers.get('upload-offset'), '1000')
  const told = (await elsewhere.json()) as Record<string, unknown> // a problem
  assert.equal(told['expected-offset'], 1000)
  assert.equal(told['provided-offset'], 500)
  assert.match(String(told['type']), /mismatching-upload-offset$/)

  assert.equal((await ask(platform, append(1000, photo.subarray(1000)))).status, 201)
  assert.equal((await ask(platform, append(2000, photo.subarray(2000)))).status, 204)
  assert.deepEqual(readFileSync(join(evidenceFolder, photoHash)), photo)
})

test('appends that cannot be right are refused', async () => {
  const evidenceFolder = join(folder, 'evidence-wrong')
  const { platform } = await start({ evidenceFolder })
  const wrong: readonly (readonly [number, Ask])[] = [
    [400, append(0, photo, { length: 2000, isComplete: true })],
    [400, append(0, photo.subarray(0, 100), { isComplete: true })],
    [400, append(0, photo, { isComplete: false })],
    [413, append(0, photo, { length: 65 * 1024 * 1024 })],
    [409, append(4000, photo, { length: 9000 })],
    [415, { ...append(0, photo), headers: { ...append(0, photo).headers, 'content-type': 'image/jpeg' } }],
    [400, { ...append(0, photo), headers: { ...append(0, photo).headers, 'upload-offset': 'many' } }],
    [422, append(0, randomBytes(3000))],
  ]
  for (const [status, asked] of wrong) assert.equal((await ask(platform, asked)).status, status, `${status}`)
  assert.equal((await ask(platform, { method: 'HEAD', path: `/evidence/${photoHash}` })).status, 404)
  assert.ok(!existsSync(join(evidenceFolder, `${photoHash}.part`)))
  assert.equal((await ask(platform, append(0, photo))).status, 201)
})

test('a case is complete once every proof that is to be sent was verified', async () => {
  const facts: Fact[] = []
  const { platform } = await start({ onEvent: (fact) => facts.push(fact) })
  await ask(platform, sent(caseData({ proof: [proof('sent', photoHash), proof('kept', key(5))] as never })))
  assert.deepEqual(
    (await feed(platform)).moves.map(({ complete }) => complete),
    [undefined],
  )
  await ask(platform, put(photo))
  assert.deepEqual(
    (await feed(platform)).moves.map(({ stage, complete }) => [stage, complete]),
    [
      ['delivered', undefined],
      ['delivered', true],
    ],
  )
  const [begun, whole] = (await feed(platform)).moves
  assert.ok(begun && whole && whole.version > begun.version)
  assert.equal(platform.cases()[0]?.proofs, 1)
  assert.deepEqual(
    facts.map(({ is }) => is),
    ['move', 'arrival', 'move', 'proof'],
  )
})

test('a case whose proof came before it, or that needs none, is complete at once', async () => {
  const { platform } = await start()
  await ask(platform, put(photo))
  await ask(platform, sent(caseData({ proof: [proof('sent', photoHash)] as never })))
  await ask(platform, sent(caseData({ key: key(2) })))
  assert.deepEqual(
    (await feed(platform)).moves.map(({ complete }) => complete),
    [true, true],
  )
})

test('only so many cases are remembered, and receipts carry no content', async () => {
  const { platform } = await start({ remember: 2, history: 'receipts' })
  for (const n of [1, 2, 3]) await ask(platform, sent(caseData({ key: key(n) })))
  assert.deepEqual(
    platform.received().map((received) => [received.key, received.data]),
    [
      [key(2), undefined],
      [key(3), undefined],
    ],
  )
})

test('a port that is taken is a clear error', async () => {
  const { platform } = await start()
  await assert.rejects(startPlatform({ host: '127.0.0.1', port: platform.port, keys: {} }), (error) =>
    isGanglionError(error, 'listen-failed'),
  )
})

test('a lost answer has no moment of being answered until the case comes again', async () => {
  const { platform } = await start()
  await platform.setFault('lost-answer')
  await assert.rejects(ask(platform, sent()))
  assert.equal(platform.received()[0]?.answeredAt, undefined)
  await platform.setFault(undefined)
  assert.equal((await ask(platform, sent())).status, 200)
  assert.ok(platform.received()[0]?.answeredAt !== undefined)
})

test('the faults of the platform are those that scenarios may name', () => {
  const named = Object.entries(faults).filter(([, { on }]) => 'platform' in on && on.platform === 'platform')
  assert.deepEqual(named.map(([name]) => name).toSorted(), [...platformFaults].toSorted())
})
