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
const requestLine = /^([A-Z_]{3,20}) (\S{1,2048}) RTSP\/1\.\d$/
const statusLine = /^RTSP\/1\.\d (\d{3})(?: ([^\r\n]{0,200}))?$/

/** Cuts a byte stream into items; rubbish is skipped up to the next line or frame that makes sense, and counted. */
export class RtspReader {
  readonly #highestChannel: number
  #rest: Buffer = Buffer.alloc(0)
  #skipped = 0

  /** @param highestChannel a frame on a higher one is rubbish: what was not set up cannot come */
  constructor(highestChannel = 255) {
    this.#highestChannel = highestChannel
  }

  /** Bytes thrown away so far because they were no RTSP. */
  get skippedBytes(): number {
    return this.#skipped
  }

  /** Items own their bytes: nothing points into `bytes` afterwards. */
  push(bytes: Uint8Array): RtspItem[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const items: RtspItem[] = []
    for (;;) {
      const found = next(this.#rest, this.#highestChannel)
      if (found.skip > 0) this.#skipped += found.skip
      this.#rest = this.#rest.subarray(found.skip + found.used)
      if (found.item) items.push(found.item)
      if (!found.item && found.skip === 0 && found.used === 0) return items
    }
  }
}

interface Found {
  /** Rubbish before the item. */
  readonly skip: number
  readonly used: number
  readonly item?: RtspItem
}

const wait: Found = { skip: 0, used: 0 }

function next(rest: Buffer, highestChannel: number): Found {
  if (rest.length === 0) return wait
  if (rest[0] === DOLLAR) return interleaved(rest, highestChannel)
  // Empty lines between messages keep a connection open and mean nothing (RFC 2326 §4.1).
  if (rest[0] === 0x0d || rest[0] === 0x0a) return { skip: 0, used: 1 }
  const end = rest.indexOf('\r\n\r\n')
  const head = rest.toString('utf8', 0, end === -1 ? Math.min(rest.length, LONGEST_HEAD) : end)
  const start = head.split('\r\n', 1)[0] ?? ''
  const isWholeLine = start.length < head.length || end !== -1
  if (end > LONGEST_HEAD || (isWholeLine ? !isStartLine(start) : !mayBecomeStartLine(start)))
    return skipRubbish(rest)
  if (end === -1) return rest.length >= LONGEST_HEAD ? skipRubbish(rest) : wait
  const headers = parseHeaders(head)
  const length = contentLength(headers)
  if (length === undefined) return skipRubbish(rest)
  const used = end + 4 + length
  if (rest.length < used) return wait
  return { skip: 0, used, item: toMessage(start, headers, Uint8Array.from(rest.subarray(end + 4, used))) }
}

function interleaved(rest: Buffer, highestChannel: number): Found {
  if ((rest[1] ?? 0) > highestChannel) return skipRubbish(rest)
  if (rest.length < 4) return wait
  const used = 4 + rest.readUInt16BE(2)
  if (rest.length < used) return wait
  return {
    skip: 0,
    used,
    item: {
      kind: 'interleaved',
      channel: rest.readUInt8(1),
      payload: Uint8Array.from(rest.subarray(4, used)),
    },
  }
}

const isStartLine = (line: string): boolean => requestLine.test(line) || statusLine.test(line)

/** Half a line has come: is it worth waiting for the rest? */
const mayBecomeStartLine = (line: string): boolean =>
  line.length <= 2100 && /^[A-Z_]{1,20}(\/1?\.?\d?)?( [^\r\n]*)?\r?$/.test(line)

/** To the byte after the next line end, or to the next `$`; all of it when there is none. */
function skipRubbish(rest: Buffer): Found {
  const line = rest.indexOf(0x0a, 1)
  const frame = rest.indexOf(DOLLAR, 1)
  const ends = [line === -1 ? rest.length : line + 1, frame === -1 ? rest.length : frame]
  return { skip: Math.min(...ends), used: 0 }
}

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
