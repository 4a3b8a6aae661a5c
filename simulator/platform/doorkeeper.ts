import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { Clock, Instant } from '../../base/clock.ts'
import {
  SIGNATURE_WINDOW,
  verifyRequest,
  type RequestParts,
  type Verdict,
} from '../../wire/http-signature.ts'

/** Nonces of the last minutes; beyond this many the oldest are forgotten. */
const MOST_NONCES = 200_000

/** Lets in requests that a known box has signed: all that has a meaning must be covered, and no nonce comes twice. */
export class Doorkeeper {
  readonly #files: ReadonlyMap<string, string>
  readonly #clock: Clock
  readonly #keys = new Map<string, KeyObject>()
  readonly #nonces = new Map<string, Instant>()

  /** @param files the PEM file of each box's public key, by box id. It may appear later than the platform. */
  constructor(files: Readonly<Record<string, string>>, clock: Clock) {
    this.#files = new Map(Object.entries(files))
    this.#clock = clock
  }

  /** The verdict says who asks; the body is judged by its digest afterwards. */
  check(request: IncomingMessage): Verdict {
    const verdict = this.#verify(request)
    if (verdict.is === 'invalid') return verdict
    const { keyId, nonce, created } = verdict
    if (nonce === '') return { is: 'invalid', because: 'malformed', text: 'wanted a nonce in the signature' }
    const seen = `${keyId} ${nonce}`
    if (this.#nonces.has(seen)) {
      return { is: 'invalid', because: 'wrong-signature', text: 'this nonce was used before' }
    }
    this.#nonces.set(seen, created)
    this.#forgetNonces()
    return verdict
  }

  #verify(request: IncomingMessage): Verdict {
    const parts = partsOf(request)
    const requires = requiredOf(request, parts)
    const verify = (): Verdict =>
      verifyRequest(parts, { keyFor: (keyId) => this.#keyOf(keyId), now: this.#clock.now(), requires })
    const verdict = verify()
    if (verdict.is === 'valid' || verdict.because !== 'wrong-signature') return verdict
    // A box whose data folder was wiped has a new key in the same place.
    this.#keys.clear()
    return verify()
  }

  #keyOf(keyId: string): KeyObject | undefined {
    const known = this.#keys.get(keyId)
    const file = this.#files.get(keyId)
    if (known || file === undefined) return known
    try {
      const key = createPublicKey(readFileSync(file, 'utf8'))
      this.#keys.set(keyId, key)
      return key
    } catch {
      // The box has not made its key yet: it is nobody until then, and is told so.
      return undefined
    }
  }

  #forgetNonces(): void {
    const oldest = this.#clock.now() - 2 * SIGNATURE_WINDOW
    for (const [nonce, created] of this.#nonces) {
      if (created >= oldest && this.#nonces.size <= MOST_NONCES) return
      this.#nonces.delete(nonce)
    }
  }
}

export function partsOf(request: IncomingMessage): RequestParts {
  const target = request.url ?? '/'
  const at = target.indexOf('?')
  return {
    method: request.method ?? '',
    authority: request.headers.host ?? '',
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? undefined : target.slice(at),
    // Only set-cookie comes as a list, and no signature may cover it.
    fields: request.headers as Readonly<Record<string, string | undefined>>,
  }
}

function requiredOf(request: IncomingMessage, { query }: RequestParts): readonly string[] {
  const required = ['@method', '@authority', '@path']
  if (query !== undefined) required.push('@query')
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
    required.push('content-digest')
  }
  if (request.method === 'POST') required.push('idempotency-key')
  if (request.method === 'PATCH') required.push('upload-offset', 'upload-complete', 'upload-length')
  return required
}
