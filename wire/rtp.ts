/** RTP's clock for video, per millisecond (RFC 6184 §8.2.1). */
export const TICKS_PER_MS = 90

/** The fixed header of RFC 3550 §5.1, and what it carries. */
export interface RtpPacket {
  readonly payloadType: number
  readonly marker: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Uint8Array
}

const HEADER = 12

/** Nothing when the bytes are no RTP packet. */
export function decodeRtp(bytes: Uint8Array): RtpPacket | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.length < HEADER) return undefined
  const first = view.readUInt8(0)
  if (first >> 6 !== 2) return undefined
  let start = HEADER + 4 * (first & 0x0f)
  if (first & 0x10) {
    if (view.length < start + 4) return undefined
    start += 4 + 4 * view.readUInt16BE(start + 2)
  }
  const padding = first & 0x20 ? (view[view.length - 1] ?? 0) : 0
  if (start > view.length - padding) return undefined
  const second = view.readUInt8(1)
  return {
    payloadType: second & 0x7f,
    marker: second >> 7 === 1,
    sequence: view.readUInt16BE(2),
    timestamp: view.readUInt32BE(4),
    ssrc: view.readUInt32BE(8),
    payload: view.subarray(start, view.length - padding),
  }
}

export function encodeRtp(packet: RtpPacket): Uint8Array {
  const bytes = Buffer.alloc(HEADER + packet.payload.length)
  bytes.writeUInt8(0x80, 0)
  bytes.writeUInt8((packet.marker ? 0x80 : 0) | packet.payloadType, 1)
  bytes.writeUInt16BE(packet.sequence & 0xffff, 2)
  bytes.writeUInt32BE(packet.timestamp >>> 0, 4)
  bytes.writeUInt32BE(packet.ssrc >>> 0, 8)
  bytes.set(packet.payload, HEADER)
  return bytes
}
