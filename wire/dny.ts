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
 * DNY (友电 AP3000): what e-bike charging stations speak to a server over TCP.
 * `44 4E 59` | length u16 | physId u32 | messageId u16 | command u8 | data | sum u16, low byte first;
 * the length counts what follows it, the sum adds every byte before it. Between frames the modem sends
 * its card number (20 characters) and the word `link`.
 */

/** One frame, either way. */
export interface DnyFrame {
  /** The number printed on the device; its top byte is the kind (04 two ports, 09 host …). */
  readonly physId: number
  readonly messageId: number
  readonly command: number
  readonly data: Uint8Array
}

export type DnyEvent = ({ readonly kind: 'frame' } & DnyFrame) | Between

export const dnyCommands = {
  settlement: 0x03,
  portPower: 0x06,
  hostState: 0x17,
  register: 0x20,
  heartbeat: 0x21,
  alarm: 0x42,
} as const

/** A station that gets no answer to these sends them again. */
export const mustAcknowledge = (command: number): boolean =>
  command === dnyCommands.register || command === dnyCommands.heartbeat || command === dnyCommands.settlement

/** As printed on the device: `04AB373B`. */
export const physIdText = (physId: number): string => physId.toString(16).toUpperCase().padStart(8, '0')

const LARGEST_FRAME = 256
const BEFORE_DATA = 12
const SUM = 2
/** Bytes after the length field in a frame without data. */
const SHORTEST_LENGTH = 9
const LONGEST_LENGTH = LARGEST_FRAME - 5

/** @throws RangeError when the data do not fit into one frame. */
export function encodeDny({ physId, messageId, command, data }: DnyFrame): Buffer {
  const total = BEFORE_DATA + data.length + SUM
  if (total > LARGEST_FRAME) throw new RangeError(`a DNY frame holds ${LARGEST_FRAME} bytes; wanted ${total}`)
  const frame = Buffer.alloc(total)
  frame.write('DNY', 0, 'latin1')
  frame.writeUInt16LE(total - 5, 3)
  frame.writeUInt32LE(physId >>> 0, 5)
  frame.writeUInt16LE(messageId & 0xffff, 9)
  frame.writeUInt8(command, 11)
  frame.set(data, BEFORE_DATA)
  let sum = 0
  for (let i = 0; i < total - SUM; i++) sum += frame[i] ?? 0
  frame.writeUInt16LE(sum & 0xffff, total - SUM)
  return frame
}

/** The answer `00` to a frame that wants one. */
export const dnyAck = (frame: DnyFrame): Buffer => encodeDny({ ...frame, data: Uint8Array.of(0) })

/** Length and sum must hold; no length above 256 is believed. */
export const dnyShape: FrameShape<{ readonly kind: 'frame' } & DnyFrame> = {
  firstByte: 0x44,
  longest: LARGEST_FRAME,
  look: (waiting) =>
    whenThere(waiting, 5, (header) => {
      if (header.byte(1) !== 0x4e || header.byte(2) !== 0x59) return noFrame
      const length = header.u16(3)
      if (length < SHORTEST_LENGTH || length > LONGEST_LENGTH) return noFrame
      const total = 5 + length
      return whenThere(header, total, (frame) => wholeFrame(frame, total))
    }),
}

function wholeFrame(waiting: Waiting, total: number): Look<{ readonly kind: 'frame' } & DnyFrame> {
  const sumAt = total - SUM
  if (waiting.sum(0, sumAt) !== waiting.u16(sumAt)) return noFrame
  const frame = waiting.slice(0, total)
  return {
    is: 'frame',
    length: total,
    event: {
      kind: 'frame',
      physId: frame.readUInt32LE(5),
      messageId: frame.readUInt16LE(9),
      command: frame.readUInt8(11),
      data: new Uint8Array(frame.subarray(BEFORE_DATA, sumAt)),
    },
  }
}

/** Cuts what a station sends into frames. */
export class DnyParser extends FrameCutter<{ readonly kind: 'frame' } & DnyFrame> {
  constructor() {
    super([dnyShape])
  }
}
