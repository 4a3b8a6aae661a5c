import {
  FrameCutter,
  noFrame,
  whenThere,
  type Between,
  type FrameShape,
  type Look,
  type Waiting,
} from './frame-cutter.ts'
import { readGbTime, writeGbTime, type GbTime } from './gb26875-time.ts'

/**
 * GB/T 26875.3-2011: what a user information transmission device (用户信息传输装置) and a monitoring centre
 * speak. Table 1: `40 40` | serial u16 | version 2 | time 6 | source 6 | destination 6 | length u16 |
 * command | application data | sum u8 | `23 23`, low byte first; the length counts the application data
 * alone, the sum adds everything between the two ends.
 */
export interface GbHeader {
  /** 业务流水号: an answer echoes it, a retry keeps it. */
  readonly serial: number
  /** 1 in the standard of 2011. */
  readonly mainVersion: number
  readonly userVersion: number
  readonly time: GbTime
  readonly source: number
  readonly destination: number
}

export interface GbFrame extends GbHeader {
  readonly command: number
  readonly data: Uint8Array
}

export const gbCommands = {
  /** 控制命令 */
  control: 1,
  /** 发送数据 */
  send: 2,
  /** 确认 */
  confirm: 3,
  /** 请求 */
  ask: 4,
  /** 应答 */
  answer: 5,
  /** 否认 */
  deny: 6,
} as const

/** What must be denied although it is no frame (6.5): its header may be right. */
export interface GbBroken {
  readonly kind: 'broken'
  readonly header: GbHeader
  readonly reason: 'sum' | 'end' | 'length'
}

export type GbEvent = ({ readonly kind: 'frame' } & GbFrame) | GbBroken | Between

export const LONGEST_GB_DATA = 1024
export const LARGEST_GB_ADDRESS = 2 ** 48 - 1

const BEFORE_DATA = 27
const AROUND_DATA = 30
const START = 0x40
const END = 0x23

/** @throws RangeError when the data do not fit into one frame. */
export function encodeGb26875(frame: GbFrame): Buffer {
  const { data } = frame
  if (data.length > LONGEST_GB_DATA)
    throw new RangeError(`a GB/T 26875.3 frame holds ${LONGEST_GB_DATA} bytes; wanted ${data.length}`)
  const total = AROUND_DATA + data.length
  const bytes = Buffer.alloc(total, START)
  bytes.writeUInt16LE(frame.serial & 0xffff, 2)
  bytes.writeUInt8(frame.mainVersion, 4)
  bytes.writeUInt8(frame.userVersion, 5)
  bytes.set(writeGbTime(frame.time), 6)
  bytes.writeUIntLE(frame.source, 12, 6)
  bytes.writeUIntLE(frame.destination, 18, 6)
  bytes.writeUInt16LE(data.length, 24)
  bytes.writeUInt8(frame.command, 26)
  bytes.set(data, BEFORE_DATA)
  let sum = 0
  for (let i = 2; i < total - 3; i++) sum += bytes[i] ?? 0
  bytes.writeUInt8(sum & 0xff, total - 3)
  bytes.fill(END, total - 2)
  return bytes
}

/** 确认 or 否认: the peer's serial and version come back, the addresses change places. */
export const gbReply = (to: GbHeader, is: 'confirm' | 'deny', time: GbTime): GbFrame => ({
  serial: to.serial,
  mainVersion: to.mainVersion,
  userVersion: to.userVersion,
  time,
  source: to.destination,
  destination: to.source,
  command: gbCommands[is],
  data: new Uint8Array(),
})

/**
 * By length, since both ends may stand inside a text. Where only one of sum and end is wrong, or the length
 * is beyond the limit, a peer is told so; where more is wrong it was no frame at all.
 */
export const gbShape: FrameShape<({ readonly kind: 'frame' } & GbFrame) | GbBroken> = {
  firstByte: START,
  longest: AROUND_DATA + LONGEST_GB_DATA,
  look: (waiting) =>
    whenThere(waiting, 2, (beginning) =>
      beginning.byte(1) === START ? whenThere(beginning, BEFORE_DATA, lookAtHeader) : noFrame,
    ),
}

type GbLook = Look<({ readonly kind: 'frame' } & GbFrame) | GbBroken>

function lookAtHeader(waiting: Waiting): GbLook {
  const high = waiting.byte(25)
  const length = high > LONGEST_GB_DATA >> 8 ? Infinity : 256 * high + waiting.byte(24)
  // "@@@" begins one byte further on, rather than a frame with a length that nobody sends.
  if (length > LONGEST_GB_DATA)
    return waiting.byte(2) === START ? noFrame : broken(waiting, 'length', BEFORE_DATA)
  const total = AROUND_DATA + length
  return whenThere(waiting, total, (frame) => lookAtEnd(frame, total))
}

function lookAtEnd(waiting: Waiting, total: number): GbLook {
  const hasEnd = waiting.byte(total - 2) === END && waiting.byte(total - 1) === END
  const hasSum = (waiting.sum(2, total - 3) & 0xff) === waiting.byte(total - 3)
  if (!hasEnd && !hasSum) return noFrame
  if (!hasEnd) return broken(waiting, 'end', total)
  if (!hasSum) return broken(waiting, 'sum', total)
  const bytes = waiting.slice(0, total)
  return {
    is: 'frame',
    length: total,
    event: {
      kind: 'frame',
      ...readHeader(bytes),
      command: bytes.readUInt8(26),
      data: new Uint8Array(bytes.subarray(BEFORE_DATA, total - (AROUND_DATA - BEFORE_DATA))),
    },
  }
}

const broken = (waiting: Waiting, reason: GbBroken['reason'], claims: number): GbLook => ({
  is: 'broken',
  claims,
  event: () => ({ kind: 'broken', reason, header: readHeader(waiting.slice(0, BEFORE_DATA)) }),
})

const readHeader = (bytes: Buffer): GbHeader => ({
  serial: bytes.readUInt16LE(2),
  mainVersion: bytes.readUInt8(4),
  userVersion: bytes.readUInt8(5),
  time: readGbTime(bytes, 6),
  source: bytes.readUIntLE(12, 6),
  destination: bytes.readUIntLE(18, 6),
})

/** Cuts what a peer sends into frames. */
export class GbParser extends FrameCutter<({ readonly kind: 'frame' } & GbFrame) | GbBroken> {
  constructor() {
    super([gbShape])
  }
}
