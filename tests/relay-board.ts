import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import {
  decodeRequest,
  encodeMbap,
  encodeWriteManyReply,
  encodeWriteRequest,
  MbapParser,
  type MbapFrame,
} from '../wire/modbus.ts'
import { atEnd } from './fixtures.ts'

/** A relay board at a door, as both families of them answer: one strike that lets go by itself, and four inputs. */
export interface RelayBoard {
  /** Door contact, exit button, the lock's own contact, release by the fire alarm. */
  readonly inputs: boolean[]
  /** `05 0200 30` or `10 0003 4,30`: each write, with the strike's state before it. */
  readonly written: string[]
  readonly isPulled: boolean
  /** False: its reply to a write never comes, and nothing is done. */
  obeys: boolean
  stop(): void
}

const TICK_MS = 100

export async function relayBoard(t: TestContext, port: number): Promise<RelayBoard> {
  const sockets = new Set<Socket>()
  const inputs = [true, false, false, false]
  const written: string[] = []
  let isPulled = false
  let cancel = (): void => undefined
  const board = {
    inputs,
    written,
    obeys: true,
    get isPulled() {
      return isPulled
    },
    stop() {
      cancel()
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  const pulse = (ticks: number): void => {
    cancel()
    isPulled = true
    cancel = systemClock.after(ticks * TICK_MS, () => (isPulled = false))
  }
  const bits = (fn: number, address: number, count: number): Uint8Array => {
    const all = fn === 1 ? [isPulled] : inputs
    const byte = all.slice(address, address + count).reduce((sum, bit, i) => sum + (bit ? 2 ** i : 0), 0)
    return Uint8Array.of(fn, 1, byte)
  }
  const reply = (frame: MbapFrame): Uint8Array | undefined => {
    const asked = decodeRequest(frame.pdu, 'any')
    if (asked.is === 'read') return bits(asked.request.function, asked.request.address, asked.request.count)
    if (asked.is === 'wrong' || !board.obeys) return undefined
    if (asked.is === 'write') {
      written.push(`05 ${asked.request.address.toString(16).padStart(4, '0')} ${asked.request.value}`)
      pulse(asked.request.value)
      return encodeWriteRequest(asked.request)
    }
    if (asked.request.function !== 16) return undefined
    written.push(`10 ${asked.request.address.toString(16).padStart(4, '0')} ${asked.request.words.join(',')}`)
    pulse(asked.request.words[1] ?? 0)
    return encodeWriteManyReply(asked.request)
  }
  const server = createServer((socket) => {
    const parser = new MbapParser()
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      for (const frame of parser.push(chunk)) {
        const pdu = reply(frame)
        if (pdu) socket.write(encodeMbap({ ...frame, pdu }))
      }
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  if ((server.address() as AddressInfo).port !== port) throw new Error('it listens elsewhere') // it listens on TCP
  atEnd(t, () => board.stop())
  return board
}
