import { GanglionError } from '../base/errors.ts'

/** RTSP 1.0 (RFC 2326) messages with media interleaved in the same TCP stream (§10.12): bytes to items and back. */

export type Headers = readonly (readonly [name: string, value: string])[]

export interface RtspRequest {
  readonly kind: 'request'
  readonly method: string
  readonly uri: string
  readonly headers: Headers
  readonly body: Uint8Array
}

export interface RtspResponse {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
  readonly headers: Headers
  readonly body: Uint8Array
}

/** `$`, channel, length: an RTP or RTCP packet between messages. */
export interface Interleaved {
  readonly kind: 'interleaved'
  readonly channel: number
  readonly payload: Uint8Array
}

export type RtspItem = RtspRequest | RtspResponse | Interleaved

/** Bounds of what is believed: a start line, all headers, a body (an SDP has 1–2 KB). */
const LONGEST_HEAD = 16_384
const LARGEST_BODY = 65_536

const DOLLAR = 0x24
const RETURN = 0x0d
const LINE_FEED = 0x0a
const SPACE = 0x20
const SLASH = 0x2f
const UNDERSCORE = 0x5f
const requestLine = /^([A-Z_]{3,20}) (\S{1,2048}) RTSP\/1\.\d$/
const statusLine = /^RTSP\/1\.\d (\d{3})(?: ([^\r\n]{0,200}))?$/

/** What is held to begin with, and again when a large message has gone. */
const ROOM = 16_384
/** A URI of 2,048 characters between the method and the version. */
const LONGEST_LINE = 2100
/** Of a method. */
const LONGEST_WORD = 20

interface Head {
  readonly headers: Headers
  readonly bodyAt: number
  readonly end: number
}

/**
 * Cuts a byte stream into items; rubbish is skipped up to the next line or frame that makes sense, and counted. It looks
 * at bytes in their order and at each once: a peer that trickles them, or sends nothing but false beginnings, costs no
 * more than a camera.
 */
export class RtspReader {
  readonly #highestChannel: number
  #bytes = Buffer.alloc(ROOM)
  #start = 0
  #end = 0
  #skipped = 0
  /** Of the item that has begun: do not look again before so many bytes are here. */
  #wanted = 1
  /** Of the text that has begun: so many bytes were looked at. */
  #scanned = 0
  /** It began as a start line does. */
  #isPlausible = false
  #startLine = ''
  #lineAt = 0
  #head: Head | undefined

  /** @param highestChannel a frame on a higher one is rubbish: what was not set up cannot come */
  constructor(highestChannel = 255) {
    this.#highestChannel = highestChannel
  }

  /** Bytes thrown away so far because they were no RTSP. */
  get skippedBytes(): number {
    return this.#skipped
  }

  /** Bytes held back because their item is not complete. */
  get waiting(): number {
    return this.#end - this.#start
  }

  /** Items own their bytes: nothing points into `bytes` afterwards. */
  push(bytes: Uint8Array): RtspItem[] {
    this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
    const items: RtspItem[] = []
    while (this.waiting >= this.#wanted) {
      const item = this.#next(this.#bytes.subarray(this.#start, this.#end))
      if (item) items.push(item)
    }
    return items
  }

  /** Undefined after something was skipped, too. */
  #next(rest: Buffer): RtspItem | undefined {
    if (this.#scanned === 0) {
      const [first] = rest
      if (first === DOLLAR) return this.#interleaved(rest)
      if (first === RETURN || first === LINE_FEED) {
        // Empty lines between messages keep a connection open and mean nothing (RFC 2326 §4.1).
        this.#take(1)
        return undefined
      }
    }
    this.#head ??= this.#findHead(rest)
    const head = this.#head
    if (!head || this.#isShort(rest, head.end)) return undefined
    this.#take(head.end)
    return toMessage(this.#startLine, head.headers, Uint8Array.from(rest.subarray(head.bodyAt, head.end)))
  }

  #interleaved(rest: Buffer): Interleaved | undefined {
    if (this.#isShort(rest, 4)) return undefined
    const channel = rest.readUInt8(1)
    if (channel > this.#highestChannel) {
      this.#skipRubbish(rest, 1)
      return undefined
    }
    const used = 4 + rest.readUInt16BE(2)
    if (this.#isShort(rest, used)) return undefined
    this.#take(used)
    return { kind: 'interleaved', channel, payload: Uint8Array.from(rest.subarray(4, used)) }
  }

  #isShort(rest: Buffer, wanted: number): boolean {
    this.#wanted = wanted
    return rest.length < wanted
  }

  /** Undefined while it is not whole, and after rubbish was skipped. */
  #findHead(rest: Buffer): Head | undefined {
    while (this.#scanned < rest.length) {
      const at = this.#scanned++
      const byte = rest[at] ?? 0
      if (!this.#isPlausible && !this.#beginsAsLine(byte, at)) {
        this.#skipRubbish(rest, at)
        return undefined
      }
      if (at >= (this.#lineAt === 0 ? LONGEST_LINE : LONGEST_HEAD)) {
        this.#skip(this.#scanned)
        return undefined
      }
      const isLineEnd = byte === LINE_FEED && rest[at - 1] === RETURN
      // A bare line feed is a character of its line.
      if (!isLineEnd) continue
      const from = this.#lineAt
      this.#lineAt = at + 1
      if (from === at - 1) return this.#headOf(rest, from)
      if (from > 0) continue
      this.#startLine = rest.toString('utf8', 0, at - 1)
      if (isStartLine(this.#startLine)) continue
      this.#skip(this.#scanned)
      return undefined
    }
    this.#wanted = rest.length + 1
    return undefined
  }

  /** `RTSP/1.0 200 OK` and `OPTIONS * RTSP/1.0` begin with a word in capitals. */
  #beginsAsLine(byte: number, at: number): boolean {
    if ((byte >= 0x41 && byte <= 0x5a) || byte === UNDERSCORE) return at < LONGEST_WORD
    this.#isPlausible = at > 0 && (byte === SPACE || byte === SLASH)
    return this.#isPlausible
  }

  /** @param end behind the line end of the last header; an empty line follows */
  #headOf(rest: Buffer, end: number): Head | undefined {
    const headers = parseHeaders(rest.toString('utf8', 0, end - 2))
    const length = contentLength(headers)
    const bodyAt = end + 2
    if (length !== undefined) return { headers, bodyAt, end: bodyAt + length }
    this.#skip(bodyAt)
    return undefined
  }

  /** To the byte after the next line end, or to the next `$`; all of it when there is none. */
  #skipRubbish(rest: Buffer, from: number): void {
    let end = from
    while (end < rest.length) {
      const byte = rest[end]
      if (byte === DOLLAR) break
      end++
      if (byte === LINE_FEED) break
    }
    this.#skip(end)
  }

