import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import {
  decodeRequest,
  encodeMbap,
  encodeRegistersReply,
  MbapParser,
  type MbapFrame,
  type ReadRequest,
} from '../wire/modbus.ts'

/** What a server says to one request: a PDU, whole frames of its own, or nothing. */
export type Says = (asked: {
  readonly frame: MbapFrame
  readonly request: ReadRequest
  readonly socket: Socket
}) => Buffer | undefined

export interface ModbusPeer {
  readonly port: number
  /** Unit numbers in the order they were asked. */
  readonly asked: number[]
  says: Says
  dropAll(): void
}

/** All registers of every unit hold the unit's number, until `says` says otherwise. */
export const ownNumber: Says = ({ frame, request }) =>
  encodeRegistersReply(request.function === 4 ? 4 : 3, new Array<number>(request.count).fill(frame.unit))

/** A Modbus TCP server that answers, or does not, just as a test wants it. */
export async function startModbusPeer(t: TestContext, port = 0): Promise<ModbusPeer> {
  const sockets = new Set<Socket>()
  const peer = {
    port,
    asked: [] as number[],
    says: ownNumber,
    dropAll: () => sockets.forEach((socket) => socket.destroy()),
  }
  const server = createServer((socket) => {
    const parser = new MbapParser()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const frame of parser.push(chunk)) {
        const request = decodeRequest(frame.pdu)
        if (request.is !== 'read') continue
        peer.asked.push(frame.unit)
        const pdu = peer.says({ frame, request: request.request, socket })
        if (pdu) socket.write(encodeMbap({ ...frame, pdu }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  peer.port = (server.address() as AddressInfo).port // it listens on TCP
  t.after(() => {
    server.close()
    peer.dropAll()
  })
  return peer
}
