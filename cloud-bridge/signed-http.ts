import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Pool } from 'undici'
import { instant, type Clock, type Duration, type Instant } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import { limits } from '../gateway/contract.ts'
import { CONTRACT } from '../gateway/case.ts'
import type { Away } from '../gateway/ports.ts'
import { SIGNATURE_WINDOW, signRequest, type Signer } from '../wire/http-signature.ts'
import { httpDate, retryAfter } from './retry-after.ts'

/** One request to the platform, relative to the URL that the box names. */
export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  /** With its leading `?`. */
  readonly query?: string
  readonly body?: { readonly bytes: Uint8Array; readonly digest: string }
  readonly headers?: Readonly<Record<string, string>>
  /** Headers that the signature covers besides Content-Digest. */
  readonly covers?: readonly string[]
  /** How long the platform may take on purpose, on top of the time-out. */
  readonly mayTake?: Duration
  /** 404 says that a thing is not there yet, not that the URL is wrong. */
  readonly notFound?: 'is-an-answer'
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface SignedHttpOptions {
  readonly url: string
  readonly boxId: string
  readonly sign: Signer['sign']
  readonly clock: Clock
  readonly timeout: Duration
  /** PEM of the authority that vouches for the platform, in place of the usual ones. */
  readonly ca?: string | undefined
  /** Hears the platform's clock, to the second, as each answer brings it. */
  readonly peerTime?: ((at: Instant) => void) | undefined
}

/** The long poll holds one, and against a platform that hangs every probe takes a fresh one. */
const CONNECTIONS = 16
/** A slow uplink is not a dead one: on top of the time-out, a body may take this long a byte (32 KiB/s). */
const MS_PER_BYTE = 1000 / 32_768

export const isAway = (answer: object): answer is Away => 'is' in answer && answer.is === 'away'

/**
 * Signed requests (RFC 9421) to one URL. Nothing else is ever asked: redirects are not followed, no proxy is read
 * from the environment. Time is the clock's, so that a trickling answer ends when the whole has taken too long.
 */
export class SignedHttp {
  readonly #options: SignedHttpOptions
  readonly #base: URL
  readonly #pool: Pool
  readonly #signer: Signer
  readonly #noncePrefix = randomBytes(12).toString('base64url')
  #nonces = 0

