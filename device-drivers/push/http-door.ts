import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Clock, Duration } from '../../base/clock.ts'
import { GanglionError, codeOf, isGanglionError } from '../../base/errors.ts'
import { Rate } from '../rate.ts'

export interface HttpBounds {
  readonly connectionsPerSource: number
  readonly requestsPerSecondPerSource: number
  /** Requests that are being answered at once. */
  readonly underway: number
  /** From the connection, or from the first byte after an answer, to the whole head. */
  readonly headMs: Duration
  readonly bodyMs: Duration
  readonly idleMs: Duration
  readonly bodyBytes: number
}

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Address of whoever holds the connection. */
  readonly source: string
  readonly header: (name: string) => string | undefined
  /** @throws GanglionError `payload-too-large`, `payload-invalid` when it does not come, or breaks off */
  body(): Promise<Buffer>
}

export interface HttpReply {
  readonly status: number
  readonly text: string
  readonly type?: 'text/plain' | 'application/json'
  readonly headers?: Readonly<Record<string, string>>
}

export interface HttpDoorContext {
  readonly clock: Clock
  readonly bounds: HttpBounds
  readonly respond: (request: HttpRequest) => Promise<HttpReply>
  readonly trouble: (what: string, example: string) => void
}

const LONGEST_HEAD = 8 * 1024
const LONGEST_TARGET = 2048
const REQUESTS_PER_CONNECTION = 16
/** Addresses whose rate is remembered; the one that came first is forgotten first. */
const MOST_SOURCES = 4096

/** HTTP/1.1 on connections that are handed in. Everybody is bounded: in time, in bytes, in connections, in requests. */
export class HttpDoor {
  readonly #context: HttpDoorContext
  readonly #server: Server
  readonly #rates = new Map<string, Rate>()
  readonly #connections = new Map<string, number>()
  readonly #lines = new WeakMap<Socket, Line>()
  #underway = 0

