import { GanglionError } from '../../base/errors.ts'

const CONNACK = 2
const PUBLISH = 3
/** A length is at most four bytes long. */
const LONGEST_HEADER = 5
/** Topic length, the longest topic, packet id. */
const LONGEST_START = 2 + 65_535 + 2

/** A PUBLISH that was too large to be let through. */
export interface Swallowed {
  readonly topic: string
  readonly bytes: number
  /** QoS 1 and 2: it has to be acknowledged, or it would come for ever. */
  readonly packetId: number | undefined
}

/**
 * Follows the packets that a broker sends and takes out those that are too large: its own parser would gather them
 * whole, and closing the connection would only bring them again.
 */
export class Sieve {
  readonly #limit: number
  readonly #swallowed: (packet: Swallowed) => void
  /** The beginning of a header whose rest has not come yet. */
  #cut: Buffer = Buffer.alloc(0)
  #isFirst = true
  /** Bytes of the current packet that are still to be let through, or to be taken out. */
  #pass = 0
  #skip = 0
  #start = Buffer.alloc(0)
  #kept = 0
  #large = { bytes: 0, flags: 0 }

  constructor(limit: number, swallowed: (packet: Swallowed) => void) {
    this.#limit = limit
    this.#swallowed = swallowed
  }

  /** What of a chunk goes on. @throws GanglionError `frame-invalid` when it is no MQTT. */
  push(chunk: Buffer): readonly Buffer[] {
    const data = this.#cut.length > 0 ? Buffer.concat([this.#cut, chunk]) : chunk
    this.#cut = Buffer.alloc(0)
    const out: Buffer[] = []
    let from = 0
    let at = 0
    while (at < data.length) {
      const step = Math.min(this.#pass + this.#skip, data.length - at)
      if (this.#skip > 0) {
        this.#gather(data.subarray(at, at + step))
        from = at + step
      } else if (this.#pass > 0) {
        this.#pass -= step
      } else {
        const header = readHeader(data, at)
        if (header === undefined) {
          this.#cut = Buffer.from(data.subarray(at))
          break
        }
        at += header.size
        if (this.#admits(header.flags, header.length)) {
          this.#pass = header.length
        } else {
          out.push(data.subarray(from, at - header.size))
          from = at
        }
        continue
      }
      at += step
    }
    out.push(data.subarray(from, data.length - this.#cut.length))
    return out.filter((piece) => piece.length > 0)
  }

  #admits(flags: number, length: number): boolean {
    const type = flags >> 4
    if (this.#isFirst && type !== CONNACK) throw invalid('wanted an MQTT CONNACK packet first')
    this.#isFirst = false
    if (length <= this.#limit) return true
    if (type !== PUBLISH) throw invalid(`wanted a packet of ${this.#limit} bytes at most; got ${length}`)
    this.#skip = length
    this.#large = { bytes: length, flags }
    return false
  }

  #gather(piece: Buffer): void {
    this.#skip -= piece.length
    this.#keep(piece.subarray(0, LONGEST_START - this.#kept))
    if (this.#skip > 0) return
    const start = this.#start.subarray(0, this.#kept)
    this.#start = Buffer.alloc(0)
    this.#kept = 0
    const { bytes, flags } = this.#large
    const topicEnd = 2 + start.readUInt16BE(0)
    const hasId = (flags & 0b110) !== 0 && start.length >= topicEnd + 2
    this.#swallowed({
      topic: start.subarray(2, topicEnd).toString('utf8'),
      bytes,
      packetId: hasId ? start.readUInt16BE(topicEnd) : undefined,
    })
  }

  /** Room is made twice as large each time: a packet may come byte by byte. */
  #keep(piece: Buffer): void {
    const needed = this.#kept + piece.length
    if (needed > this.#start.length) {
      const larger = Buffer.alloc(Math.min(LONGEST_START, 2 * needed))
      this.#start.copy(larger, 0, 0, this.#kept)
      this.#start = larger
    }
    piece.copy(this.#start, this.#kept)
    this.#kept = needed
  }
}

function readHeader(
  data: Buffer,
  at: number,
): { readonly flags: number; readonly length: number; readonly size: number } | undefined {
  let length = 0
  for (let size = 2; size <= LONGEST_HEADER; size++) {
    const byte = data[at + size - 1]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 128 ** (size - 2)
    if (byte < 0x80) return { flags: data[at] ?? 0, length, size }
  }
  throw invalid('wanted a length of four bytes at most')
}

const invalid = (text: string): GanglionError => new GanglionError('frame-invalid', text)
