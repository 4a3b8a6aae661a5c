import {
  FrameCutter,
  noFrame,
  whenThere,
  type Between,
  type FrameShape,
  type Look,
  type Waiting,
} from './frame-cutter.ts'

/**
 * JUY: what another family of e-bike charging stations speaks to a server over TCP.
 * `5A A5` | length u16 | command | result | data | sum u8, low byte first; the length counts what follows
 * it, the sum adds everything behind `5A A5`. A server that answers the login with F0 gets the IMEI before
 * the data of every frame from then on.
 */
export interface JuyFrame {
  readonly command: number
  /** 1 done, 0 not done, FF no network; stations send 0 where it says nothing. */
  readonly result: number
  readonly data: Uint8Array
}

export type JuyEvent = ({ readonly kind: 'frame' } & JuyFrame) | Between

export const juyCommands = {
  login: 0x81,
  heartbeat: 0x82,
  end: 0x85,
  localStart: 0x86,
  portData: 0x88,
  imei: 0xc0,
} as const

export const IMEI_LENGTH = 15

const LARGEST_FRAME = 1024
const BEFORE_DATA = 6
/** Command, result and sum. */
const SHORTEST_LENGTH = 3
const LONGEST_LENGTH = LARGEST_FRAME - 4

/** @throws RangeError when the data do not fit into one frame. */
export function encodeJuy({ command, result, data }: JuyFrame): Buffer {
  const total = BEFORE_DATA + data.length + 1
  if (total > LARGEST_FRAME) throw new RangeError(`a JUY frame holds ${LARGEST_FRAME} bytes; wanted ${total}`)
  const frame = Buffer.alloc(total)
  frame.writeUInt16BE(0x5aa5, 0)
  frame.writeUInt16LE(total - 4, 2)
  frame.writeUInt8(command, 4)
  frame.writeUInt8(result, 5)
  frame.set(data, BEFORE_DATA)
  let sum = 0
  for (let i = 2; i < total - 1; i++) sum += frame[i] ?? 0
  frame.writeUInt8(sum & 0xff, total - 1)
  return frame
}

/** Length and sum must hold: of the vendor's own examples some do not, and are no frames. */
export const juyShape: FrameShape<{ readonly kind: 'frame' } & JuyFrame> = {
  firstByte: 0x5a,
  longest: LARGEST_FRAME,
  look: (waiting) =>
    whenThere(waiting, 4, (header) => {
      if (header.byte(1) !== 0xa5) return noFrame
      const length = header.u16(2)
      if (length < SHORTEST_LENGTH || length > LONGEST_LENGTH) return noFrame
      const total = 4 + length
      return whenThere(header, total, (frame) => wholeFrame(frame, total))
    }),
}

function wholeFrame(waiting: Waiting, total: number): Look<{ readonly kind: 'frame' } & JuyFrame> {
  if ((waiting.sum(2, total - 1) & 0xff) !== waiting.byte(total - 1)) return noFrame
  const frame = waiting.slice(0, total)
  return {
    is: 'frame',
    length: total,
    event: {
      kind: 'frame',
      command: frame.readUInt8(4),
      result: frame.readUInt8(5),
      data: new Uint8Array(frame.subarray(BEFORE_DATA, total - 1)),
    },
  }
}

/** Cuts what a station sends into frames. */
export class JuyParser extends FrameCutter<{ readonly kind: 'frame' } & JuyFrame> {
  constructor() {
    super([juyShape])
  }
}
