import { pause, type Clock, type Duration } from '../../base/clock.ts'
import { isGanglionError } from '../../base/errors.ts'
import type { Device } from '../../gateway/device.ts'
import type { Intake } from '../../gateway/ports.ts'
import { encodeReadRequest, exceptionName } from '../../wire/modbus.ts'
import { decodeRegisters, readParts } from '../codecs/modbus.ts'
import type { Answer, Line } from './line.ts'

const SHORTEST_BACK_OFF_MS = 2000
const LONGEST_BACK_OFF_MS = 60_000
const STORE_PAUSE_MS = 1000
/** One missed answer may be the network's; two are the unit's. */
const MISSES_TO_BE_LOST = 2

/**
 * Polls one unit. Each poll is one `accept`, and the next waits for it: a slow store slows the polling
 * and nothing is dropped. A silent unit is probed ever less often.
 */
export class Unit {
  readonly #device: Device
  readonly #line: Line
  readonly #clock: Clock
  readonly #intake: Intake
  readonly #number: number
  readonly #every: Duration
  readonly #firstAfter: Duration
  readonly #asks: readonly { readonly part: ReturnType<typeof readParts>[number]; readonly pdu: Uint8Array }[]
  #misses = 0
  #isLost = false
  #word = ''

  constructor(given: {
    readonly device: Device
    readonly line: Line
    readonly clock: Clock
    readonly intake: Intake
    readonly unit: number
    readonly every: Duration
    /** Units begin one after another, so that not all of them are polled in the same moment. */
    readonly firstAfter: Duration
  }) {
    this.#device = given.device
    this.#line = given.line
    this.#clock = given.clock
    this.#intake = given.intake
    this.#number = given.unit
    this.#every = given.every
    this.#firstAfter = given.firstAfter
    this.#asks = readParts(given.device.profile).map((part) => ({
      part,
      pdu: encodeReadRequest(part.request),
    }))
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#asks.length === 0) return
    let now = this.#clock.ticks()
    let due = now + this.#firstAfter
    for (;;) {
      await pause(this.#clock, due - now, signal).catch(() => undefined)
      if (signal.aborted) return
      const wait = this.#line.isConnected ? await this.#poll(signal) : this.#every
      now = this.#clock.ticks()
      // Missed polls are not made up for: the register's value is what it is now.
      due = wait === this.#every ? Math.max(due + wait, now) : now + wait
    }
  }

  /** The connection is gone: nothing is known of the unit any more. */
  lineLost(reason: string): void {
    // Whether the unit itself is silent will be seen when the connection is back.
    this.#misses = 0
    this.#lose(reason)
  }

  /** Answers how long to wait for the next poll. */
  async #poll(signal: AbortSignal): Promise<Duration> {
    const fields: Record<string, unknown> = {}
    let answered = 0
    let refused: string | undefined
    for (const { part, pdu } of this.#asks) {
      const answer = await this.#line.ask({
        unit: this.#number,
        request: part.request,
        pdu,
        isProbe: this.#misses > 0,
      })
      if (signal.aborted || answer.is === 'lost') return this.#every
      if (answer.is === 'data') {
        decodeRegisters(part, answer.data, fields)
        answered++
        continue
      }
      const { what, reason } = fault(answer)
      this.#trouble(what, `${reason} at ${part.request.address}`)
      if (what === 'device-refused' || answered > 0) {
        // The rest may be readable: what was read is worth more than nothing.
        refused = reason
        continue
      }
      // A dead unit costs one time-out a probe, not one a request.
      return this.#missed(reason)
    }
    this.#misses = 0
    if (answered === 0) {
      if (refused !== undefined) this.#lose(refused)
      return this.#every
    }
    try {
      await this.#intake.accept({ deviceId: this.#device.id, fields })
    } catch (error) {
      // The store cannot take it now, which it has reported: the registers will be read again.
      if (isGanglionError(error) && error.retry === 'later') return STORE_PAUSE_MS
      throw error
    }
    this.#isLost = false
    this.#say(refused === undefined ? 'answers' : 'refused', refused)
    return this.#every
  }

  #missed(reason: string): Duration {
    this.#misses++
    if (this.#misses >= MISSES_TO_BE_LOST) this.#lose(reason)
    return Math.min(SHORTEST_BACK_OFF_MS * 2 ** (this.#misses - 1), LONGEST_BACK_OFF_MS)
  }

  #lose(reason: string): void {
    this.#say('lost', reason)
    if (this.#isLost) return
    this.#isLost = true
    this.#intake.lost(this.#device.id, reason)
  }

  #trouble(what: string, example: string): void {
    this.#intake.trouble(`modbus-tcp: ${what} (${this.#device.id})`, example)
  }

  /** Health hears of changes, not of every poll. */
  #say(word: string, detail?: string): void {
    const said = `${word} ${detail ?? ''}`
    if (said === this.#word) return
    this.#word = said
    this.#intake.state(this.#device.id, word, detail)
  }
}

type Fault = Exclude<Answer, { is: 'data' | 'lost' }>

function fault(answer: Fault): { readonly what: string; readonly reason: string } {
  switch (answer.is) {
    case 'silent':
      return { what: 'device-silent', reason: 'no answer in 1 s' }
    case 'wrong':
      return { what: 'frame-invalid', reason: answer.reason }
    case 'exception': {
      // A gateway says by 10 and 11 that the unit behind it did not answer.
      const isAway = answer.code === 10 || answer.code === 11
      return { what: isAway ? 'device-silent' : 'device-refused', reason: exceptionName(answer.code) }
    }
  }
}
