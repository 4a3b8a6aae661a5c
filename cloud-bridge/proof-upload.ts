import { open, type FileHandle } from 'node:fs/promises'
import { codeOf } from '../base/errors.ts'
import { limits } from '../gateway/contract.ts'
import type { Away, DeliveryAnswer, ProofFile } from '../gateway/ports.ts'
import { contentDigest } from '../wire/content-digest.ts'
import { PARTIAL_UPLOAD, parseUploadHeaders, uploadHeaders } from '../wire/resumable-upload.ts'
import { detailOf, isAway, nonsense, type Reply, type SignedHttp } from './signed-http.ts'

/** One append: what a broken line costs at most. */
const APPEND_BYTES = 512 * 1024
/** Offsets that the platform may correct in one upload before it is called nonsense. */
const MOST_CORRECTIONS = 3

/** Brings one proof file to `/evidence/<sha256>`: small ones whole, large ones from where an earlier try broke off. */
export async function uploadProof(
  http: SignedHttp,
  file: ProofFile,
  signal: AbortSignal,
): Promise<DeliveryAnswer | Away> {
  let handle: FileHandle
  try {
    handle = await open(file.path)
  } catch (error) {
    return { is: 'refused', reason: `the proof file is not on this box (${codeOf(error)})` }
  }
  try {
    const upload = new Upload(http, file, handle, signal)
    return file.size <= limits.putBytes ? await upload.put() : await upload.resume()
  } finally {
    await handle.close()
  }
}

class Upload {
  readonly #http: SignedHttp
  readonly #file: ProofFile
  readonly #handle: FileHandle
  readonly #signal: AbortSignal

  constructor(http: SignedHttp, file: ProofFile, handle: FileHandle, signal: AbortSignal) {
    this.#http = http
    this.#file = file
    this.#handle = handle
    this.#signal = signal
  }

  get #path(): string {
    return `/evidence/${this.#file.sha256}`
  }

  async put(): Promise<DeliveryAnswer | Away> {
    const bytes = await this.#read(0, this.#file.size)
    if (!bytes) return shrunk
    const reply = await this.#http.ask(
      {
        method: 'PUT',
        path: this.#path,
        headers: { 'content-type': this.#file.mediaType },
        // Of the bytes as they are: a file that has changed on this disk is told apart from a broken wire.
        body: { bytes, digest: contentDigest(bytes) },
      },
      this.#signal,
    )
    if (isAway(reply)) return reply
    return isDone(reply) ? { is: 'taken' } : refusal(reply)
  }

  async resume(): Promise<DeliveryAnswer | Away> {
    const standing = await this.#standing()
    if (typeof standing !== 'number') return standing
    let offset = standing
    for (let corrections = 0; corrections <= MOST_CORRECTIONS;) {
      const bytes = await this.#read(offset, Math.min(APPEND_BYTES, this.#file.size - offset))
      if (!bytes) return shrunk
      const reply = await this.#append(offset, bytes)
      if (isAway(reply)) return reply
      if (isDone(reply)) {
        offset += bytes.length
        if (offset < this.#file.size) continue
        return { is: 'taken' }
      }
      if (reply.status !== 409) return refusal(reply)
      const stands = parseUploadHeaders({ 'upload-complete': '?0', ...reply.headers })
      if (!stands || stands.offset > this.#file.size) break
      offset = stands.offset
      corrections++
    }
    return nonsense('its upload offsets lead nowhere')
  }

  /** How far an earlier try came: bytes, or `taken` when all is there. */
  async #standing(): Promise<number | DeliveryAnswer | Away> {
    const reply = await this.#http.ask(
      { method: 'HEAD', path: this.#path, notFound: 'is-an-answer' },
      this.#signal,
    )
    if (isAway(reply)) return reply
    if (reply.status === 404) return 0
    if (!isDone(reply)) return refusal(reply)
    const stands = parseUploadHeaders(reply.headers)
    if (!stands || stands.isComplete) return { is: 'taken' }
    return stands.offset <= this.#file.size ? stands.offset : nonsense('it has more bytes than the file')
  }

  async #append(offset: number, bytes: Uint8Array): Promise<Reply | Away> {
    const isComplete = offset + bytes.length === this.#file.size
    return this.#http.ask(
      {
        method: 'PATCH',
        path: this.#path,
        headers: {
          'content-type': PARTIAL_UPLOAD,
          ...uploadHeaders({ offset, isComplete, length: this.#file.size }),
        },
        covers: ['upload-offset', 'upload-complete', 'upload-length'],
        body: { bytes, digest: contentDigest(bytes) },
      },
      this.#signal,
    )
  }

  async #read(offset: number, length: number): Promise<Uint8Array | undefined> {
    const bytes = Buffer.alloc(length)
    const { bytesRead } = await this.#handle.read(bytes, 0, length, offset)
    return bytesRead === length ? bytes : undefined
  }
}

const shrunk: DeliveryAnswer = { is: 'refused', reason: 'the proof file is shorter than when it was sealed' }

const isDone = ({ status }: Reply): boolean => status >= 200 && status < 300

const refusal = (reply: Reply): DeliveryAnswer => ({
  is: 'refused',
  reason: `the platform answered ${reply.status}${detailOf(reply)}`,
})
