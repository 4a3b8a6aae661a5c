import { createHash, type Hash } from 'node:crypto'
import { appendFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  MISMATCHING_OFFSET,
  PARTIAL_UPLOAD,
  parseUploadHeaders,
  uploadHeaders,
  type UploadState,
} from '../../wire/resumable-upload.ts'
import { answer, problem, type Answer } from './answer.ts'

/** The largest proof file this platform takes. */
const LARGEST_FILE = 64 * 1024 * 1024
const MOST_PARTS = 100
const MOST_FILES = 100_000

interface Part {
  readonly length: number
  /** Of the bytes so far: they need not be read again. */
  readonly hash: Hash
  offset: number
  isBusy: boolean
}

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>

/** Proof files by hash: whole ones and parts, the oldest forgotten first. Bytes are kept where a folder is given. */
export class EvidenceShelf {
  readonly #folder: string | undefined
  readonly #onVerified: (sha256: string, size: number) => void
  readonly #whole = new Map<string, number>()
  readonly #parts = new Map<string, Part>()

  constructor(folder: string | undefined, onVerified: (sha256: string, size: number) => void) {
    this.#folder = folder
    this.#onVerified = onVerified
  }

  has(sha256: string): boolean {
    return this.#whole.has(sha256)
  }

  head(sha256: string): Answer {
    const size = this.#whole.get(sha256)
    const part = this.#parts.get(sha256)
    const state: UploadState | undefined =
      size !== undefined
        ? { offset: size, isComplete: true, length: size }
        : part && { offset: part.offset, isComplete: false, length: part.length }
    return state ? answer(200, { ...uploadHeaders(state), 'cache-control': 'no-store' }) : answer(404)
  }

  async put(sha256: string, fields: Fields, body: Buffer): Promise<Answer> {
    if (fields['content-range'] !== undefined) {
      return problem(400, 'a PUT with Content-Range would store a part as the whole; append with PATCH')
    }
    if (this.#whole.has(sha256)) return answer(204)
    if (createHash('sha256').update(body).digest('hex') !== sha256) return wrongHash
    await this.#store(`${sha256}.put`, body)
    await this.#finish(sha256, `${sha256}.put`, body.length)
    return answer(201)
  }

  async patch(sha256: string, fields: Fields, body: Buffer): Promise<Answer> {
    if (fields['content-type'] !== PARTIAL_UPLOAD) return problem(415, `wanted ${PARTIAL_UPLOAD}`)
    const stated = parseUploadHeaders(fields)
    if (stated?.length === undefined) {
      return problem(400, 'wanted Upload-Offset, Upload-Complete and Upload-Length')
    }
    const { offset, length, isComplete } = stated
    if (length > LARGEST_FILE) {
      return problem(413, 'larger than this platform takes', {
        headers: { 'upload-limit': `max-size=${LARGEST_FILE}` },
      })
    }
    const size = this.#whole.get(sha256)
    if (size !== undefined)
      return answer(204, uploadHeaders({ offset: size, isComplete: true, length: size }))
    const part = this.#parts.get(sha256)
    if (part?.isBusy || offset !== (part?.offset ?? 0)) {
      return mismatch(offset, { offset: part?.offset ?? 0, length: part?.length ?? length })
    }
    const end = offset + body.length
    if (length !== (part?.length ?? length) || end > length || isComplete !== (end === length)) {
      return problem(400, 'the offset, the bytes and the length do not fit together')
    }
    return this.#append(sha256, part ?? this.#begin(sha256, length), body)
  }

  #begin(sha256: string, length: number): Part {
    const part: Part = { length, hash: createHash('sha256'), offset: 0, isBusy: false }
    for (const oldest of this.#parts.keys()) {
      if (this.#parts.size < MOST_PARTS) break
      this.#parts.delete(oldest)
    }
    this.#parts.set(sha256, part)
    return part
  }

  async #append(sha256: string, part: Part, body: Buffer): Promise<Answer> {
    part.isBusy = true
    try {
      if (part.offset === 0) await this.#drop(`${sha256}.part`)
      await this.#store(`${sha256}.part`, body)
    } finally {
      part.isBusy = false
    }
    part.hash.update(body)
    part.offset += body.length
    const { offset, length } = part
    if (offset < length) return answer(204, uploadHeaders({ offset, isComplete: false, length }))
    this.#parts.delete(sha256)
    if (part.hash.digest('hex') !== sha256) {
      await this.#drop(`${sha256}.part`)
      return wrongHash
    }
    await this.#finish(sha256, `${sha256}.part`, length)
    return answer(201, uploadHeaders({ offset, isComplete: true, length }))
  }

  async #store(name: string, bytes: Buffer): Promise<void> {
    if (this.#folder === undefined) return
    await mkdir(this.#folder, { recursive: true })
    await appendFile(join(this.#folder, name), bytes)
  }

  async #drop(name: string): Promise<void> {
    if (this.#folder !== undefined) await rm(join(this.#folder, name), { force: true })
  }

  async #finish(sha256: string, name: string, size: number): Promise<void> {
    if (this.#folder !== undefined) await rename(join(this.#folder, name), join(this.#folder, sha256))
    this.#whole.set(sha256, size)
    for (const oldest of this.#whole.keys()) {
      if (this.#whole.size <= MOST_FILES) break
      this.#whole.delete(oldest)
    }
    this.#onVerified(sha256, size)
  }
}

const wrongHash = problem(422, 'the bytes do not have the hash they are named by')

function mismatch(provided: number, { offset, length }: Pick<Part, 'offset' | 'length'>): Answer {
  return problem(409, 'the offset is not where the file stands', {
    type: MISMATCHING_OFFSET,
    title: 'offset from request does not match offset of resource',
    'expected-offset': offset,
    'provided-offset': provided,
    headers: uploadHeaders({ offset, isComplete: false, length }),
  })
}
