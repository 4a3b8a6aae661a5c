import type { Order, Sent, WriteOrder } from '../../gateway/order.ts'
import { encodeRequest, exceptionName, type WriteManyRequest, type WriteRequest } from '../../wire/modbus.ts'
import type { AskedDevice } from '../asked-device.ts'
import type { Answer, ModbusLine } from './line.ts'

/** Where a unit is written to, once its line runs. */
export interface WritableUnit {
  readonly line: ModbusLine
  readonly unit: number
  readonly asked: AskedDevice
}

/** Writes once, and has what it did read back soon. A write that was not answered is not repeated: a pulse would be a second one. */
export async function writeUnit(at: WritableUnit | undefined, order: Order): Promise<Sent> {
  if (order.is !== 'write') return { is: 'refused', reason: `Modbus has no "${order.is}"` }
  if (!at?.line.isConnected) return { is: 'away', reason: 'its line is not connected' }
  const request = toRequest(order)
  const sent = toSent(await at.line.ask({ unit: at.unit, request, pdu: encodeRequest(request), misses: 0 }))
  if (sent.is === 'taken' || sent.is === 'silent') at.asked.lookClosely()
  return sent
}

function toRequest(order: WriteOrder): WriteRequest | WriteManyRequest {
  const { address } = order
  switch (order.function) {
    case 5:
    case 6:
      return { function: order.function, address, value: order.word }
    case 15:
      return { function: 15, address, bits: order.bits }
    case 16:
      return { function: 16, address, words: order.words }
  }
}

function toSent(answer: Answer): Sent {
  switch (answer.is) {
    case 'data':
      return { is: 'taken' }
    case 'exception':
      return { is: 'refused', reason: `the unit answered: ${exceptionName(answer.code)}` }
    case 'silent':
      return { is: 'silent', reason: 'the unit did not answer' }
    case 'wrong':
      return { is: 'silent', reason: `no answer that fits: ${answer.reason}` }
    case 'lost':
      return { is: 'silent', reason: `the line was lost: ${answer.reason}` }
  }
}
