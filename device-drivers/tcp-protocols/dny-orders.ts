import type { FrameOrder, Sent } from '../../gateway/order.ts'
import {
  decodeDnyChargeAnswer,
  dnyChargeAnswers,
  dnyOrders,
  encodeDnyCharge,
  NO_DNY_ORDER,
} from '../../wire/dny-orders.ts'
import { decodeDnyPayload } from '../../wire/dny-payload.ts'
import { dnyCommands, encodeDny, type DnyFrame } from '../../wire/dny.ts'
import type { TcpAnswer, TcpOrder } from './protocol.ts'

const LONGEST_LOCATE_S = 255
/** The port is stuck or faulty: said, and done all the same. */
const doneAllTheSame: readonly number[] = [3, 9]
const ALREADY_SO = 2

/** What a connection knows of the charges of its stations, and the numbers of the commands it sent. */
export class DnyOrders {
  /** By station and port (0-based), as the station says them every five minutes. */
  readonly #orders = new Map<string, string>()
  #messageId: number

  /** @param firstId any number: it differs from connection to connection */
  constructor(firstId: number) {
    this.#messageId = firstId & 0xffff
  }

  /** A frame of the station: which charge is under way, and whether it answers a command. */
  hear(frame: DnyFrame): TcpAnswer | undefined {
    const { command, data, messageId, physId } = frame
    const payload = decodeDnyPayload(command, data)
    if (payload.kind === 'port-power' && payload.portPower.order !== undefined)
      this.#orders.set(portKey(physId, payload.portPower.port), payload.portPower.order)
    if (payload.kind === 'settlement' && payload.settlement.port !== undefined)
      this.#orders.delete(portKey(physId, payload.settlement.port))
    if (command === dnyCommands.heartbeat || command === dnyCommands.register)
      return { key: queryKey(physId), sent: { is: 'taken' } }
    const key = answerKey(physId, command, messageId)
    if (command === dnyOrders.locate) return { key, sent: toSent(data[0], 'it does not know this') }
    if (command !== dnyOrders.charge) return undefined
    const answer = decodeDnyChargeAnswer(data)?.answer
    return { key, sent: toSent(answer, dnyChargeAnswers[answer ?? -1]) }
  }

  make(physId: number, order: FrameOrder): TcpOrder | string {
    const messageId = this.#nextId()
    const framed = (command: number, data: Uint8Array, key: string): TcpOrder => ({
      bytes: encodeDny({ physId, messageId, command, data }),
      key,
    })
    switch (order.frame) {
      case 'read':
        return framed(dnyOrders.query, new Uint8Array(0), queryKey(physId))
      case 'locate': {
        const seconds = Math.min(Math.max(order.seconds ?? 1, 1), LONGEST_LOCATE_S)
        const key = answerKey(physId, dnyOrders.locate, messageId)
        return framed(dnyOrders.locate, Uint8Array.of(seconds), key)
      }
      case 'start':
      case 'stop': {
        if (order.port === undefined) return 'a charge is started and stopped at one port'
        const port = order.port - 1
        const known = this.#orders.get(portKey(physId, port)) ?? NO_DNY_ORDER
        const number = order.frame === 'start' ? order.orderNumber : known
        if (order.frame === 'start') this.#orders.set(portKey(physId, port), number)
        const data = encodeDnyCharge({ command: order.frame, port, order: number })
        return framed(dnyOrders.charge, data, answerKey(physId, dnyOrders.charge, messageId))
      }
    }
  }

  #nextId(): number {
    this.#messageId = (this.#messageId + 1) & 0xffff
    return this.#messageId
  }
}

function toSent(answer: number | undefined, meaning: string | undefined): Sent {
  if (answer === 0) return { is: 'taken' }
  const text = `the station answered ${answer ?? 'nothing'}${meaning === undefined ? '' : `: ${meaning}`}`
  const isDone = answer === ALREADY_SO || doneAllTheSame.includes(answer ?? -1)
  return isDone ? { is: 'taken', note: text } : { is: 'refused', reason: text }
}

const portKey = (physId: number, port: number): string => `${physId} ${port}`
const queryKey = (physId: number): string => `dny ${physId} query`
const answerKey = (physId: number, command: number, messageId: number): string =>
  `dny ${physId} ${command} ${messageId}`
