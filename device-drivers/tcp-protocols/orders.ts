import { pause, type Clock } from '../../base/clock.ts'
import type { Sent } from '../../gateway/order.ts'
import type { TcpAnswer, TcpOrder } from './protocol.ts'

/** A station loses what comes faster (AP3000, 1.0.2, clause 7). */
const APART_MS = 500
/** So long it may take to answer, and then it is told once more, under the same number (clause 5). */
const ANSWER_MS = 15_000
const TRIES = 2

/** The commands of one connection that wait for their answers. */
export class Orders {
  readonly #clock: Clock
  readonly #write: (bytes: Uint8Array) => void
  readonly #waiting = new Map<string, (sent: Sent) => void>()
  /** By device: when it may be told the next thing, in ticks. */
  readonly #freeAt = new Map<string, number>()
  #isClosed = false

  constructor(clock: Clock, write: (bytes: Uint8Array) => void) {
    this.#clock = clock
    this.#write = write
  }

  answered({ key, sent }: TcpAnswer): void {
    this.#waiting.get(key)?.(sent)
  }

  /** The connection is gone: what was sent may have been heard. */
  close(): void {
    this.#isClosed = true
    for (const answer of [...this.#waiting.values()]) answer({ is: 'silent', reason: 'the connection broke' })
  }

  async tell(address: string, order: TcpOrder, signal: AbortSignal): Promise<Sent> {
    for (let tried = 0; tried < TRIES; tried++) {
      await this.#turn(address, signal)
      if (this.#isGone(signal)) return tried === 0 ? { is: 'away', reason: 'the connection broke' } : silent
      const sent = await this.#once(order, signal)
      if (sent) return sent
    }
    return silent
  }

  async #turn(address: string, signal: AbortSignal): Promise<void> {
    const now = this.#clock.ticks()
    const at = Math.max(now, this.#freeAt.get(address) ?? now)
    this.#freeAt.set(address, at + APART_MS)
    if (at > now) await pause(this.#clock, at - now, signal).catch(() => undefined)
  }

  /** Undefined when no answer came. */
  #once({ bytes, key }: TcpOrder, signal: AbortSignal): Promise<Sent | undefined> {
    return new Promise((resolve) => {
      const settle = (sent: Sent | undefined): void => {
        cancel()
        signal.removeEventListener('abort', onAbort)
        this.#waiting.delete(key)
        resolve(sent)
      }
      const onAbort = (): void => settle(silent)
      const cancel = this.#clock.after(ANSWER_MS, () => settle(undefined))
      signal.addEventListener('abort', onAbort)
      this.#waiting.set(key, settle)
      this.#write(bytes)
    })
  }

  #isGone(signal: AbortSignal): boolean {
    return this.#isClosed || signal.aborted
  }
}

const silent: Sent = { is: 'silent', reason: 'no answer' }
