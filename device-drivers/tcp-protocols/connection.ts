import type { Socket } from 'node:net'
import { pause, type Clock } from '../../base/clock.ts'
import { codeOf, isGanglionError } from '../../base/errors.ts'
import type { Order, Sent } from '../../gateway/order.ts'
import type { Arrival, Intake } from '../../gateway/ports.ts'
import { FrameCutter, type Between } from '../../wire/frame-cutter.ts'
import { Rate } from '../rate.ts'
import type { AddressBook } from './address-book.ts'
import { Orders } from './orders.ts'
import type { TcpEvent, TcpProtocol, TcpSaid, TcpTalk } from './protocol.ts'

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
/** A detector behind a transmission device says nothing for years: the device's word says that it is watched. */
const LIFE_EVERY_MS = 20_000

/**
 * One connection that a device opened. Its messages go in one after another; while one is being stored
 * nothing more is read, and what cannot be stored now is tried again: an alarm is sent only once.
 */
export class Connection {
  /** The devices that are heard over it. */
  readonly devices = new Set<string>()
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #intake: Intake
  readonly #cutter: FrameCutter<TcpEvent>
  readonly #book: AddressBook
  readonly #limits: ConnectionLimits
  readonly #heard: (deviceId: string) => void
  readonly #signal: AbortSignal
  readonly #rate: Rate
  readonly #peer: string
  readonly #talks: ReadonlyMap<string, TcpTalk>
  readonly #orders: Orders
  #lifeAt = -Infinity
  #rubbish = 0
  #cancelQuiet: (() => void) | undefined
  #cancelIdle: (() => void) | undefined

  constructor(given: {
    readonly socket: Socket
    readonly clock: Clock
    readonly intake: Intake
    readonly protocols: readonly TcpProtocol[]
    readonly limits: ConnectionLimits
    readonly book: AddressBook
    readonly heard: (deviceId: string) => void
    readonly signal: AbortSignal
  }) {
    this.#socket = given.socket
    this.#clock = given.clock
    this.#intake = given.intake
    const talks = given.protocols.map((protocol) => [protocol.name, protocol.open(given.clock)] as const)
    this.#talks = new Map(talks)
    this.#cutter = new FrameCutter(talks.map(([, talk]) => talk))
    this.#orders = new Orders(given.clock, (bytes) => this.#answer(bytes))
    this.#book = given.book
    this.#limits = given.limits
    this.#heard = given.heard
    this.#signal = given.signal
    this.#rate = new Rate(given.clock, given.limits.framesPerSecond)
    this.#peer = given.socket.remoteAddress ?? 'unknown'
  }

