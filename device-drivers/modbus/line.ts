import type { Clock } from '../../base/clock.ts'
import {
  MbapParser,
  decodeReply,
  isRead,
  encodeMbap,
  type DecodedReply,
  type MbapFrame,
  type ModbusRequest,
} from '../../wire/modbus.ts'
import { keepOpen } from '../keep-open.ts'
import type { LineEvents } from '../polled-lines.ts'
import { tcpLine, type ByteLine } from '../serial/byte-line.ts'

const REPLY_WAIT_MS = 1000
/** So long one request has the line for itself; after that the next one goes out beside it. */
const TURN_MS = 150
/** Requests without an answer that may stand open on one connection. */
const MOST_OPEN = 8

export type Answer =
  DecodedReply | { readonly is: 'silent' } | { readonly is: 'lost'; readonly reason: string }

export interface Ask {
  readonly unit: number
  readonly request: ModbusRequest
  readonly pdu: Uint8Array
  /** How often the unit was silent since it last answered: others do not wait for such a one. */
  readonly misses: number
}

/** Units are asked through one of these: over TCP, or on a serial line. */
export interface ModbusLine {
  readonly isConnected: boolean
  ask(ask: Ask): Promise<Answer>
}

interface Open {
  readonly ask: Ask
  /** Answers, frees the turn, forgets the timers. */
  readonly settle: (answer: Answer) => void
}

/**
 * One TCP connection to a Modbus server or gateway. Requests go out in turn; one that waits too long
 * gives its turn away and keeps waiting, so a dead unit costs the others a moment and not a time-out.
 * Replies are matched by transaction, unit, function and length; whatever else comes is counted.
 */
export class Line implements ModbusLine {
  readonly #host: string
  readonly #port: number
  readonly #clock: Clock
  readonly #events: LineEvents
  readonly #open = new Map<number, Open>()
  readonly #queue: (() => void)[] = []
  #socket: ByteLine | undefined
  #isTaken = false
  #transaction = 0

  constructor(given: {
    readonly host: string
    readonly port: number
    readonly clock: Clock
    readonly events: LineEvents
  }) {
    this.#host = given.host
    this.#port = given.port
    this.#clock = given.clock
    this.#events = given.events
  }

  /** Connects, and connects again, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const hold = (): Promise<string> => this.#hold(signal)
    await keepOpen({ clock: this.#clock, hold, lost: (reason) => this.#events.lost(reason) }, signal)
  }

  get isConnected(): boolean {
    return this.#socket !== undefined
  }

  /** Asks one unit; the answer comes in one second at most. */
  async ask(ask: Ask): Promise<Answer> {
    // A unit that was silent is asked beside the others: nobody waits for it.
    const isProbe = ask.misses > 0
    if (!isProbe) await this.#turn(isRead(ask.request) ? 'last' : 'next')
    const socket = this.#socket
    if (!socket) {
      if (!isProbe) this.#next()
      return { is: 'lost', reason: 'not connected' }
    }
    return new Promise((resolve) => {
      const transaction = this.#nextTransaction()
      let hasTurn = !isProbe
      const passOn = (): void => {
        if (hasTurn) this.#next()
        hasTurn = false
      }
      // One timer at a time: the first ends the turn, the second the wait.
      let cancel = this.#clock.after(TURN_MS, () => {
        if (this.#open.size < MOST_OPEN) passOn()
        cancel = this.#clock.after(REPLY_WAIT_MS - TURN_MS, () => settle({ is: 'silent' }))
      })
      const settle = (answer: Answer): void => {
        cancel()
        this.#open.delete(transaction)
        resolve(answer)
        passOn()
      }
      this.#open.set(transaction, { ask, settle })
      socket.write(encodeMbap({ transaction, unit: ask.unit, pdu: ask.pdu }))
    })
  }

  /** One connection from its beginning to its end; answers why it ended. */
  #hold(signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const parser = new MbapParser()
      const socket = tcpLine(
        this.#host,
        this.#port,
        this.#clock,
      )({
        opened: () => {
          this.#socket = socket
          this.#events.connected()
        },
        data: (chunk) => {
          for (const frame of parser.push(chunk)) this.#reply(frame)
          if (parser.broken === undefined) return
          this.#events.trouble('frame-invalid', parser.broken)
          socket.close('the stream cannot be followed')
        },
        closed: (reason) => {
          signal.removeEventListener('abort', onAbort)
          this.#socket = undefined
          for (const open of [...this.#open.values()]) open.settle({ is: 'lost', reason })
          resolve(reason)
        },
      })
      const onAbort = (): void => socket.close('stopped')
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #reply({ transaction, unit, pdu }: MbapFrame): void {
    const open = this.#open.get(transaction)
    if (!open) {
      this.#events.trouble('late or foreign reply', `transaction ${transaction} of unit ${unit}`)
      return
    }
    if (open.ask.unit !== unit) {
      this.#events.trouble('reply of another unit', `wanted unit ${open.ask.unit}, got ${unit}`)
      return
    }
    open.settle(decodeReply(pdu, open.ask.request))
  }

  /** A command does not wait behind the polls of all the others. */
  #turn(place: 'last' | 'next'): Promise<void> | undefined {
    if (!this.#isTaken) {
      this.#isTaken = true
      return undefined
    }
    return new Promise((resolve) => {
      if (place === 'last') this.#queue.push(resolve)
      else this.#queue.unshift(resolve)
    })
  }

  #next(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#isTaken = false
  }

  /** Never one that still waits: a late reply must not meet a new request. */
  #nextTransaction(): number {
    do this.#transaction = (this.#transaction + 1) & 0xffff
    while (this.#open.has(this.#transaction))
    return this.#transaction
  }
}
