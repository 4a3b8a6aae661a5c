const CONNECT = 1

export interface PacketLimits {
  /** The first packet comes from someone unknown. */
  readonly connectBytes: number
  /** Asked when a packet has announced more than the first one may have: who speaks is known by then. */
  readonly packetBytes: () => number
}

/**
 * Follows the fixed headers of an MQTT stream, so that a packet that announces too much is stopped before
 * any of it is kept: the broker's own parser would gather it whole.
 */
export class PacketGuard {
  readonly #limits: PacketLimits
  /** Body bytes of the current packet that are still to come. */
  #skip = 0
  /** Length bytes read of the header that has begun; -1 between packets. */
  #lengthBytes = -1
  #length = 0
  #isFirst = true

  constructor(limits: PacketLimits) {
    this.#limits = limits
  }

  /** What is wrong with the stream so far; undefined while it is fine. */
  check(chunk: Uint8Array): string | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at)
        this.#skip -= step
        at += step
        continue
      }
      const byte = chunk[at] ?? 0
      at++
      if (this.#lengthBytes < 0) {
        if (this.#isFirst && byte >> 4 !== CONNECT) return 'wanted an MQTT CONNECT packet first'
        this.#lengthBytes = 0
        this.#length = 0
        continue
      }
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes
      this.#lengthBytes++
      if (byte >= 0x80) {
        if (this.#lengthBytes === 4) return 'wanted a length of four bytes at most'
        continue
      }
      const { connectBytes, packetBytes } = this.#limits
      const limit = this.#isFirst || this.#length <= connectBytes ? connectBytes : packetBytes()
      if (this.#length > limit)
        return `wanted a packet of ${limit} bytes at most; ${this.#length} were announced`
      this.#skip = this.#length
      this.#lengthBytes = -1
      this.#isFirst = false
    }
    return undefined
  }
}
