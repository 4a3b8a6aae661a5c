import { decodeRtp, type RtpPacket } from './rtp.ts'
import type { VideoCodec } from './sdp.ts'

/** RTP packets back to pictures: H.264 (RFC 6184, modes 0 and 1) and H.265 (RFC 7798 without DONL). */

/** One coded picture. */
export interface AccessUnit {
  /** NAL units with start codes, as decoders take them. */
  readonly annexB: Uint8Array
  /** On the 90 kHz clock, unwrapped: it only grows while the camera's stream does. */
  readonly timestamp: number
  readonly isKey: boolean
}

/** A 4K key picture has 1–2 MB. */
const LARGEST_PICTURE = 8 * 1024 * 1024
/** What a piece costs besides its bytes: a camera that sends nothing but empty ones is bounded too. */
const PIECE_COST = 64
const START_CODE = Uint8Array.of(0, 0, 0, 1)

/** Collects the packets of each picture. After a gap nothing is given until the next key picture. */
export class AccessUnits {
  readonly #codec: VideoCodec
  readonly #payloadType: number
  readonly #parameterSets: readonly Uint8Array[]
  #nals: Uint8Array[] = []
  #size = 0
  #fragments: Uint8Array[] | undefined
  #last: { readonly sequence: number; readonly timestamp: number; readonly unwrapped: number } | undefined
  #waitsForKey = true
  #skipped = 0

  constructor(track: {
    readonly codec: VideoCodec
    readonly payloadType: number
    readonly parameterSets: readonly Uint8Array[]
  }) {
    this.#codec = track.codec
    this.#payloadType = track.payloadType
    this.#parameterSets = track.parameterSets
  }

  /** Packets that were no use: not RTP, of another stream, or malformed. */
  get skippedPackets(): number {
    return this.#skipped
  }

  /** The pictures that this packet completes: none or one, or two when the end of one was not marked. */
  push(bytes: Uint8Array): AccessUnit[] {
    const packet = decodeRtp(bytes)
    if (packet?.payloadType !== this.#payloadType) {
      this.#skipped++
      return []
    }
    const pictures: AccessUnit[] = []
    const last = this.#last
    const isNext = last === undefined || packet.sequence === ((last.sequence + 1) & 0xffff)
    if (!isNext) this.#loseTrack()
    if (last && packet.timestamp !== last.timestamp) pictures.push(...this.#close(last.unwrapped))
    const unwrapped = unwrap(packet.timestamp, last)
    this.#last = { sequence: packet.sequence, timestamp: packet.timestamp, unwrapped }
    if (!this.#collect(packet)) {
      this.#skipped++
      this.#loseTrack()
    }
    if (packet.marker) pictures.push(...this.#close(unwrapped))
    return pictures
  }

  #loseTrack(): void {
    this.#nals = []
    this.#size = 0
    this.#fragments = undefined
    this.#waitsForKey = true
  }

  #close(timestamp: number): AccessUnit[] {
    const nals = this.#nals
    this.#nals = []
    this.#size = 0
    this.#fragments = undefined
    const isKey = nals.some((nal) => isKeyNal(this.#codec, nal))
    if (nals.length === 0 || (this.#waitsForKey && !isKey)) return []
    // Sets from the description first: those in the stream, where there are any, are newer and win.
    const all = isKey && this.#waitsForKey ? [...this.#parameterSets, ...nals] : nals
    this.#waitsForKey = false
    return [{ annexB: Buffer.concat(all.flatMap((nal) => [START_CODE, nal])), timestamp, isKey }]
  }

  /** False when the payload is malformed. */
  #collect({ payload }: RtpPacket): boolean {
    const [first = 0, second = 0, third = 0] = payload
    if (this.#codec === 'H264') {
      const type = first & 0x1f
      if (type >= 1 && type <= 23) return this.#add(payload)
      if (type === 24) return this.#addAll(payload.subarray(1)) // STAP-A
      if (type === 28)
        return this.#fragment(second, Uint8Array.of((first & 0xe0) | (second & 0x1f)), payload.subarray(2))
      return false
    }
    const type = (first >> 1) & 0x3f
    if (payload.length < 3) return false
    if (type < 48) return this.#add(payload)
    if (type === 48) return this.#addAll(payload.subarray(2))
    if (type !== 49) return false
    return this.#fragment(
      third,
      Uint8Array.of((first & 0x81) | ((third & 0x3f) << 1), second),
      payload.subarray(3),
    )
  }

  #add(nal: Uint8Array): boolean {
    this.#size += nal.length + PIECE_COST
    if (nal.length === 0 || this.#size > LARGEST_PICTURE) return false
    this.#nals.push(nal)
    return true
  }

  /** An aggregation packet: each NAL unit behind its 16-bit length. */
  #addAll(rest: Uint8Array): boolean {
    let at = 0
    while (at + 2 <= rest.length) {
      const length = ((rest[at] ?? 0) << 8) | (rest[at + 1] ?? 0)
      const nal = rest.subarray(at + 2, at + 2 + length)
      if (length === 0 || nal.length < length || !this.#add(nal)) return false
      at += 2 + length
    }
    return at === rest.length
  }

  /** @param flags the FU header: bit 7 begins a NAL unit, bit 6 ends it */
  #fragment(flags: number, header: Uint8Array, body: Uint8Array): boolean {
    if (flags & 0x80) this.#fragments = [header]
    if (!this.#fragments) return false
    this.#size += body.length + PIECE_COST
    if (this.#size > LARGEST_PICTURE) return false
    this.#fragments.push(body)
    if (flags & 0x40) {
      this.#nals.push(Buffer.concat(this.#fragments))
      this.#fragments = undefined
    }
    return true
  }
}

/** 32 bits wrap every 13 hours; a picture a little out of order goes back. */
function unwrap(
  timestamp: number,
  last: { readonly timestamp: number; readonly unwrapped: number } | undefined,
): number {
  if (!last) return timestamp
  return last.unwrapped + ((timestamp - last.timestamp) | 0)
}

/** IDR in H.264, IRAP (16–23) in H.265; and SPS, which cameras without IDR send before each intra picture. */
function isKeyNal(codec: VideoCodec, nal: Uint8Array): boolean {
  const first = nal[0] ?? 0
  if (codec === 'H264') return (first & 0x1f) === 5 || (first & 0x1f) === 7
  const type = (first >> 1) & 0x3f
  return (type >= 16 && type <= 23) || type === 33
}