  constructor(options: SignedHttpOptions) {
    this.#options = options
    this.#base = new URL(options.url)
    this.#signer = { algorithm: 'ed25519', sign: options.sign }
    this.#pool = new Pool(this.#base.origin, {
      connections: CONNECTIONS,
      allowH2: false,
      maxResponseSize: limits.answerBytes,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.timeout, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    })
  }

  /** 2xx, and the 4xx that speak of what was sent, are replies to be judged; everything else means: away. */
  async ask(ask: Ask, signal: AbortSignal): Promise<Reply | Away> {
    let reply = await this.#try(ask, signal)
    // A kept connection may be closed by the other end in the moment it is used. Every request may be repeated.
    if (reply === 'cut') reply = await this.#try(ask, signal)
    return reply === 'cut' ? { is: 'away', reason: 'the platform cut the connection' } : reply
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #try(ask: Ask, signal: AbortSignal): Promise<Reply | Away | 'cut'> {
    const isStopped = (): boolean => signal.aborted
    if (isStopped()) return stopped
    const { clock, timeout } = this.#options
    const allowed = timeout + (ask.mayTake ?? 0) + (ask.body?.bytes.length ?? 0) * MS_PER_BYTE
    const deadline = new AbortController()
    const end = (): void => deadline.abort()
    const cancel = clock.after(allowed, end)
    signal.addEventListener('abort', end, { once: true })
    try {
      const { statusCode, headers, body } = await this.#pool.request({
        method: ask.method,
        path: this.#pathOf(ask) + (ask.query ?? ''),
        headers: this.#headersOf(ask),
        body: ask.body?.bytes ?? null,
        signal: deadline.signal,
      })
      const date = httpDate(headers.date)
      if (date !== undefined) this.#options.peerTime?.(instant(date))
      const text = await body.text()
      return this.#judge(ask, { status: statusCode, headers, text })
    } catch (error) {
      if (isStopped()) return stopped
      if (deadline.signal.aborted) {
        return { is: 'away', reason: `the platform did not answer within ${Math.round(allowed / 1000)} s` }
      }
      return awayByError(codeOf(error))
    } finally {
      cancel()
      signal.removeEventListener('abort', end)
    }
  }

  #pathOf(ask: Ask): string {
    return this.#base.pathname.replace(/\/+$/, '') + ask.path
  }

  #headersOf(ask: Ask): Record<string, string> {
    const fields: Record<string, string> = {
      ...ask.headers,
      'ganglion-contract': String(CONTRACT),
      ...(ask.body ? { 'content-digest': ask.body.digest } : {}),
    }
    const components = ['@method', '@authority', '@path']
    if (ask.query !== undefined) components.push('@query')
    if (ask.body) components.push('content-digest')
    components.push(...(ask.covers ?? []))
    const signature = signRequest(
      {
        method: ask.method,
        authority: this.#base.host,
        path: this.#pathOf(ask),
        query: ask.query,
        fields,
      },
      {
        keyId: this.#options.boxId,
        signer: this.#signer,
        components,
        created: this.#options.clock.now(),
        nonce: `${this.#noncePrefix}-${(this.#nonces++).toString(36)}`,
      },
    )
    return { ...fields, ...signature }
  }

  #judge(ask: Ask, reply: Reply): Reply | Away {
    const { status, headers } = reply
    if ((status >= 200 && status < 300) || aboutWhatWasSent.includes(status)) return reply
    if (status === 404 && ask.notFound === 'is-an-answer') return reply
    if (status < 400) return nonsense(`it answered ${status}; where it redirects to belongs into box.yaml`)
    const now = this.#options.clock.now()
    const apart = status === 401 ? now - (httpDate(headers.date) ?? now) : 0
    if (Math.abs(apart) > SIGNATURE_WINDOW / 2) {
      const word = apart > 0 ? 'ahead of' : 'behind'
      const seconds = Math.round(Math.abs(apart) / 1000)
      return { is: 'away', reason: `clock wrong: this box is ${seconds} s ${word} the platform` }
    }
    const waitMs = retryAfter(headers['retry-after'], now)
    const reason = `the platform answered ${status}${detailOf(reply)}`
    return { is: 'away', reason, ...(waitMs === undefined ? {} : { waitMs }) }
  }
}

/** The request was understood and is not wanted: 409 in this moment, the others never. */
const aboutWhatWasSent: readonly number[] = [400, 409, 413, 422]

const stopped: Away = { is: 'away', reason: 'stopped' }

export const nonsense = (what: string): Away => ({ is: 'away', reason: `platform-nonsense: ${what}` })

/** `: <detail>` of a problem answer (RFC 9457), as far as it can be shown in a log. */
export function detailOf({ text }: Reply): string {
  let problem: unknown
  try {
    problem = JSON.parse(text)
  } catch {
    return ''
  }
  if (typeof problem !== 'object' || problem === null) return ''
  const { detail, title } = problem as Record<string, unknown> // an object, by the line above
  const words = typeof detail === 'string' ? detail : title
  return typeof words === 'string' ? `: ${words.replace(/\p{Cc}+/gu, ' ').slice(0, 300)}` : ''
}

function awayByError(code: string): Away | 'cut' {
  if (['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(code)) return 'cut'
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return nonsense(`its answer is larger than ${limits.answerBytes} bytes`)
  }
  if (/^(HPE_|HTTPParserError$|UND_ERR_HEADERS_OVERFLOW$)/.test(code))
    return nonsense('it does not speak HTTP')
  return { is: 'away', reason: `the platform cannot be reached (${code})` }
}