  #skip(count: number): void {
    this.#skipped += count
    this.#take(count)
  }

  #take(count: number): void {
    this.#start += count
    this.#wanted = 1
    this.#scanned = 0
    this.#isPlausible = false
    this.#lineAt = 0
    this.#head = undefined
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.#bytes.length) return
    const held = this.waiting
    const needed = held + count
    // Twice what is needed, so that what waits is moved seldom; small again when nothing large waits any more.
    const size = this.#bytes.length
    const isFit = size >= 2 * needed && size <= 8 * Math.max(ROOM, needed)
    const next = isFit ? this.#bytes : Buffer.alloc(Math.max(ROOM, 2 * needed))
    this.#bytes.copy(next, 0, this.#start, this.#end)
    this.#bytes = next
    this.#start = 0
    this.#end = held
  }
}

const isStartLine = (line: string): boolean => requestLine.test(line) || statusLine.test(line)

function parseHeaders(head: string): Headers {
  const headers: [string, string][] = []
  for (const line of head.split('\r\n').slice(1, 101)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()])
  }
  return headers
}

/** `undefined`: not a length that is believed. */
function contentLength(headers: Headers): number | undefined {
  const text = headerOf(headers, 'content-length') ?? '0'
  const length = /^\d{1,6}$/.test(text) ? Number(text) : Infinity
  return length <= LARGEST_BODY ? length : undefined
}

function toMessage(start: string, headers: Headers, body: Uint8Array): RtspRequest | RtspResponse {
  const status = statusLine.exec(start)
  if (status) return { kind: 'response', status: Number(status[1]), reason: status[2] ?? '', headers, body }
  const request = requestLine.exec(start)
  return { kind: 'request', method: request?.[1] ?? '', uri: request?.[2] ?? '', headers, body }
}

/** The first header of that name (lower case). */
export const headerOf = (headers: Headers, name: string): string | undefined =>
  headers.find(([known]) => known.toLowerCase() === name)?.[1]

/** All of that name: a camera may send several challenges. */
export const headersOf = (headers: Headers, name: string): string[] =>
  headers.filter(([known]) => known.toLowerCase() === name).map(([, value]) => value)

/** @throws GanglionError `frame-invalid` when a value would break out of its line. */
export function encodeRequest(
  request: Omit<RtspRequest, 'kind' | 'body'> & { body?: Uint8Array },
): Uint8Array {
  return encode(`${request.method} ${request.uri} RTSP/1.0`, request.headers, request.body)
}

/** @throws GanglionError `frame-invalid` when a value would break out of its line. */
export function encodeResponse(
  response: Omit<RtspResponse, 'kind' | 'body'> & { body?: Uint8Array },
): Uint8Array {
  return encode(`RTSP/1.0 ${response.status} ${response.reason}`, response.headers, response.body)
}

function encode(start: string, headers: Headers, body: Uint8Array = new Uint8Array()): Uint8Array {
  const all: Headers = body.length > 0 ? [...headers, ['Content-Length', String(body.length)]] : headers
  const lines = [start, ...all.map(([name, value]) => `${name}: ${value}`)]
  const broken = lines.find((line) => /[\r\n]/.test(line))
  if (broken !== undefined) {
    throw new GanglionError('frame-invalid', 'wanted an RTSP line; got one with a line break inside')
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8'), body])
}

/** @throws GanglionError `frame-invalid` above the 65,535 bytes that the length field can say. */
export function encodeInterleaved(channel: number, payload: Uint8Array): Uint8Array {
  if (payload.length > 0xffff) {
    throw new GanglionError('frame-invalid', `wanted at most 65535 bytes in a frame; got ${payload.length}`)
  }
  const head = Buffer.from([DOLLAR, channel, payload.length >> 8, payload.length & 0xff])
  return Buffer.concat([head, payload])
}