  constructor(context: HttpDoorContext) {
    this.#context = context
    // Its own timers are off: they stand here, on the one clock.
    const options = { maxHeaderSize: LONGEST_HEAD, keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 }
    this.#server = createServer(options, (request, response) => void this.#answer(request, response))
    this.#server.on('clientError', (error, socket) => {
      if (socket instanceof Socket) this.#noHttp(error, socket)
      else socket.destroy()
    })
  }

  enter(socket: Socket): void {
    const source = sourceOf(socket)
    const count = (this.#connections.get(source) ?? 0) + 1
    if (count > this.#context.bounds.connectionsPerSource) {
      this.#context.trouble('too many connections of one source', source)
      socket.destroy()
      return
    }
    this.#connections.set(source, count)
    const line = new Line(socket, this.#context.clock)
    this.#lines.set(socket, line)
    socket.on('close', () => {
      line.end()
      const left = (this.#connections.get(source) ?? 1) - 1
      if (left === 0) this.#connections.delete(source)
      else this.#connections.set(source, left)
    })
    // Closing is all that can be done about it, and follows by itself.
    socket.on('error', () => undefined)
    line.wait(this.#context.bounds.headMs)
    this.#server.emit('connection', socket)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { bounds, clock } = this.#context
    const line = this.#lines.get(request.socket)
    const source = sourceOf(request.socket)
    if (!line || line.begin() > REQUESTS_PER_CONNECTION) {
      this.#context.trouble('too many requests at once', source)
      request.socket.destroy()
      return
    }
    this.#underway++
    response.on('close', () => {
      this.#underway--
      if (line.finish() === 0) line.wait(bounds.idleMs)
    })
    const { reply, isWhole } = await this.#replyTo(request, source, () => readBody(request, clock, bounds))
    if (response.destroyed) return
    const body = Buffer.from(reply.text, 'utf8')
    response.writeHead(reply.status, {
      'content-type': `${reply.type ?? 'text/plain'}; charset=utf-8`,
      'content-length': body.length,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      // What is left of a body is not waited for.
      ...(!isWhole && { connection: 'close' }),
      ...reply.headers,
    })
    response.end(body)
  }

  async #replyTo(
    request: IncomingMessage,
    source: string,
    body: () => Promise<Buffer>,
  ): Promise<{ readonly reply: HttpReply; readonly isWhole: boolean }> {
    const { bounds, respond, trouble } = this.#context
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
    let isRead = !hasBody
    const done = (reply: HttpReply): { reply: HttpReply; isWhole: boolean } => ({ reply, isWhole: isRead })
    if (!this.#rateOf(source).take()) {
      trouble('rate-exceeded', source)
      return done({ status: 429, text: 'too many requests', headers: { 'retry-after': '1' } })
    }
    if (this.#underway > bounds.underway) {
      trouble('too many requests at once', source)
      return done({ status: 503, text: 'busy', headers: { 'retry-after': '2' } })
    }
    const target = request.url ?? ''
    if (target.length > LONGEST_TARGET) return done({ status: 414, text: 'the address is too long' })
    const question = target.indexOf('?')
    try {
      const reply = await respond({
        method: request.method ?? '',
        path: question < 0 ? target : target.slice(0, question),
        query: question < 0 ? '' : target.slice(question + 1),
        source,
        header: (name) => {
          const value = request.headers[name]
          return Array.isArray(value) ? value.join(', ') : value
        },
        async body() {
          const bytes = await body()
          isRead = true
          return bytes
        },
      })
      return done(reply)
    } catch (error) {
      return done(this.#failed(error, source))
    }
  }

  #failed(error: unknown, source: string): HttpReply {
    if (isGanglionError(error, 'payload-too-large')) {
      this.#context.trouble('payload-too-large', `${source}: ${error.message}`)
      return { status: 413, text: error.message }
    }
    if (isGanglionError(error, 'device-silent')) {
      this.#context.trouble('the body did not come', `${source}: ${error.message}`)
      return { status: 408, text: error.message }
    }
    // Nothing of the inside leaves; the sender tries again.
    this.#context.trouble('failed', error instanceof Error ? error.message : String(error))
    return { status: 503, text: 'it failed inside', headers: { 'retry-after': '5' } }
  }

  #rateOf(source: string): Rate {
    const known = this.#rates.get(source)
    if (known) return known
    if (this.#rates.size >= MOST_SOURCES) {
      const [oldest] = this.#rates.keys()
      if (oldest !== undefined) this.#rates.delete(oldest)
    }
    const made = new Rate(this.#context.clock, this.#context.bounds.requestsPerSecondPerSource)
    this.#rates.set(source, made)
    return made
  }

  #noHttp(error: Error, socket: Socket): void {
    const code = codeOf(error)
    if (code !== 'ECONNRESET' && code !== 'EPIPE')
      this.#context.trouble('no HTTP', `${sourceOf(socket)}: ${code}`)
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    socket.destroySoon()
  }
}

/** One connection: how long it may stay as it is, and how many requests are open on it. */
class Line {
  readonly #socket: Socket
  readonly #clock: Clock
  #open = 0
  #cancel: (() => void) | undefined

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
  }

  wait(span: Duration): void {
    this.#cancel?.()
    if (this.#socket.destroyed) return
    this.#cancel = this.#clock.after(span, () => this.#socket.destroy())
  }

  /** How many are open now. */
  begin(): number {
    this.#cancel?.()
    return ++this.#open
  }

  finish(): number {
    return --this.#open
  }

  end(): void {
    this.#cancel?.()
  }
}

function readBody(request: IncomingMessage, clock: Clock, bounds: HttpBounds): Promise<Buffer> {
  const most = bounds.bodyBytes
  const tooLarge = (): GanglionError =>
    new GanglionError('payload-too-large', `wanted a body of at most ${most} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const end = (): void => {
      cancel()
      request.off('data', onData).off('end', onEnd).off('close', onClose)
    }
    const fail = (error: GanglionError): void => {
      end()
      request.pause()
      reject(error)
    }
    const cancel = clock.after(bounds.bodyMs, () =>
      fail(new GanglionError('device-silent', `wanted the whole body within ${bounds.bodyMs / 1000} s`)),
    )
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > most) fail(tooLarge())
      else chunks.push(chunk)
    }
    const onEnd = (): void => {
      end()
      resolve(Buffer.concat(chunks, size))
    }
    const onClose = (): void => fail(new GanglionError('device-silent', 'the connection broke off'))
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

const sourceOf = (socket: Socket): string => socket.remoteAddress ?? 'unknown'
