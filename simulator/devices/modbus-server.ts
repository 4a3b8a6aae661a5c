import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import {
  MbapParser,
  decodeRequest,
  encodeException,
  encodeMbap,
  encodeRegistersReply,
  encodeWriteManyReply,
  encodeWriteRequest,
  type ExceptionCode,
  type MbapFrame,
  type WriteManyRequest,
  type WriteRequest,
} from '../../wire/modbus.ts'
import type { Endpoint } from '../fault-proxy.ts'

/** What a unit answers to a read: the words, or an exception. */
export type RegisterAnswer = readonly number[] | ExceptionCode

/** One unit (slave) behind the port. */
export interface ModbusUnit {
  readonly unit: number
  read(address: number, count: number): RegisterAnswer
  /** Undefined when it is done. A unit without it is read only. */
  write?(request: WriteRequest | WriteManyRequest): ExceptionCode | undefined
  /** What it does wrong with every answer. */
  readonly fault: 'exception' | 'short' | 'late' | 'dead' | undefined
  onAsked(): void
}

export interface ModbusServer {
  readonly port: number
  add(unit: ModbusUnit): void
  /** Closes the port and its connections, as a gateway without power does, or opens it again. */
  setRefusing(isRefusing: boolean): Promise<void>
  /** Ends the connections; the port stays open. */
  drop(): void
  stop(): Promise<void>
}

/** Longer than any master waits, so that the reply comes while the next request is out. */
const LATE_MS = 4000
const SERVER_FAILURE: ExceptionCode = 4
const ILLEGAL_FUNCTION: ExceptionCode = 1
const TARGET_SILENT: ExceptionCode = 11

/** Serves all units of one host:port, as an RS485 gateway does. Writes to a unit that takes none are refused. */
export async function startModbusServer(endpoint: Endpoint, clock: Clock): Promise<ModbusServer> {
  const units = new Map<number, ModbusUnit>()
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let port = endpoint.port

  const server: Server = createServer((socket) => {
    const parser = new MbapParser()
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      for (const frame of parser.push(chunk)) answer(socket, frame)
      if (parser.broken !== undefined) socket.destroy()
    })
  })

  const answer = (socket: Socket, frame: MbapFrame): void => {
    const unit = units.get(frame.unit)
    const reply = (pdu: Uint8Array): void => {
      if (!socket.destroyed) socket.write(encodeMbap({ ...frame, pdu }))
    }
    if (!unit) {
      reply(encodeException(frame.pdu[0] ?? 0, TARGET_SILENT))
      return
    }
    unit.onAsked()
    if (unit.fault === 'dead') return
    const pdu = answerTo(unit, frame.pdu)
    if (unit.fault !== 'late') {
      reply(pdu)
      return
    }
    const cancel = clock.after(LATE_MS, () => {
      waiting.delete(cancel)
      reply(pdu)
    })
    waiting.add(cancel)
  }

  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, endpoint.host, () => {
        server.off('error', reject)
        const address = server.address()
        if (typeof address === 'object' && address) port = address.port
        resolve()
      })
    })
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async (): Promise<void> => {
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
    drop()
    await closed
  }
  await open()
  return {
    get port() {
      return port
    },
    add: (unit) => units.set(unit.unit, unit),
    async setRefusing(isRefusing) {
      if (isRefusing) await close()
      else if (!server.listening) await open()
    },
    drop,
    async stop() {
      for (const cancel of waiting) cancel()
      await close()
    },
  }
}

/** The PDU that a unit answers a request with. */
export function answerTo(unit: ModbusUnit, pdu: Uint8Array): Uint8Array {
  // Relay boards know more words for a coil than on and off.
  const asked = decodeRequest(pdu, unit.write ? 'any' : 'standard')
  if (asked.is === 'wrong') return encodeException(asked.function, asked.exception)
  const { function: fn } = asked.request
  if (unit.fault === 'exception') return encodeException(fn, SERVER_FAILURE)
  if (asked.is === 'write' || asked.is === 'write-many') {
    const refused = unit.write ? unit.write(asked.request) : ILLEGAL_FUNCTION
    if (refused !== undefined) return encodeException(fn, refused)
    return asked.is === 'write' ? encodeWriteRequest(asked.request) : encodeWriteManyReply(asked.request)
  }
  if (fn !== 3 && fn !== 4) return encodeException(fn, ILLEGAL_FUNCTION)
  const { address, count } = asked.request
  const words = unit.read(address, count)
  if (typeof words === 'number') return encodeException(fn, words)
  return encodeRegistersReply(fn, unit.fault === 'short' ? words.slice(0, Math.floor(count / 2)) : words)
}
