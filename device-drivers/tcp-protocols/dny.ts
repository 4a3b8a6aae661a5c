import { Type, type Static } from 'typebox'
import { dnyAck, dnyShape, mustAcknowledge, physIdText, type DnyFrame } from '../../wire/dny.ts'
import { mapShape } from '../../wire/frame-cutter.ts'
import { decodeDny } from '../codecs/dny.ts'
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
  open: () => mapShape(dnyShape, toEvent),
}

function toEvent(frame: DnyFrame): TcpEvent {
  const { fields, complaint } = decodeDny(frame)
  const address = `dny/${physIdText(frame.physId)}`
  return {
    kind: 'message',
    speaker: address,
    said: [{ address, fields }],
    ...(mustAcknowledge(frame.command) && { answer: dnyAck(frame) }),
    ...(complaint !== undefined && { complaint }),
  }
}
