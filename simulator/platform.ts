import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemClock, type Clock, type Duration } from '../base/clock.ts'
import { codeOf, GanglionError, messageOf } from '../base/errors.ts'
import { contentDigestHolds } from '../wire/content-digest.ts'
import { answer, json, problem, type Answer } from './platform/answer.ts'
import { CaseBook } from './platform/case-book.ts'
import { CaseDesk } from './platform/case-desk.ts'
import { Doorkeeper, partsOf } from './platform/doorkeeper.ts'
import { EvidenceShelf } from './platform/evidence-shelf.ts'
import type { PlatformFault } from './platform/fault.ts'
import type { Counters, Fact, PlatformCase, ReceivedRevision } from './platform/received.ts'
import { StageFeed } from './platform/stage-feed.ts'
import type { StepMs } from './platform/stage-walk.ts'

export interface PlatformOptions {
  readonly host: string
  readonly port: number
  /** PEM file of each box's public key, by box id. */
  readonly keys: Readonly<Record<string, string>>
  /** Before `/cases`; `/v1` by default. */
  readonly base?: string
  /** How long a case stays in a stage; `never`: cases are not walked. Default 2 s. */
  readonly stepMs?: StepMs | 'never'
  /** Cases kept in memory, the oldest forgotten first. Default 20,000. */
  readonly remember?: number
  /** `receipts` leaves the cases' content out. Default `whole`. */
  readonly history?: 'whole' | 'receipts'
  /** Where proof files are kept; nowhere by default: their hashes are checked all the same. */
  readonly evidenceFolder?: string
  /** How late `slow` answers. Default 1.5 s. */
  readonly slowMs?: Duration
  /** Retry-After of the fault of that name. Default 2 s. */
  readonly retryAfterS?: number
  readonly clock?: Clock
  /** The clock of `answeredAt`; the clock's ticks by default. */
  readonly stamp?: () => number
  readonly onEvent?: (fact: Fact) => void
  /** docs/platform of this project by default. */
  readonly schemas?: string
}

export interface Platform {
  readonly port: number
  /** What a box writes as `url`. */
  readonly url: string
  /** Every revision that came, once, in the order of its case's arrival. */
  received(): readonly ReceivedRevision[]
  cases(): readonly PlatformCase[]
  counters(): Counters
  /** One fault at a time; undefined ends it. */
  setFault(fault: PlatformFault | undefined): Promise<void>
  stop(): Promise<void>
}

const CASES_BYTES = 4 * 1024 * 1024
const PUT_BYTES = 1024 * 1024
const PATCH_BYTES = 4 * 1024 * 1024
const LONGEST_WAIT_S = 60