  start(): void {
    this.#waitIdle(this.#limits.firstMs)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#cancelQuiet?.()
      this.#go(this.#cutter.push(chunk))
    })
    this.#socket.on('error', (error) => this.#trouble('connection failed', codeOf(error)))
    this.#socket.on('close', () => {
      this.#cancelQuiet?.()
      this.#cancelIdle?.()
      this.#orders.close()
    })
  }

  /** Tells a device on this connection something. @param address as the address book has it */
  async tell(address: string, order: Order, signal: AbortSignal): Promise<Sent> {
    if (order.is !== 'frame') return { is: 'refused', reason: `this wire has no "${order.is}"` }
    const protocol = address.slice(0, address.indexOf('/'))
    const made = this.#talks.get(protocol)?.order?.(address, order)
    if (made === undefined) return { is: 'refused', reason: `${protocol} takes no commands` }
    if (typeof made === 'string') return { is: 'refused', reason: made }
    return this.#orders.tell(address, made, signal)
  }

  #go(events: readonly (TcpEvent | Between)[]): void {
    this.#socket.pause()
    this.#handle(events).then(
      () => {
        if (this.#socket.destroyed) return
        this.#cancelQuiet = this.#clock.after(this.#limits.quietMs, () => this.#go(this.#cutter.giveUp()))
        this.#socket.resume()
      },
      (error: unknown) => {
        this.#trouble('message failed', codeOf(error))
        this.#socket.destroy()
      },
    )
  }

  async #handle(events: readonly (TcpEvent | Between)[]): Promise<void> {
    for (const event of events) {
      switch (event.kind) {
        case 'rubbish':
          this.#throwAway(event.bytes)
          break
        case 'iccid':
        case 'link':
          if (this.devices.size > 0) this.#waitIdle(this.#limits.idleMs)
          break
        case 'refused':
          this.#refuse(event)
          break
        case 'message':
          await this.#message(event)
      }
      // After its bounds were broken nothing more of this chunk is believed.
      if (this.#socket.destroyed && event.kind !== 'message') return
    }
  }

  async #message(message: TcpEvent & { kind: 'message' }): Promise<void> {
    if (!this.#isWithinRate(message.speaker)) return
    const behind = this.#book.devicesOf(message.speaker)
    if (behind.length === 0) {
      this.#trouble('device-unknown', message.speaker)
      return
    }
    for (const deviceId of behind) {
      this.devices.add(deviceId)
      this.#heard(deviceId)
    }
    if (message.complaint !== undefined) this.#trouble('not understood', message.complaint)
    if (message.answers) this.#orders.answered(message.answers)
    this.#rubbish = 0
    this.#waitIdle(this.#limits.idleMs)
    const arrivals = message.said.flatMap((said) => this.#toArrivals(said))
    // Of several devices at once, since each waits for the disk; of one in the order of the message.
    const byDevice = Map.groupBy(arrivals, ({ deviceId }) => deviceId)
    const stored = await Promise.all([...byDevice.values()].map((own) => this.#storeAll(own)))
    if (stored.includes(false)) return
    if (message.answer !== undefined) this.#answer(message.answer)
    await this.#sayAlive(behind, byDevice)
  }

  /** What is wrong is said to those alone that a site file names. */
  #refuse({ speaker, reason, answer }: TcpEvent & { kind: 'refused' }): void {
    if (!this.#isWithinRate(speaker)) return
    const isKnown = this.#book.devicesOf(speaker).length > 0
    this.#trouble('refused', `${speaker}: ${reason}`)
    if (isKnown && answer !== undefined) this.#answer(answer)
  }

  #isWithinRate(speaker: string): boolean {
    if (this.#rate.take()) return true
    this.#trouble('rate-exceeded', speaker)
    this.#socket.destroy()
    return false
  }

  #toArrivals(said: TcpSaid): Arrival[] {
    const { fields, messageId, time } = said
    const arrival = (deviceId: string): Arrival => ({
      deviceId,
      fields,
      ...(messageId !== undefined && { messageId }),
      ...(time !== undefined && { time }),
    })
    if (said.reach === 'below') return this.#book.below(said.address).map(arrival)
    const deviceId = this.#book.deviceAt(said.address)
    if (deviceId !== undefined) return [arrival(deviceId)]
    if (said.called !== undefined) this.#trouble('device-unknown', said.called)
    return said.instead ? this.#toArrivals(said.instead) : []
  }

  async #storeAll(arrivals: readonly Arrival[]): Promise<boolean> {
    for (const arrival of arrivals) if (!(await this.#store(arrival))) return false
    return true
  }

  #answer(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return
    this.#socket.write(bytes)
    if (this.#socket.writableLength > LARGEST_BACKLOG) {
      this.#trouble('answers are not read', this.#peer)
      this.#socket.destroy()
    }
  }

  /** Those of whom the message said nothing are alive too. One that cannot be written down now comes again. */
  async #sayAlive(behind: readonly string[], said: ReadonlyMap<string, unknown>): Promise<void> {
    const now = this.#clock.ticks()
    if (now - this.#lifeAt < LIFE_EVERY_MS) return
    this.#lifeAt = now
    const others = behind.filter((deviceId) => !said.has(deviceId))
    await Promise.allSettled(others.map((deviceId) => this.#intake.accept({ deviceId, fields: {} })))
  }

  /** False when the gateway stopped before the store could take it: then it is not acknowledged. */
  async #store(arrival: Arrival): Promise<boolean> {
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
