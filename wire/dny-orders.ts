/**
 * What a server tells a DNY station (AP3000, device V8.6, chapter 4) and what comes back. Ports are counted from 0 on the
 * wire. A station takes one command in half a second, answers within 15 s, and knows a repetition by its number.
 */

export const dnyOrders = {
  /** 查询设备联网状态: it answers with its registration and heartbeat. */
  query: 0x81,
  /** 开始、停止充电 */
  charge: 0x82,
  /** 声光寻找设备 */
  locate: 0x96,
} as const

/** 82, downwards. */
export interface DnyCharge {
  readonly command: 'start' | 'stop'
  readonly port: number
  /** 32 hexadecimal digits. A stop must name the order that is under way, or the station does nothing. */
  readonly order: string
}

/** 82, upwards. */
export interface DnyChargeAnswer {
  /** 0: done. */
  readonly answer: number
  readonly order: string
  readonly port: number
}

export const NO_DNY_ORDER = '0'.repeat(32)

const ORDER_AT = 9
const ORDER_LENGTH = 16
/** Rate mode, balance, port, command, length, order, longest time, overload: fields of later versions may follow. */
const CHARGE_LENGTH = 29
const ANSWER_LENGTH = 18

/** Charges until full, by the station's own limits: nothing else is this gateway's business. */
export function encodeDnyCharge({ command, port, order }: DnyCharge): Uint8Array {
  const data = Buffer.alloc(CHARGE_LENGTH)
  data.writeUInt8(port, 5)
  data.writeUInt8(command === 'start' ? 1 : 0, 6)
  writeOrder(data, order, ORDER_AT)
  return data
}

/** Undefined when it is no such command. */
export function decodeDnyCharge(data: Uint8Array): DnyCharge | undefined {
  const bytes = Buffer.from(data)
  const command = bytes[6]
  if (bytes.length < CHARGE_LENGTH || (command !== 0 && command !== 1)) return undefined
  return {
    command: command === 1 ? 'start' : 'stop',
    port: bytes.readUInt8(5),
    order: bytes.toString('hex', ORDER_AT, ORDER_AT + ORDER_LENGTH),
  }
}

export function encodeDnyChargeAnswer({ answer, order, port }: DnyChargeAnswer): Uint8Array {
  // Two bytes behind the port name the ports that wait, where the answer is 5.
  const data = Buffer.alloc(ANSWER_LENGTH + 2)
  data.writeUInt8(answer, 0)
  writeOrder(data, order, 1)
  data.writeUInt8(port, 1 + ORDER_LENGTH)
  return data
}

/** Older stations send the answer alone. Undefined when there is none. */
export function decodeDnyChargeAnswer(data: Uint8Array): DnyChargeAnswer | undefined {
  const bytes = Buffer.from(data)
  const answer = bytes[0]
  if (answer === undefined) return undefined
  const isWhole = bytes.length >= ANSWER_LENGTH
  return {
    answer,
    order: isWhole ? bytes.toString('hex', 1, 1 + ORDER_LENGTH) : NO_DNY_ORDER,
    port: isWhole ? bytes.readUInt8(1 + ORDER_LENGTH) : 0,
  }
}

/** What an answer other than 0 means. 3 and 9 are carried out all the same. */
export const dnyChargeAnswers: Readonly<Record<number, string>> = {
  1: 'no charger is plugged in',
  2: 'the port is in that state already',
  3: 'port fault',
  4: 'no such port',
  5: 'several ports wait',
  6: 'the station’s power limit is reached',
  7: 'memory bad',
  8: 'relay or fuse bad',
  9: 'relay stuck',
  10: 'load shorted',
  11: 'smoke alarm',
  12: 'voltage too high',
  13: 'voltage too low',
  14: 'the port did not answer',
}

function writeOrder(data: Buffer, order: string, at: number): void {
  Buffer.from(order.padEnd(2 * ORDER_LENGTH, '0').slice(0, 2 * ORDER_LENGTH), 'hex').copy(data, at)
}
