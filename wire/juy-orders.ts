/** What a server tells a JUY station (vendor's document V1.2, 3.3, 3.4 and 3.8) and what comes back. Ports count from 1. */

export const juyOrders = { start: 0x83, stop: 0x84, portData: 0x88 } as const

const BY_ADMINISTRATOR = 3
const UNTIL_FULL = 1
/** A charge ends by itself after this. */
const LONGEST_CHARGE_S = 8 * 3600

/** 远程启动: until full. */
export function encodeJuyStart({
  port,
  order,
}: {
  readonly port: number
  readonly order: number
}): Uint8Array {
  const data = Buffer.alloc(19)
  data.writeUInt8(port, 0)
  data.writeUInt32LE(order >>> 0, 1)
  data.writeUInt8(BY_ADMINISTRATOR, 5)
  data.writeUInt8(UNTIL_FULL, 10)
  data.writeUInt32LE(LONGEST_CHARGE_S, 11)
  return data
}

/** 远程停止: the order that is under way must be named. */
export function encodeJuyStop({
  port,
  order,
}: {
  readonly port: number
  readonly order: number
}): Uint8Array {
  const data = Buffer.alloc(5)
  data.writeUInt8(port, 0)
  data.writeUInt32LE(order >>> 0, 1)
  return data
}

/** 查询端口数据 */
export const encodeJuyQuery = (): Uint8Array => Uint8Array.of(0)

export interface JuyOrderAnswer {
  readonly port: number
  readonly order: number
  /** 0: done. */
  readonly result: number
}

/** Undefined when it is none. A start is answered with one byte more: the way it was started. */
export function decodeJuyOrderAnswer(command: number, data: Uint8Array): JuyOrderAnswer | undefined {
  const bytes = Buffer.from(data)
  const length = command === juyOrders.start ? 7 : command === juyOrders.stop ? 6 : 0
  if (length === 0 || bytes.length !== length) return undefined
  return { port: bytes.readUInt8(0), order: bytes.readUInt32LE(1), result: bytes.readUInt8(length - 1) }
}

export const juyStartResults: Readonly<Record<number, string>> = { 1: 'it charges already', 2: 'port fault' }
export const juyStopResults: Readonly<Record<number, string>> = {
  1: 'the port was idle',
  2: 'another order is under way',
}
