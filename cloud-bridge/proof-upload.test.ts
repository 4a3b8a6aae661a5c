import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import type { Away, DeliveryAnswer, ProofFile } from '../gateway/ports.ts'
import { signerOf } from '../wire/http-signature.ts'
import { parseUploadHeaders, uploadHeaders } from '../wire/resumable-upload.ts'
import { uploadProof } from './proof-upload.ts'
import { SignedHttp } from './signed-http.ts'

const MIB = 1024 * 1024
const size = MIB + MIB / 2
const folder = mkdtempSync(join(tmpdir(), 'ganglion-upload-'))
const bytes = randomBytes(size)
const clip: ProofFile = {
  sha256: createHash('sha256').update(bytes).digest('hex'),
  size,
  mediaType: 'video/mp4',
  path: join(folder, 'clip.mp4'),
}

interface Scripted {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** What came: method and offset. */
let came: string[] = []
/** What the server answers to HEAD, and to the appends in turn; 204 when it has no more to say. */
let head: Scripted = { status: 404 }
let appends: Scripted[] = []

const server = createServer((request: IncomingMessage, response) => {
  const offset = parseUploadHeaders(request.headers)?.offset
  came.push(offset === undefined ? (request.method ?? '') : `${request.method ?? ''} ${offset}`)
  request.resume()
  request.on('end', () => {
    const { status, headers = {} } = request.method === 'HEAD' ? head : (appends.shift() ?? { status: 204 })
    response.writeHead(status, headers).end()
  })
})
const { privateKey } = generateKeyPairSync('ed25519')
let http: SignedHttp

before(async () => {
  writeFileSync(clip.path, bytes)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  http = new SignedHttp({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, // it listens on TCP
    boxId: 'box-1',
    sign: signerOf(privateKey).sign,
    clock: new FakeClock(),
    timeout: 10_000,
  })
})
after(async () => {
  await http.close()
  server.close()
  rmSync(folder, { recursive: true })
})

async function upload(stands: Scripted, answers: readonly Scripted[] = []): Promise<DeliveryAnswer | Away> {
  came = []
  head = stands
  appends = [...answers]
  return uploadProof(http, clip, new AbortController().signal)
}

const at = (offset: number, isComplete = false): Readonly<Record<string, string>> =>
  uploadHeaders({ offset, isComplete, length: size })
const half = MIB / 2

test('a file that the platform has not seen begins at 0', async () => {
  assert.deepEqual(await upload({ status: 404 }), { is: 'taken' })
  assert.deepEqual(came, ['HEAD', 'PATCH 0', `PATCH ${half}`, `PATCH ${MIB}`])
})

test('an upload goes on where an earlier try broke off', async () => {
  assert.deepEqual(await upload({ status: 200, headers: at(MIB) }), { is: 'taken' })
  assert.deepEqual(came, ['HEAD', `PATCH ${MIB}`])
})

test('a file that is there is not sent again', async () => {
  assert.deepEqual(await upload({ status: 200, headers: at(size, true) }), { is: 'taken' })
  assert.deepEqual(await upload({ status: 204 }), { is: 'taken' })
  assert.deepEqual(came, ['HEAD'])
})

test('an offset that does not fit is corrected to where the platform stands', async () => {
  const conflict = { status: 409, headers: at(MIB) }
  assert.deepEqual(await upload({ status: 404 }, [conflict]), { is: 'taken' })
  assert.deepEqual(came, ['HEAD', 'PATCH 0', `PATCH ${MIB}`])
})

test('a platform that corrects offsets for ever, or beyond the file, is nonsense and not asked for ever', async () => {
  const circle = Array.from({ length: 50 }, () => ({ status: 409, headers: { 'upload-offset': '7' } }))
  const answers = [
    await upload({ status: 404 }, circle),
    await upload({ status: 404 }, [{ status: 409, headers: at(size + 1) }]),
    await upload({ status: 404 }, [{ status: 409 }]),
    await upload({ status: 200, headers: at(size + 1) }),
  ]
  for (const answer of answers) {
    assert.ok(answer.is === 'away' && answer.reason.startsWith('platform-nonsense'), JSON.stringify(answer))
  }
})

test('a file that the platform will never take is refused, one it cannot take now is not', async () => {
  for (const status of [400, 413, 422]) {
    assert.equal((await upload({ status: 404 }, [{ status }])).is, 'refused')
  }
  for (const status of [401, 404, 500, 503])
    assert.equal((await upload({ status: 404 }, [{ status }])).is, 'away')
  assert.equal((await upload({ status: 503 })).is, 'away')
})
