import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { decodeRtu, encodeRtu } from '../../wire/modbus.ts'
import { rtuGapMs } from '../../wire/modbus-rtu.ts'
import { answerTo, type ModbusUnit } from './modbus-server.ts'

export interface RtuServerGiven {
  /** A serial port, or a connection that carries one's bytes. */
  readonly stream: Duplex
  readonly units: readonly ModbusUnit[]
  readonly clock: Clock
  /** Bytes take their time as on a line of this speed; as fast as they can without it. */
  readonly baud?: number
}

/** Requests for functions 1 to 6 all have this length. */
const REQUEST_LENGTH = 8
/** Before the data of functions 15 and 16, and after them. */
const BEFORE_DATA = 7
const SUM_LENGTH = 2
const LATE_MS = 4000

const lengthOf = (bytes: Buffer): number =>
  bytes[1] === 15 || bytes[1] === 16 ? BEFORE_DATA + (bytes[6] ?? 0) + SUM_LENGTH : REQUEST_LENGTH

/** Plays units on an RS485 line: answers whole requests whose sum holds, in order, one at a time. */
export function serveRtu({ stream, units, clock, baud }: RtuServerGiven): void {
  const byNumber = new Map(units.map((unit) => [unit.unit, unit]))
  const characterMs = baud === undefined ? 0 : 11_000 / baud
  let held = Buffer.alloc(0)
  let freeAt = 0
  stream.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= REQUEST_LENGTH) {
      const length = lengthOf(held)
      if (held.length < length) return
      const request = decodeRtu(held.subarray(0, length))
      // What is no request belongs to nothing: the next may begin at any byte.
      held = held.subarray(request ? length : 1)
      const unit = request && byNumber.get(request.unit)
      if (unit) answer(unit, request.pdu)
    }
  })

  const answer = (unit: ModbusUnit, pdu: Uint8Array): void => {
    unit.onAsked()
    if (unit.fault === 'dead') return
    const reply = encodeRtu(unit.unit, answerTo(unit, pdu))
    const think = unit.fault === 'late' ? LATE_MS : baud === undefined ? 0 : rtuGapMs(baud)
    const now = clock.ticks()
    freeAt = Math.max(now + REQUEST_LENGTH * characterMs, freeAt) + think + reply.length * characterMs
    clock.after(freeAt - now, () => {
      if (!stream.destroyed) stream.write(reply)
    })
  }
}
