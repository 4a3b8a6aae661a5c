import { Type, type Static } from 'typebox'
import { dnyAck, dnyShape, mustAcknowledge, physIdText, type DnyFrame } from '../../wire/dny.ts'
import { mapShape } from '../../wire/frame-cutter.ts'
import { decodeDny } from '../codecs/dny.ts'
import { DnyOrders } from './dny-orders.ts'
import type { TcpEvent, TcpProtocol } from './protocol.ts'

const PhysId = Type.String({
  pattern: '^[0-9A-Fa-f]{8}$',
  description: 'DNY: the 8 hexadecimal digits printed on the station: 04AB373B',
})

/** DNY (友电 AP3000). */
export const dny: TcpProtocol = {
  name: 'dny',
  key: 'physId',
  schema: PhysId,
  addressOf(value) {
    const address = `dny/${(value as Static<typeof PhysId>).toUpperCase()}` // checked by the schema
    return { speaker: address, address }
  },
  open(clock) {
    const orders = new DnyOrders(clock.now())
    return {
      ...mapShape(dnyShape, (frame) => toEvent(frame, orders)),
      order: (address, order) => orders.make(Number.parseInt(address.slice('dny/'.length), 16), order),
    }
  },
}

function toEvent(frame: DnyFrame, orders: DnyOrders): TcpEvent {
  const answers = orders.hear(frame)
  const { fields, complaint } = decodeDny(frame)
  const address = `dny/${physIdText(frame.physId)}`
  return {
    kind: 'message',
    speaker: address,
    said: [{ address, fields }],
    ...(mustAcknowledge(frame.command) && { answer: dnyAck(frame) }),
    ...(complaint !== undefined && { complaint }),
    ...(answers && { answers }),
  }
}
