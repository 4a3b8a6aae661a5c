import {
  encodeReadRequest,
  encodeRtu,
  isRead,
  isWriteMany,
  type ModbusRequest,
  type ReadRequest,
} from '../../wire/modbus.ts'
import { RtuReplyParser, describeRtu, type RtuReply } from '../../wire/modbus-rtu.ts'
import type { HalfDuplexLine, Heard, Talk } from '../serial/half-duplex.ts'
import type { PolledLine } from '../polled-lines.ts'
import type { Answer, Ask, ModbusLine } from './line.ts'

/** A unit that missed so often is dead for now: asking it must not cost the others much. */
const MISSES_TO_BE_DEAD = 2
/** So many step checks in vain, each after a longer pause: a reply this late is none any more. */
const MOST_STEP_CHECKS = 2
/** Registers of a request differ in number from those of a step check; no profile has so many requests. */
const MOST_COUNT = 125

/**
 * Modbus RTU on one line, one request at a time. A reply carries no request id, so a unit that answers
 * after the time-out would have its every answer taken for that of the next request. After a missed reply
 * the unit is therefore out of step: first it is asked for a number of registers that no other request
 * wants. Units answer in order, so a reply of that length proves that no older one is still to come.
 */
export class RtuLine implements ModbusLine, PolledLine {
  readonly #line: HalfDuplexLine
  readonly #stepChecks: ReadonlyMap<number, ReadRequest>
  /** Units out of step, with the checks made in vain. */
  readonly #outOfStep = new Map<number, number>()
  /** The adapter hears itself: seen at the last read that was answered. */
  #hasEcho = false

  /** @param requests all that each unit is ever asked */
  constructor(line: HalfDuplexLine, requests: ReadonlyMap<number, readonly ReadRequest[]>) {
    this.#line = line
    this.#stepChecks = new Map(
      [...requests].flatMap(([unit, asked]) => {
        const check = stepCheck(asked)
        return check ? [[unit, check]] : []
      }),
    )
  }

  get isConnected(): boolean {
    return this.#line.isConnected
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#line.run(signal)
  }

  async ask({ unit, request, pdu, misses }: Ask): Promise<Answer> {
    if (!isRead(request)) return this.#write(unit, request, pdu)
    const kind = misses >= MISSES_TO_BE_DEAD ? 'probe' : 'poll'
    return this.#line.turn(kind, async (talk) => {
      const check = this.#stepChecks.get(unit)
      const checksMissed = this.#outOfStep.get(unit)
      if (check && checksMissed !== undefined && checksMissed < MOST_STEP_CHECKS) {
        const checked = await this.#say(talk, { unit, request: check, pdu: encodeReadRequest(check) })
        // An exception is no proof: it may be the late answer to anything.
        if (checked.is !== 'heard' || checked.reply.is !== 'data') {
          this.#outOfStep.set(unit, checksMissed + 1)
          return toAnswer(unit, checked)
        }
        this.#outOfStep.delete(unit)
      }
      const heard = await this.#say(talk, { unit, request, pdu })
      // One that was never answered, or was lost with the line, may still be answered.
      if (heard.is !== 'heard' || heard.reply.is === 'wrong')
        this.#outOfStep.set(unit, this.#outOfStep.get(unit) ?? 0)
      else this.#outOfStep.delete(unit)
      return toAnswer(unit, heard)
    })
  }

  /**
   * No read is answered as a write is, so steps do not matter. The reply to a write of one is the request itself: what
   * comes back on a line with an echo is the reply only the second time.
   */
  #write(unit: number, request: ModbusRequest, pdu: Uint8Array): Promise<Answer> {
    return this.#line.turn('command', async (talk) => {
      const frame = encodeRtu(unit, pdu)
      const echo = this.#hasEcho || isWriteMany(request) ? frame : new Uint8Array(0)
      return toAnswer(unit, await talk(frame, new RtuReplyParser({ unit, request }, echo)))
    })
  }

  async #say(talk: Talk, { unit, request, pdu }: Said): Promise<Heard<RtuReply>> {
    const frame = encodeRtu(unit, pdu)
    const parser = new RtuReplyParser({ unit, request }, frame)
    const heard = await talk(frame, parser)
    if (heard.is === 'heard') this.#hasEcho = parser.sawEcho
    return heard
  }
}

interface Said {
  readonly unit: number
  readonly request: ReadRequest
  readonly pdu: Uint8Array
}

/** A read of the unit's first register whose reply has a length that no other reply of it has. */
export function stepCheck(requests: readonly ReadRequest[]): ReadRequest | undefined {
  const [first] = requests
  if (!first) return undefined
  const lengths = new Set(requests.filter((other) => other.function === first.function).map(replyLength))
  for (let count = 1; count <= MOST_COUNT; count++) {
    const check = { ...first, count }
    const fits = check.address + count <= 65_536
    if (fits && !lengths.has(replyLength(check))) return check
  }
  return undefined
}

const replyLength = ({ function: fn, count }: ReadRequest): number =>
  fn <= 2 ? Math.ceil(count / 8) : 2 * count

function toAnswer(unit: number, heard: Heard<RtuReply>): Answer {
  switch (heard.is) {
    case 'heard':
      return heard.reply
    case 'lost':
      return heard
    case 'silent':
      return heard.strange.length === 0
        ? { is: 'silent' }
        : { is: 'wrong', reason: `wanted a reply of unit ${unit}, got ${describeRtu(heard.strange)}` }
  }
}
