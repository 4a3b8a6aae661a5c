import { Type, type Static } from 'typebox'
import { mapShape } from '../../wire/frame-cutter.ts'
import { decodeJuyPayload, IMEI_VERSION, imeiOf, type JuyLogin } from '../../wire/juy-payload.ts'
import { encodeJuy, IMEI_LENGTH, juyCommands, juyShape, type JuyFrame } from '../../wire/juy.ts'
import { decodeJuy } from '../codecs/juy.ts'
import { JuyOrders } from './juy-orders.ts'
import type { TcpEvent, TcpProtocol } from './protocol.ts'

const Imei = Type.String({
  pattern: '^\\d{15}$',
  description: 'JUY: the 15 digits of the station’s IMEI, as printed on its module',
})

const LOGGED_IN = 0x00
const WITH_IMEI = 0xf0
const HEARTBEAT_SECONDS = 60
/** Seven bytes that the vendor keeps for a time, and sends as zeros. */
const TIME_LENGTH = 7

/** JUY: a station says who it is at its login; from then on the line is its own. */
export const juy: TcpProtocol = {
  name: 'juy',
  key: 'imei',
  schema: Imei,
  addressOf(value) {
    const address = `juy/${value as Static<typeof Imei>}` // checked by the schema
    return { speaker: address, address }
  },
  open() {
    let imei: string | undefined
    let carriesImei = false
    const orders = new JuyOrders()
    const shape = mapShape(juyShape, (frame): TcpEvent => {
      const payload = decodeJuyPayload(frame.command, frame.data)
      if (payload.kind === 'login') {
        imei = payload.login.imei
        carriesImei = payload.login.signalOrVersion >= IMEI_VERSION
        return loggedIn(payload.login, carriesImei)
      }
      if (imei === undefined)
        return { kind: 'refused', speaker: 'juy', reason: 'a station that has not logged in' }
      return toEvent(frame, imei, { carriesImei, orders })
    })
    return { ...shape, order: (_address, order) => orders.make(order, carriesImei ? imei : undefined) }
  },
}

function loggedIn({ imei }: JuyLogin, carriesImei: boolean): TcpEvent {
  const data = Buffer.alloc(TIME_LENGTH + 2)
  data.writeUInt8(HEARTBEAT_SECONDS, TIME_LENGTH)
  data.writeUInt8(carriesImei ? WITH_IMEI : LOGGED_IN, TIME_LENGTH + 1)
  return {
    kind: 'message',
    speaker: `juy/${imei}`,
    said: [{ address: `juy/${imei}`, fields: {} }],
    // The login and its answer never carry an IMEI before their data.
    answer: encodeJuy({ command: juyCommands.login, result: 0, data }),
  }
}

function toEvent(
  frame: JuyFrame,
  imei: string,
  { carriesImei, orders }: { readonly carriesImei: boolean; readonly orders: JuyOrders },
): TcpEvent {
  const speaker = `juy/${imei}`
  const sent = carriesImei ? imeiOf(frame.data) : undefined
  // What was under way before the station had heard F0 comes without.
  if (sent !== undefined && sent !== imei) return { kind: 'refused', speaker, reason: `a frame of ${sent}` }
  const data = sent === undefined ? frame.data : frame.data.subarray(IMEI_LENGTH)
  const { fields, complaint } = decodeJuy({ command: frame.command, data })
  const echoed = answerTo(frame.command, data)
  const answers = orders.hear(frame.command, data)
  const before = sent === undefined ? '' : sent
  return {
    kind: 'message',
    speaker,
    said: [{ address: speaker, fields, ...orderOf(frame.command, data) }],
    ...(echoed && {
      answer: encodeJuy({
        command: frame.command,
        result: 0,
        data: Buffer.concat([Buffer.from(before, 'latin1'), echoed]),
      }),
    }),
    ...(complaint !== undefined && { complaint }),
    ...(answers && { answers }),
  }
}

/** Port and order of a bill. */
const BILL_LENGTH = 5

/** What stands in the answer; undefined where the station waits for none, or is an answer itself. */
function answerTo(command: number, data: Uint8Array): Uint8Array | undefined {
  switch (command) {
    case juyCommands.heartbeat:
    case juyCommands.imei:
      return Uint8Array.of(0)
    case juyCommands.end:
    case juyCommands.localStart:
      return data.subarray(0, BILL_LENGTH)
    default:
      return undefined
  }
}

/** A bill is sent up to three times: port and order tell the same one. */
function orderOf(command: number, data: Uint8Array): { messageId?: string } {
  if (command !== juyCommands.end || data.length < BILL_LENGTH) return {}
  return { messageId: `end ${Buffer.from(data.subarray(0, BILL_LENGTH)).toString('hex')}` }
}
