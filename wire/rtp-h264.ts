import { encodeRtp } from './rtp.ts'

/** H.264 in RTP (RFC 6184, packetization-mode 1): one NAL unit a packet, large ones cut into FU-A. */

export interface RtpStream {
  readonly payloadType: number
  readonly ssrc: number
  /** The sequence number of the first packet; it wraps at 65,536. */
  readonly sequence: number
  /** 90 kHz; the same for all packets of one picture. */
  readonly timestamp: number
}

const FU_A = 28
/** Stays under an Ethernet frame with IP and TCP headers, as cameras do. */
export const RTP_PAYLOAD_BYTES = 1400

/** The packets of one picture (its NAL units without start codes); the last one carries the marker. */
export function packetize(
  nalUnits: readonly Uint8Array[],
  stream: RtpStream,
  payloadBytes = RTP_PAYLOAD_BYTES,
): Uint8Array[] {
  const payloads = nalUnits.flatMap((nal) =>
    nal.length <= payloadBytes ? [nal] : fragments(nal, payloadBytes),
  )
  return payloads.map((payload, index) =>
    encodeRtp({
      ...stream,
      sequence: stream.sequence + index,
      marker: index === payloads.length - 1,
      payload,
    }),
  )
}

/** RFC 6184 §5.8: the NAL header is split into the indicator (F, NRI) and the type in each FU header. */
function fragments(nal: Uint8Array, payloadBytes: number): Uint8Array[] {
  const header = nal[0] ?? 0
  const room = payloadBytes - 2
  const pieces: Uint8Array[] = []
  for (let at = 1; at < nal.length; at += room) {
    const body = nal.subarray(at, at + room)
    const start = at === 1 ? 0x80 : 0
    const end = at + room >= nal.length ? 0x40 : 0
    pieces.push(Buffer.concat([Buffer.from([(header & 0xe0) | FU_A, start | end | (header & 0x1f)]), body]))
  }
  return pieces
}

/** The NAL units of an Annex B byte stream: what stands between the start codes 00 00 01 and 00 00 00 01. */
export function nalUnits(annexB: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(annexB.buffer, annexB.byteOffset, annexB.byteLength)
  const code = Buffer.from([0, 0, 1])
  const units: Uint8Array[] = []
  let start = bytes.indexOf(code)
  while (start !== -1) {
    const next = bytes.indexOf(code, start + 3)
    let end = next === -1 ? bytes.length : next
    // A NAL unit ends with a stop bit, so zeros before the next start code are not part of it.
    while (end > start + 3 && bytes[end - 1] === 0) end--
    if (end > start + 3) units.push(bytes.subarray(start + 3, end))
    start = next
  }
  return units
}

/** nal_unit_type: 7 is SPS, 8 PPS, 5 a slice of a key picture. */
export const nalType = (nal: Uint8Array): number => (nal[0] ?? 0) & 0x1f
