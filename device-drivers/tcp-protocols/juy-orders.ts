import type { FrameOrder, Sent } from '../../gateway/order.ts'
import {
  decodeJuyOrderAnswer,
  encodeJuyQuery,
  encodeJuyStart,
  encodeJuyStop,
  juyOrders,
  juyStartResults,
  juyStopResults,
} from '../../wire/juy-orders.ts'
import { encodeJuy, juyCommands } from '../../wire/juy.ts'
import type { TcpAnswer, TcpOrder } from './protocol.ts'

const NO_ORDER = 0
const WAS_SO_ALREADY = 1

/** What a connection knows of the charges of its station. */
export class JuyOrders {
  readonly #orders = new Map<number, number>()

  /** @param data without the IMEI */
  hear(command: number, data: Uint8Array): TcpAnswer | undefined {
    const bytes = Buffer.from(data)
    if (command === juyCommands.localStart && bytes.length >= 5)
      this.#orders.set(bytes.readUInt8(0), bytes.readUInt32LE(1))
    if (command === juyCommands.end && bytes.length >= 5) this.#orders.delete(bytes.readUInt8(0))
    if (command === juyOrders.portData) return { key: keyOf(command), sent: { is: 'taken' } }
    const answer = decodeJuyOrderAnswer(command, data)
    if (!answer) return undefined
    const results = command === juyOrders.start ? juyStartResults : juyStopResults
    return { key: keyOf(command, answer.port), sent: toSent(answer.result, results[answer.result]) }
  }

  /** @param imei where the station wants it before the data */
  make(order: FrameOrder, imei: string | undefined): TcpOrder | string {
    const framed = (command: number, data: Uint8Array, port?: number): TcpOrder => ({
      bytes: encodeJuy({
        command,
        result: 0,
        data: imei === undefined ? data : Buffer.concat([Buffer.from(imei, 'latin1'), data]),
      }),
      key: keyOf(command, port),
    })
    if (order.frame === 'read') return framed(juyOrders.portData, encodeJuyQuery())
    if (order.frame === 'locate') return 'JUY stations know no such command'
    const { port } = order
    if (port === undefined) return 'a charge is started and stopped at one port'
    if (order.frame === 'stop') {
      const known = this.#orders.get(port) ?? NO_ORDER
      return framed(juyOrders.stop, encodeJuyStop({ port, order: known }), port)
    }
    const number = Number.parseInt(order.orderNumber.slice(0, 8), 16)
    this.#orders.set(port, number)
    return framed(juyOrders.start, encodeJuyStart({ port, order: number }), port)
  }
}

function toSent(result: number, meaning: string | undefined): Sent {
  if (result === 0) return { is: 'taken' }
  const text = `the station answered ${result}${meaning === undefined ? '' : `: ${meaning}`}`
  return result === WAS_SO_ALREADY ? { is: 'taken', note: text } : { is: 'refused', reason: text }
}

const keyOf = (command: number, port?: number): string => `juy ${command} ${port ?? ''}`
