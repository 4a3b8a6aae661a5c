import { createHash } from 'node:crypto'
import type { Clock, Duration } from '../../base/clock.ts'
import type { Draft } from '../draft.ts'
import type { Store } from '../store/store.ts'
import type { QrToken } from './qr-token.ts'

/** Remembered for so long after they ended: a clock that is set back must not bring them to life again. */
const KEPT_MS: Duration = 24 * 3_600_000

/** 已用二维码: each QR code opens a door once, also over a restart. */
export class UsedTokens {
  readonly #clock: Clock
  readonly #used = new Map<string, number>()

  constructor(store: Store, clock: Clock) {
    this.#clock = clock
    const rows = store.reader
      .prepare('SELECT key, expires_at AS expiresAt FROM used_tokens ORDER BY expires_at')
      .all() as {
      key: string
      expiresAt: number
    }[] // the columns named
    for (const { key, expiresAt } of rows) this.#used.set(key, expiresAt)
  }

  /** False when it was used at this door before. From here on it is, unless the unit is taken back. */
  use(draft: Draft, doorId: string, { id, expiresAt }: QrToken): boolean {
    const key = createHash('sha256').update(`${doorId}\n${id}`).digest('hex').slice(0, 32)
    if (this.#used.has(key)) return false
    this.#used.set(key, expiresAt)
    draft.add(['putUsedToken', key, expiresAt], () => this.#used.delete(key))
    this.#forgetOld(draft)
    return true
  }

  #forgetOld(draft: Draft): void {
    const before = this.#clock.now() - KEPT_MS
    const [first] = this.#used
    if (first === undefined || first[1] >= before) return
    for (const [key, expiresAt] of this.#used) if (expiresAt < before) this.#used.delete(key)
    draft.add(['pruneUsedTokens', before])
  }
}
