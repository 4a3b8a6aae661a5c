import { setTimeout as pause } from 'node:timers/promises'
import { SerialPort } from 'serialport'
import { answerTo } from '../../simulator/devices/modbus-server.ts'
import { decodeRtu, encodeRtu } from '../../wire/modbus.ts'
import { rtuGapMs } from '../../wire/modbus-rtu.ts'
import { BenchUnit } from '../modbus-main.ts'

/**
 * Units on a serial line of 9,600 baud, in a process of their own. A pseudo-terminal carries bytes at once, so the peer
 * takes the time that they have on a wire: 11 bits a character, 3.5 characters of silence before a reply, which then
 * comes byte by byte. All of that is counted, and how long the line was silent before each request.
 */

export type ToLine =
  | { readonly is: 'serve'; readonly port: string; readonly units: number }
  | { readonly is: 'dead'; readonly unit: number }
  | { readonly is: 'count' }
  | { readonly is: 'stop' }

export interface LineCount {
  readonly is: 'counted'
  /** Requests answered so far, unit after unit. */
  readonly answered: readonly number[]
  /** Of both directions. */
  readonly characters: number
  readonly frames: number
  /** Requests that came before the line had been silent for 3.5 characters. */
  readonly early: number
}

export type FromLine = { readonly is: 'serving' } | LineCount

export const BAUD = 9600
export const CHARACTER_MS = 11_000 / BAUD
export const GAP_MS = rtuGapMs(BAUD)

const REQUEST_LENGTH = 8
/** A timer fires up to so much late: the rest is waited for awake, or the peer's lateness would be measured. */
const AWAKE_MS = 1.5

class PacedLine {
  readonly #port: SerialPort
  readonly #units: readonly BenchUnit[]
  readonly #answered: number[]
  readonly #dead = new Set<number>()
  #held = Buffer.alloc(0)
  #isSpeaking = false
  #silentFrom = -Infinity
  #characters = 0
  #frames = 0
  #early = 0

  constructor(port: SerialPort, units: number) {
    this.#port = port
    this.#answered = new Array<number>(units).fill(0)
    this.#units = this.#answered.map((_, index) => new BenchUnit(index + 1))
    port.on('data', (chunk: Buffer) => this.#heard(chunk))
  }

  kill(unit: number): void {
    this.#dead.add(unit)
  }

  count(): LineCount {
    return {
      is: 'counted',
      answered: this.#answered,
      characters: this.#characters,
      frames: this.#frames,
      early: this.#early,
    }
  }

  #heard(chunk: Buffer): void {
    const now = performance.now()
    if (this.#held.length === 0 && (this.#isSpeaking || now - this.#silentFrom < GAP_MS)) this.#early++
    this.#held = Buffer.concat([this.#held, chunk])
    if (this.#held.length < REQUEST_LENGTH) return
    const request = decodeRtu(this.#held.subarray(0, REQUEST_LENGTH))
    this.#held = Buffer.alloc(0)
    if (!request) return
    this.#characters += REQUEST_LENGTH
    this.#frames++
    const heardAt = now + REQUEST_LENGTH * CHARACTER_MS
    this.#silentFrom = heardAt
    const unit = this.#units[request.unit - 1]
    if (!unit || this.#dead.has(request.unit)) return
    unit.onAsked()
    this.#answered[request.unit - 1] = (this.#answered[request.unit - 1] ?? 0) + 1
    void this.#say(encodeRtu(request.unit, answerTo(unit, request.pdu)), heardAt + GAP_MS)
  }

  /** Each byte when its last bit is there. */
  async #say(reply: Buffer, from: number): Promise<void> {
    this.#isSpeaking = true
    for (let said = 0; said < reply.length;) {
      await until(from + (said + 1) * CHARACTER_MS)
      // Before the write: whoever reads may be quicker than what follows here.
      this.#silentFrom = performance.now()
      const due = Math.min(reply.length, Math.floor((this.#silentFrom - from) / CHARACTER_MS))
      this.#port.write(reply.subarray(said, due))
      said = due
    }
    this.#characters += reply.length
    this.#frames++
    this.#isSpeaking = false
  }
}

async function until(at: number): Promise<void> {
  const left = at - performance.now()
  if (left > AWAKE_MS) await pause(left - AWAKE_MS)
  while (performance.now() < at) await new Promise((resolve) => setImmediate(resolve))
}

if (import.meta.main) {
  let line: PacedLine | undefined
  const serve = (path: string, units: number): void => {
    const port = new SerialPort({ path, baudRate: BAUD, autoOpen: false })
    port.open((error) => {
      if (error) throw error
      line = new PacedLine(port, units)
      process.send?.({ is: 'serving' })
    })
  }
  process.on('message', (message: ToLine) => {
    switch (message.is) {
      case 'serve':
        serve(message.port, message.units)
        return
      case 'dead':
        line?.kill(message.unit)
        return
      case 'count':
        process.send?.(line?.count())
        return
      case 'stop':
        process.exit()
    }
  })
  process.on('disconnect', () => process.exit())
}
