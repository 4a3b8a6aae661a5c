/**
 * Modbus frames, both ends: requests, replies and exceptions as PDUs, wrapped for TCP (MBAP) or for a
 * serial line (CRC-16). Pure: no socket, no timer, nothing shared between units.
 */

export type ReadFunction = 1 | 2 | 3 | 4

/** Coils and inputs (1, 2) are counted in bits, registers (3, 4) in 16-bit words. */
export interface ReadRequest {
  readonly function: ReadFunction
  readonly address: number
  readonly count: number
}

export interface WriteRequest {
  readonly function: 5 | 6
  readonly address: number
  /** The word on the wire: a coil is FF00 (on) or 0000 (off); relay boards know further words. */
  readonly value: number
}

/** Several at once: coils by 15, registers by 16. */
export type WriteManyRequest =
  | { readonly function: 15; readonly address: number; readonly bits: readonly boolean[] }
  | { readonly function: 16; readonly address: number; readonly words: readonly number[] }

export type ModbusRequest = ReadRequest | WriteRequest | WriteManyRequest

export const modbusExceptions = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  5: 'acknowledge',
  6: 'server device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target failed to respond',
} as const

export type ExceptionCode = keyof typeof modbusExceptions

/** As the standard names it; codes outside the standard keep their number. */
export const exceptionName = (code: number): string =>
  (modbusExceptions as Readonly<Record<number, string>>)[code] ?? `exception ${code}`

const largestCount = (fn: ReadFunction): number => (fn <= 2 ? 2000 : 125)

// ---- PDU: requests ----

/** @throws RangeError for a count that no reply can carry. */
export function encodeReadRequest({ function: fn, address, count }: ReadRequest): Buffer {
  if (count < 1 || count > largestCount(fn) || address < 0 || address + count > 65_536)
    throw new RangeError(`function ${fn} cannot read ${count} from ${address}`)
  const pdu = Buffer.allocUnsafe(5)
  pdu.writeUInt8(fn, 0)
  pdu.writeUInt16BE(address, 1)
  pdu.writeUInt16BE(count, 3)
  return pdu
}

export function encodeWriteRequest({ function: fn, address, value }: WriteRequest): Buffer {
  const pdu = Buffer.allocUnsafe(5)
  pdu.writeUInt8(fn, 0)
  pdu.writeUInt16BE(address, 1)
  pdu.writeUInt16BE(value, 3)
  return pdu
}

/** @throws RangeError for more than one request can carry. */
export function encodeWriteManyRequest(request: WriteManyRequest): Buffer {
  const { function: fn, address } = request
  const count = countOf(request)
  const data = fn === 15 ? packBits(request.bits) : packWords(request.words)
  if (count < 1 || count > largestWrite[fn] || address < 0 || address + count > 65_536)
    throw new RangeError(`function ${fn} cannot write ${count} from ${address}`)
  const pdu = Buffer.allocUnsafe(6)
  pdu.writeUInt8(fn, 0)
  pdu.writeUInt16BE(address, 1)
  pdu.writeUInt16BE(count, 3)
  pdu.writeUInt8(data.length, 5)
  return Buffer.concat([pdu, data])
}

/** As the standard bounds them (Modbus Application Protocol 1.1b3, 6.11 and 6.12). */
const largestWrite = { 15: 1968, 16: 123 } as const

const countOf = (request: WriteManyRequest): number =>
  request.function === 15 ? request.bits.length : request.words.length

export type DecodedRequest =
  | { readonly is: 'read'; readonly request: ReadRequest }
  | { readonly is: 'write'; readonly request: WriteRequest }
  | { readonly is: 'write-many'; readonly request: WriteManyRequest }
  /** Answer with this exception. */
  | { readonly is: 'wrong'; readonly function: number; readonly exception: 1 | 3 }

/** What a client asks of a server. @param coilWords words beside FF00 and 0000 are known, as by relay boards */
export function decodeRequest(pdu: Uint8Array, coilWords: 'standard' | 'any' = 'standard'): DecodedRequest {
  const fn = pdu[0] ?? 0
  if (fn === 15 || fn === 16) return decodeWriteMany(fn, pdu)
  if (!(fn >= 1 && fn <= 6)) return { is: 'wrong', function: fn, exception: 1 }
  if (pdu.length !== 5) return { is: 'wrong', function: fn, exception: 3 }
  const address = word(pdu, 1)
  const value = word(pdu, 3)
  if (fn === 5 || fn === 6) {
    const isCoilWord = value === 0 || value === 0xff00
    if (fn === 5 && !isCoilWord && coilWords === 'standard')
      return { is: 'wrong', function: fn, exception: 3 }
    return { is: 'write', request: { function: fn, address, value } }
  }
  const read = fn as ReadFunction // 1 to 4, by the tests above
  if (value < 1 || value > largestCount(read)) return { is: 'wrong', function: fn, exception: 3 }
  return { is: 'read', request: { function: read, address, count: value } }
}

