import { hash } from 'node:crypto'
import type { Duration, Instant } from '../../base/clock.ts'

const MOST = 50_000

/**
 * Which body came with which nonce. The same again is the sender's second try; another body under a known nonce is
 * somebody else's. It lives as long as the gateway runs.
 */
export class OnceOnly {
  readonly #keepFor: Duration
  readonly #seen = new Map<string, { readonly body: string; readonly at: Instant }>()

  constructor(keepFor: Duration) {
    this.#keepFor = keepFor
  }

  take(nonce: string, body: Uint8Array, now: Instant): boolean {
    this.#forget(now)
    const digest = hash('sha256', body, 'base64')
    const known = this.#seen.get(nonce)
    if (known) return known.body === digest
    this.#seen.set(nonce, { body: digest, at: now })
    return true
  }

  /** They stand in the order of their coming. */
  #forget(now: Instant): void {
    for (const [nonce, { at }] of this.#seen) {
      if (this.#seen.size <= MOST && Math.abs(now - at) <= this.#keepFor) return
      this.#seen.delete(nonce)
    }
  }
}
