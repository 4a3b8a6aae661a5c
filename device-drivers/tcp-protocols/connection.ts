import type { Socket } from 'node:net'
import { pause, type Clock } from '../../base/clock.ts'
import { codeOf, isGanglionError } from '../../base/errors.ts'
import type { Intake } from '../../gateway/ports.ts'
import { Rate } from '../rate.ts'
import type { TcpEvent, TcpProtocol, TcpSession } from './protocol.ts'

export interface ConnectionLimits {
  readonly framesPerSecond: number
  /** A connection that says nothing we know for so long is closed; trickled bytes do not count. */
  readonly idleMs: number
  /** The same, before its first message. */
  readonly firstMs: number
  /** An unfinished frame is given up after this much quiet. */
  readonly quietMs: number
  readonly rubbishBytes: number
}

const STORE_PAUSE_MS = 1000
/** Answers that a peer does not read. */
const LARGEST_BACKLOG = 16 * 1024

/**
 * One connection that a device opened. Its messages go in one after another; while one is being stored
 * nothing more is read, and what cannot be stored now is tried again: an alarm is sent only once.
 */
export class Connection {
  /** The devices that speak over it. */
  readonly devices = new Set<string>()
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #intake: Intake
  readonly #protocols: readonly TcpProtocol[]
  readonly #limits: ConnectionLimits
  readonly #deviceId: (address: string) => string | undefined
  readonly #heard: (deviceId: string) => void
  readonly #signal: AbortSignal
  readonly #rate: Rate
  readonly #peer: string
  #session: TcpSession | undefined
  #rubbish = 0
  #cancelQuiet: (() => void) | undefined
  #cancelIdle: (() => void) | undefined

  constructor(given: {
    readonly socket: Socket
    readonly clock: Clock
    readonly intake: Intake
    readonly protocols: readonly TcpProtocol[]
    readonly limits: ConnectionLimits
    readonly deviceId: (address: string) => string | undefined
    readonly heard: (deviceId: string) => void
    readonly signal: AbortSignal
  }) {
    this.#socket = given.socket
    this.#clock = given.clock
    this.#intake = given.intake
    this.#protocols = given.protocols
    this.#limits = given.limits
    this.#deviceId = given.deviceId
    this.#heard = given.heard
    this.#signal = given.signal
    this.#rate = new Rate(given.clock, given.limits.framesPerSecond)
    this.#peer = given.socket.remoteAddress ?? 'unknown'
  }

  start(): void {
    this.#waitIdle(this.#limits.firstMs)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#cancelQuiet?.()
      this.#go(this.#read(chunk))
    })
    this.#socket.on('error', (error) => this.#trouble('connection failed', codeOf(error)))
    this.#socket.on('close', () => {
      this.#cancelQuiet?.()
      this.#cancelIdle?.()
    })
  }

  #go(events: readonly TcpEvent[]): void {
    this.#socket.pause()
    this.#handle(events).then(
      () => {
        if (this.#socket.destroyed) return
        this.#cancelQuiet = this.#clock.after(this.#limits.quietMs, () =>
          this.#go(this.#session?.giveUp() ?? []),
        )
        this.#socket.resume()
      },
      (error: unknown) => {
        this.#trouble('message failed', codeOf(error))
        this.#socket.destroy()
      },
    )
  }

  /** The first byte that begins a protocol chooses it; whatever comes before it is rubbish. */
  #read(chunk: Uint8Array): readonly TcpEvent[] {
    if (this.#session) return this.#session.push(chunk)
    for (const [at, byte] of chunk.entries()) {
      const protocol = this.#protocols.find((known) => known.beginsWith(byte))
      if (!protocol) continue
      this.#session = protocol.open()
      const events = this.#session.push(chunk.subarray(at))
      return at === 0 ? events : [{ is: 'rubbish', bytes: at }, ...events]
    }
    return [{ is: 'rubbish', bytes: chunk.length }]
  }

  async #handle(events: readonly TcpEvent[]): Promise<void> {
    for (const event of events) {
      switch (event.is) {
        case 'rubbish':
          this.#throwAway(event.bytes)
          break
        case 'alive':
          if (this.devices.size > 0) this.#waitIdle(this.#limits.idleMs)
          break
        case 'message':
          await this.#message(event)
      }
      // After its bounds were broken nothing more of this chunk is believed.
      if (this.#socket.destroyed && event.is === 'rubbish') return
    }
  }

  async #message(message: TcpEvent & { is: 'message' }): Promise<void> {
    if (!this.#rate.take()) {
      this.#trouble('rate-exceeded', message.address)
      this.#socket.destroy()
      return
    }
    const deviceId = this.#deviceId(message.address)
    if (deviceId === undefined) {
      this.#trouble('device-unknown', message.address)
      return
    }
    if (message.complaint !== undefined)
      this.#intake.trouble(`tcp: not understood (${deviceId})`, message.complaint)
    this.devices.add(deviceId)
    this.#heard(deviceId)
    this.#rubbish = 0
    this.#waitIdle(this.#limits.idleMs)
    if (!(await this.#store({ deviceId, fields: message.fields }))) return
    if (message.answer === undefined || this.#socket.destroyed) return
    this.#socket.write(message.answer)
    if (this.#socket.writableLength > LARGEST_BACKLOG) {
      this.#trouble('answers are not read', deviceId)
      this.#socket.destroy()
    }
  }

  /** False when the gateway stopped before the store could take it: then it is not acknowledged. */
  async #store(arrival: Parameters<Intake['accept']>[0]): Promise<boolean> {
    for (;;) {
      try {
        await this.#intake.accept(arrival)
        return true
      } catch (error) {
        if (!isGanglionError(error) || error.retry !== 'later') throw error
      }
      await pause(this.#clock, STORE_PAUSE_MS, this.#signal).catch(() => undefined)
      if (this.#signal.aborted) return false
    }
  }

  #throwAway(bytes: number): void {
    this.#rubbish += bytes
    this.#trouble('frame-invalid', `${bytes} bytes thrown away`)
    if (this.#rubbish <= this.#limits.rubbishBytes) return
    this.#trouble('too much rubbish', `${this.#rubbish} bytes without a message`)
    this.#socket.destroy()
  }

  #waitIdle(wait: number): void {
    this.#cancelIdle?.()
    this.#cancelIdle = this.#clock.after(wait, () => {
      this.#trouble('silent connection closed', this.#peer)
      this.#socket.destroy()
    })
  }

  /** Counted by kind and device, never by peer: addresses from outside would be kinds without end. */
  #trouble(what: string, example: string): void {
    const [deviceId] = this.devices
    this.#intake.trouble(
      `tcp: ${what}${deviceId === undefined ? '' : ` (${deviceId})`}`,
      `${this.#peer}: ${example}`,
    )
  }
}
