import { DnyParser, dnyAck, mustAcknowledge, physIdText, type DnyEvent } from '../../wire/dny.ts'
import { decodeDny } from '../codecs/dny.ts'
import type { TcpEvent, TcpProtocol } from './protocol.ts'

/** DNY (友电 AP3000): a frame, the modem's card number, or its `link` comes first. */
export const dny: TcpProtocol = {
  name: 'dny',
  beginsWith: (byte) => byte === 0x44 || byte === 0x38 || byte === 0x6c,
  open() {
    const parser = new DnyParser()
    return {
      push: (chunk) => parser.push(chunk).map(toEvent),
      giveUp: () => parser.giveUp().map(toEvent),
    }
  },
}

function toEvent(event: DnyEvent): TcpEvent {
  switch (event.kind) {
    case 'frame': {
      const { fields, complaint } = decodeDny(event)
      return {
        is: 'message',
        address: physIdText(event.physId),
        fields,
        ...(mustAcknowledge(event.command) && { answer: dnyAck(event) }),
        ...(complaint !== undefined && { complaint }),
      }
    }
    case 'iccid':
    case 'link':
      return { is: 'alive' }
    case 'rubbish':
      return { is: 'rubbish', bytes: event.bytes }
  }
}