function decodeWriteMany(fn: 15 | 16, pdu: Uint8Array): DecodedRequest {
  const count = pdu.length < 6 ? 0 : word(pdu, 3)
  const length = fn === 15 ? Math.ceil(count / 8) : 2 * count
  const isWhole = count >= 1 && count <= largestWrite[fn] && pdu[5] === length && pdu.length === 6 + length
  if (!isWhole) return { is: 'wrong', function: fn, exception: 3 }
  const address = word(pdu, 1)
  const indexes = Array.from({ length: count }, (_, i) => i)
  if (fn === 15) {
    const bits = indexes.map((i) => (((pdu[6 + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 1)
    return { is: 'write-many', request: { function: 15, address, bits } }
  }
  return {
    is: 'write-many',
    request: { function: 16, address, words: indexes.map((i) => word(pdu, 6 + 2 * i)) },
  }
}

// ---- PDU: replies ----

/** A write of several is answered with how many and from where; that of one with itself. */
export const encodeWriteManyReply = (request: WriteManyRequest): Buffer =>
  encodeWriteManyRequest(request).subarray(0, 5)

export function encodeRegistersReply(fn: 3 | 4, words: ArrayLike<number>): Buffer {
  const pdu = Buffer.allocUnsafe(2 + 2 * words.length)
  pdu.writeUInt8(fn, 0)
  pdu.writeUInt8(2 * words.length, 1)
  for (let i = 0; i < words.length; i++) pdu.writeUInt16BE((words[i] ?? 0) & 0xffff, 2 + 2 * i)
  return pdu
}

export function encodeBitsReply(fn: 1 | 2, bits: readonly boolean[]): Buffer {
  const data = packBits(bits)
  return Buffer.concat([Buffer.of(fn, data.length), data])
}

/** Eight a byte, the first one lowest. */
function packBits(bits: readonly boolean[]): Buffer {
  const data = Buffer.alloc(Math.ceil(bits.length / 8))
  for (const [i, bit] of bits.entries()) if (bit) data[i >> 3] = (data[i >> 3] ?? 0) | (1 << (i & 7))
  return data
}

function packWords(words: readonly number[]): Buffer {
  const data = Buffer.allocUnsafe(2 * words.length)
  for (const [i, one] of words.entries()) data.writeUInt16BE(one & 0xffff, 2 * i)
  return data
}

export const encodeException = (fn: number, code: ExceptionCode): Buffer => Buffer.from([fn | 0x80, code])

export type DecodedReply =
  /** The bytes after the byte count: registers high byte first, or bits. */
  | { readonly is: 'data'; readonly data: Uint8Array }
  | { readonly is: 'exception'; readonly code: number }
  | { readonly is: 'wrong'; readonly reason: string }

/**
 * Checks a reply against what was asked: function and length must be those of the request. What was written comes
 * back: the whole request of 5 and 6, address and count of 15 and 16.
 */
export function decodeReply(pdu: Uint8Array, asked: ModbusRequest): DecodedReply {
  const fn = pdu[0]
  if (fn === (asked.function | 0x80) && pdu.length === 2) return { is: 'exception', code: pdu[1] ?? 0 }
  if (fn !== asked.function)
    return { is: 'wrong', reason: `wanted function ${asked.function}, got ${fn ?? 'nothing'}` }
  if (!isRead(asked)) return decodeEcho(pdu, asked)
  const wanted = asked.function <= 2 ? Math.ceil(asked.count / 8) : 2 * asked.count
  if (pdu[1] !== wanted || pdu.length !== 2 + wanted)
    return { is: 'wrong', reason: `wanted ${wanted} bytes, got ${Math.max(0, pdu.length - 2)}` }
  return { is: 'data', data: pdu.subarray(2) }
}

function decodeEcho(pdu: Uint8Array, asked: WriteRequest | WriteManyRequest): DecodedReply {
  const wanted = isWriteMany(asked) ? encodeWriteManyReply(asked) : encodeWriteRequest(asked)
  if (wanted.equals(pdu)) return { is: 'data', data: pdu.subarray(1) }
  return {
    is: 'wrong',
    reason: `wanted ${wanted.toString('hex')} back, got ${Buffer.from(pdu).toString('hex')}`,
  }
}

export const isRead = (request: ModbusRequest): request is ReadRequest => request.function <= 4

export const isWriteMany = (request: ModbusRequest): request is WriteManyRequest => request.function >= 15

/** Any request as its PDU. @throws RangeError */
export function encodeRequest(request: ModbusRequest): Buffer {
  if (isRead(request)) return encodeReadRequest(request)
  return isWriteMany(request) ? encodeWriteManyRequest(request) : encodeWriteRequest(request)
}

// ---- TCP: MBAP ----

export interface MbapFrame {
  readonly transaction: number
  readonly unit: number
  readonly pdu: Uint8Array
}

/** transaction u16 | protocol 0 u16 | length u16 (unit and PDU) | unit u8 | PDU */
export function encodeMbap({ transaction, unit, pdu }: MbapFrame): Buffer {
  const frame = Buffer.allocUnsafe(7 + pdu.length)
  frame.writeUInt16BE(transaction & 0xffff, 0)
  frame.writeUInt16BE(0, 2)
  frame.writeUInt16BE(1 + pdu.length, 4)
  frame.writeUInt8(unit, 6)
  frame.set(pdu, 7)
  return frame
}

/** A PDU has 253 bytes at most, whatever the length field says. */
const LONGEST_MBAP_LENGTH = 254
const MBAP_LENGTH_AT = 6
const LONGEST_MBAP = MBAP_LENGTH_AT + LONGEST_MBAP_LENGTH

/**
 * Cuts a TCP stream into frames. MBAP has no mark to find the next frame by, so after a wrong header
 * the stream is `broken` for good and the connection must be opened anew.
 */
export class MbapParser {
  /** The frame that has begun. */
  readonly #held = new Uint8Array(LONGEST_MBAP)
  #length = 0
  /** Of that frame, once its header is here. */
  #wanted = MBAP_LENGTH_AT
  #broken: string | undefined

  /** Why the stream cannot be followed any more. */
  get broken(): string | undefined {
    return this.#broken
  }

  /** Bytes held back because their frame is not complete: 260 at most. */
  get waiting(): number {
    return this.#length
  }

  push(chunk: Uint8Array): MbapFrame[] {
    const frames: MbapFrame[] = []
    for (let taken = 0; taken < chunk.length && this.#broken === undefined;) {
      const count = Math.min(chunk.length - taken, this.#wanted - this.#length)
      this.#held.set(chunk.subarray(taken, taken + count), this.#length)
      this.#length += count
      taken += count
      if (this.#length < this.#wanted) return frames
      if (this.#wanted === MBAP_LENGTH_AT) this.#readHeader()
      else frames.push(this.#takeFrame())
    }
    return frames
  }

  #readHeader(): void {
    const protocol = word(this.#held, 2)
    const length = word(this.#held, 4)
    if (protocol === 0 && length >= 2 && length <= LONGEST_MBAP_LENGTH) {
      this.#wanted = MBAP_LENGTH_AT + length
      return
    }
    this.#broken = `wanted protocol 0 and 2 to ${LONGEST_MBAP_LENGTH} bytes, got protocol ${protocol} and ${length} bytes`
    this.#length = 0
  }

  #takeFrame(): MbapFrame {
    const frame = {
      transaction: word(this.#held, 0),
      unit: this.#held[6] ?? 0,
      pdu: this.#held.slice(7, this.#wanted),
    }
    this.#length = 0
    this.#wanted = MBAP_LENGTH_AT
    return frame
  }
}

// ---- Serial line: RTU ----

/** CRC-16/MODBUS: polynomial A001 (reflected), start FFFF. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  return crc
}

/** unit | PDU | CRC, low byte first. */
export function encodeRtu(unit: number, pdu: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(pdu.length + 3)
  frame.writeUInt8(unit, 0)
  frame.set(pdu, 1)
  frame.writeUInt16LE(crc16(frame.subarray(0, pdu.length + 1)), pdu.length + 1)
  return frame
}

/** Undefined when the frame is too short or its CRC is wrong. */
export function decodeRtu(
  frame: Uint8Array,
): { readonly unit: number; readonly pdu: Uint8Array } | undefined {
  if (frame.length < 4) return undefined
  const end = frame.length - 2
  const sent = (frame[end] ?? 0) | ((frame[end + 1] ?? 0) << 8)
  if (crc16(frame.subarray(0, end)) !== sent) return undefined
  return { unit: frame[0] ?? 0, pdu: frame.subarray(1, end) }
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