/** 案件平台: takes cases and proof as docs/platform says, walks every case through its stages, and can misbehave. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const platform = new CasePlatform(options)
  await platform.listen(options.port)
  return platform
}

class CasePlatform implements Platform {
  readonly #options: PlatformOptions
  readonly #clock: Clock
  readonly #stamp: () => number
  readonly #base: string
  readonly #doorkeeper: Doorkeeper
  readonly #shelf: EvidenceShelf
  readonly #book: CaseBook
  readonly #desk: CaseDesk
  readonly #feeds = new Map<string, StageFeed>()
  readonly #hanging = new Set<ServerResponse>()
  readonly #server: Server
  readonly #counts = { requests: 0, events: 0, refused: 0, unsigned: 0, proofs: 0, moves: 0 }
  #fault: PlatformFault | undefined
  #port = 0

  constructor(options: PlatformOptions) {
    const { clock = systemClock, stepMs = 2000, remember = 20_000, onEvent = () => undefined } = options
    this.#options = options
    this.#clock = clock
    this.#stamp = options.stamp ?? (() => clock.ticks())
    this.#base = (options.base ?? '/v1').replace(/\/+$/, '')
    this.#doorkeeper = new Doorkeeper(options.keys, clock)
    this.#shelf = new EvidenceShelf(options.evidenceFolder, (sha256, size) => {
      this.#counts.proofs++
      this.#book.verified(sha256)
      onEvent({ is: 'proof', sha256, size })
    })
    this.#book = new CaseBook({
      clock,
      stepMs: stepMs === 'never' ? undefined : stepMs,
      remember,
      keepData: options.history !== 'receipts',
      isVerified: (sha256) => this.#shelf.has(sha256),
      onMove: (boxId, move) => {
        this.#counts.moves++
        this.#feedOf(boxId).add(move)
      },
      onFact: onEvent,
    })
    const schemas = options.schemas ?? join(import.meta.dirname, '..', 'docs', 'platform')
    this.#desk = new CaseDesk(this.#book, schemas)
    this.#server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
      void this.#serve(request, response)
    })
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://${this.#options.host}:${this.#port}${this.#base}`
  }

  received(): readonly ReceivedRevision[] {
    return this.#book.received()
  }

  cases(): readonly PlatformCase[] {
    return this.#book.cases()
  }

  counters(): Counters {
    return { ...this.#counts, revisions: this.#book.revisions, repeats: this.#book.repeats }
  }

  async setFault(fault: PlatformFault | undefined): Promise<void> {
    const before = this.#fault
    this.#fault = fault
    for (const response of this.#hanging) response.destroy()
    this.#hanging.clear()
    for (const feed of this.#feeds.values()) feed.wakeAll()
    if (fault === 'refused' && before !== 'refused') await this.#close()
    if (fault !== 'refused' && before === 'refused') await this.listen(this.#port)
  }

  async stop(): Promise<void> {
    this.#book.stop()
    for (const feed of this.#feeds.values()) feed.wakeAll()
    if (this.#server.listening) await this.#close()
  }

  /** @throws GanglionError `listen-failed` */
  async listen(port: number): Promise<void> {
    const { host } = this.#options
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => {
        const message = `the platform cannot listen on ${host}:${port} (${codeOf(error)})`
        reject(new GanglionError('listen-failed', message, { cause: error }))
      }
      this.#server.once('error', fail)
      this.#server.listen(port, host, () => {
        this.#server.off('error', fail)
        resolve()
      })
    })
    this.#port = (this.#server.address() as AddressInfo).port // it listens on TCP
  }

  async #close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #feedOf(boxId: string): StageFeed {
    const known = this.#feeds.get(boxId)
    if (known) return known
    const feed = new StageFeed(this.#clock, 10 * (this.#options.remember ?? 20_000))
    this.#feeds.set(boxId, feed)
    return feed
  }

  /** Never rejects: what goes wrong in here is a 500, as on any server. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#counts.requests++
    // The box may cut the connection at any time; the answer is then lost, and asked for again.
    response.on('error', () => undefined)
    const taken: { answeredAt: number | undefined }[] = []
    let given: Answer
    try {
      given = this.#misbehave(request, response) ?? (await this.#answer(request, taken))
    } catch (error) {
      given = problem(500, messageOf(error))
    }
    if (this.#hanging.has(response)) return
    if (this.#fault === 'slow') await new Promise<void>((resolve) => this.#clock.after(this.#slowMs, resolve))
    if (this.#fault === 'lost-answer' && request.method !== 'GET') {
      request.socket.destroy()
      return
    }
    if (given.status >= 400) this.#complain(given)
    write(response, given)
    if (given.status >= 300) return
    const at = this.#stamp()
    for (const received of taken) received.answeredAt ??= at
  }

  get #slowMs(): Duration {
    return this.#options.slowMs ?? 1500
  }

  /** The answer of a fault that does nothing else, if one is set. */
  #misbehave(request: IncomingMessage, response: ServerResponse): Answer | undefined {
    switch (this.#fault) {
      case 'unavailable':
        return problem(503, 'the platform is being looked after')
      case 'retry-after':
        return problem(503, 'the platform is being looked after', {
          headers: { 'retry-after': String(this.#options.retryAfterS ?? 2) },
        })
      case 'hanging':
        this.#hanging.add(response)
        return answer(503)
      case 'nonsense':
        return { status: 200, type: 'text/html', text: '<html><body>It works!</body></html>' }
      case 'refuse-cases':
        return request.method === 'POST' ? problem(422, 'this platform refuses cases today') : undefined
      default:
        return undefined
    }
  }

  async #answer(request: IncomingMessage, taken: { answeredAt: number | undefined }[]): Promise<Answer> {
    const verdict = this.#doorkeeper.check(request)
    if (verdict.is === 'invalid') {
      this.#counts.unsigned++
      return problem(401, `${verdict.because}: ${verdict.text}`)
    }
    const { path, query, method } = partsOf(request)
    const boxId = verdict.keyId
    if (path === `${this.#base}/cases` && method === 'POST') {
      const body = await this.#bodyOf(request, CASES_BYTES)
      if (!Buffer.isBuffer(body)) return body
      const desk = this.#desk.take(boxId, request.headers, body)
      this.#counts.events += desk.events
      this.#counts.refused += desk.refused
      taken.push(...desk.taken)
      return desk.answer
    }
    if (path === `${this.#base}/stages` && method === 'GET') return this.#stages(boxId, query)
    const sha256 = /^\/evidence\/([0-9a-f]{64})$/.exec(path.slice(this.#base.length))?.[1]
    if (sha256 !== undefined && path.startsWith(this.#base)) return this.#evidence(sha256, request)
    return problem(404, 'the contract has no such path')
  }

  async #evidence(sha256: string, request: IncomingMessage): Promise<Answer> {
    switch (request.method) {
      case 'HEAD':
        return this.#shelf.head(sha256)
      case 'PUT': {
        const body = await this.#bodyOf(request, PUT_BYTES)
        return Buffer.isBuffer(body) ? this.#shelf.put(sha256, request.headers, body) : body
      }
      case 'PATCH': {
        const body = await this.#bodyOf(request, PATCH_BYTES)
        return Buffer.isBuffer(body) ? this.#shelf.patch(sha256, request.headers, body) : body
      }
      default:
        return problem(405, 'wanted HEAD, PUT or PATCH', { headers: { allow: 'HEAD, PUT, PATCH' } })
    }
  }

  async #stages(boxId: string, query = ''): Promise<Answer> {
    const asked = new URLSearchParams(query)
    const waitS = Math.min(Math.max(Number(asked.get('wait') ?? 0) || 0, 0), LONGEST_WAIT_S)
    return json(await this.#feedOf(boxId).after(asked.get('after') ?? '', waitS * 1000, this.#fault))
  }

  /** The raw bytes, judged by Content-Digest before anything reads them. */
  async #bodyOf(request: IncomingMessage, limit: number): Promise<Buffer | Answer> {
    const tooLarge = problem(413, `wanted at most ${limit} bytes`, { headers: { connection: 'close' } })
    if (Number(request.headers['content-length'] ?? 0) > limit) return tooLarge
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) return tooLarge
      chunks.push(chunk)
    }
    const body = Buffer.concat(chunks)
    const digest = request.headers['content-digest']
    if (contentDigestHolds(typeof digest === 'string' ? digest : undefined, body)) return body
    this.#counts.unsigned++
    return problem(401, 'the Content-Digest does not fit the body')
  }

  #complain({ status, text }: Answer): void {
    // A fault that is wanted is no news.
    if (this.#fault !== undefined || status === 404 || text === undefined) return
    const { detail } = JSON.parse(text) as { readonly detail: string } // written by `problem`
    this.#options.onEvent?.({ is: 'complaint', status, detail })
  }
}

function write(response: ServerResponse, { status, headers = {}, type, text }: Answer): void {
  const body = text === undefined ? undefined : Buffer.from(text)
  response.writeHead(status, {
    ...headers,
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(status === 204 ? {} : { 'content-length': body?.length ?? 0 }),
  })
  response.end(body)
}
