import { pause, type Clock, type Duration } from '../../base/clock.ts'
import { keepOpen } from '../keep-open.ts'
import type { LineEvents } from '../polled-lines.ts'
import type { ByteLine, LineTiming, Opener } from './byte-line.ts'

/** Finds a reply among what a line brings; made anew for each request. */
export interface ReplyParser<T> {
  /** The reply, once it is whole. */
  push(chunk: Uint8Array): T | undefined
  /** Nothing more comes: the reply may still stand behind the beginning of another frame. */
  giveUp(): T | undefined
  /** What came and was not the reply. */
  readonly strange: Uint8Array
}

export type Heard<T> =
  | { readonly is: 'heard'; readonly reply: T }
  | { readonly is: 'silent'; readonly strange: Uint8Array }
  | { readonly is: 'lost'; readonly reason: string }

/** Sends one request and waits for its reply; only within a turn. */
export type Talk = <T>(request: Uint8Array, parser: ReplyParser<T>) => Promise<Heard<T>>

/** A probe is for a unit that was silent: it will probably cost a whole time-out. A command goes before all polls. */
export type TurnKind = 'poll' | 'probe' | 'command'

/** Probes may take this part of the line's time from units that answer. */
const PROBE_SHARE = 0.04
const REST_PER_PROBE = 1 / PROBE_SHARE - 1
/** Nobody is held up by probes where nothing was polled for so long. */
const IDLE_MS = 5000
/** A line that never falls silent is asked all the same; the parser sees whether it makes sense. */
const LONGEST_QUIET_WAIT_MS = 500
/** Characters of the longest reply. */
const LONGEST_REPLY = 300
const MOST_STRAY = 64

interface Exchange {
  readonly data: (chunk: Uint8Array) => void
  readonly lost: (reason: string) => void
}

/**
 * One line on which one speaks at a time: requests go out strictly in turn, each when the line has been
 * quiet for the protocol's gap. Units that were silent get a bounded share of the time, so that a dead one
 * does not starve the others. What comes while nobody waits is thrown away and counted.
 */
export class HalfDuplexLine {
  readonly #open: Opener
  readonly #timing: LineTiming
  readonly #clock: Clock
  readonly #events: LineEvents
  readonly #describe: (bytes: Uint8Array) => string
  readonly #polls: (() => void)[] = []
  readonly #probes: (() => void)[] = []
  #line: ByteLine | undefined
  #exchange: Exchange | undefined
  #isTaken = false
  #cancelWake: (() => void) | undefined
  #polledAt = -Infinity
  #probesFrom = -Infinity
  #heardAt = -Infinity
  #mustBeQuiet = true
  #stray = Buffer.alloc(0)

  constructor(given: {
    readonly open: Opener
    readonly timing: LineTiming
    readonly clock: Clock
    readonly events: LineEvents
    /** Bytes that nobody awaited, in words. */
    readonly describe: (bytes: Uint8Array) => string
  }) {
    this.#open = given.open
    this.#timing = given.timing
    this.#clock = given.clock
    this.#events = given.events
    this.#describe = given.describe
  }

  get isConnected(): boolean {
    return this.#line !== undefined
  }

  /** Opens the line, and opens it again, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const hold = (): Promise<string> => this.#hold(signal)
    await keepOpen({ clock: this.#clock, hold, lost: (reason) => this.#events.lost(reason) }, signal)
  }

  /** Runs `work` when it is its turn; the line is its own until then. */
  async turn<T>(kind: TurnKind, work: (talk: Talk) => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      if (kind === 'command') this.#polls.unshift(resolve)
      else if (kind === 'poll') this.#polls.push(resolve)
      else this.#queueProbe(resolve)
      this.#next()
    })
    const began = this.#clock.ticks()
    try {
      return await work((request, parser) => this.#talk(request, parser))
    } finally {
      const now = this.#clock.ticks()
      if (kind !== 'probe') this.#polledAt = now
      else this.#probesFrom = now + (now - began) * REST_PER_PROBE
      this.#isTaken = false
      this.#next()
    }
  }

  /** The first after a while has its share to wait for too: the misses before it cost the others enough. */
  #queueProbe(probe: () => void): void {
    if (this.#probes.length === 0) {
      const rest = this.#timing.waitMs * REST_PER_PROBE
      this.#probesFrom = Math.max(this.#probesFrom, this.#clock.ticks() + rest)
    }
    this.#probes.push(probe)
  }

  #next(): void {
    this.#cancelWake?.()
    this.#cancelWake = undefined
    if (this.#isTaken) return
    const now = this.#clock.ticks()
    const probesWait = this.isConnected ? Math.min(this.#probesFrom, this.#polledAt + IDLE_MS) - now : 0
    const next = this.#probes.length > 0 && probesWait <= 0 ? this.#probes.shift() : this.#polls.shift()
    if (next) {
      this.#isTaken = true
      next()
    } else if (this.#probes.length > 0) {
      this.#cancelWake = this.#clock.after(probesWait, () => this.#next())
    }
  }

  async #talk<T>(request: Uint8Array, parser: ReplyParser<T>): Promise<Heard<T>> {
    await this.#quiet()
    const line = this.#line
    if (!line) return { is: 'lost', reason: 'not connected' }
    const { characterMs, waitMs, betweenMs } = this.#timing
    const wait = request.length * characterMs + waitMs
    const longest = wait + LONGEST_REPLY * Math.max(characterMs, 1)
    return new Promise((resolve) => {
      const began = this.#clock.ticks()
      const settle = (heard: Heard<T>): void => {
        cancel()
        this.#exchange = undefined
        this.#mustBeQuiet = heard.is !== 'heard'
        if (heard.is === 'heard' && parser.strange.length > 0) this.#report(parser.strange)
        resolve(heard)
      }
      const isSettledBy = (reply: T | undefined): boolean => {
        if (reply === undefined) return false
        settle({ is: 'heard', reply })
        return true
      }
      const onTime = (): void => {
        const now = this.#clock.ticks()
        const left = Math.min(this.#heardAt + betweenMs, began + longest) - now
        if (this.#heardAt >= began && left > 0) cancel = this.#clock.after(left, onTime)
        else if (!isSettledBy(parser.giveUp())) settle({ is: 'silent', strange: parser.strange })
      }
      let cancel = this.#clock.after(wait, onTime)
      this.#exchange = {
        data: (chunk) => void isSettledBy(parser.push(chunk)),
        lost: (reason) => settle({ is: 'lost', reason }),
      }
      line.write(request)
    })
  }

  /** Waits until the line has been silent long enough, and throws away what came meanwhile. */
  async #quiet(): Promise<void> {
    const began = this.#clock.ticks()
    const { gapMs, quietMs } = this.#timing
    const needed: Duration = this.#mustBeQuiet ? quietMs : gapMs
    for (;;) {
      const now = this.#clock.ticks()
      const left = this.#heardAt + needed - now
      if (left <= 0 || !this.isConnected) break
      if (now - began > LONGEST_QUIET_WAIT_MS) {
        this.#events.trouble('the line is never quiet', this.#describe(this.#stray))
        break
      }
      await pause(this.#clock, left)
    }
    if (this.#stray.length > 0) this.#report(this.#stray)
    this.#stray = Buffer.alloc(0)
  }

  #report(strange: Uint8Array): void {
    this.#events.trouble('late or foreign bytes', this.#describe(strange))
  }

  #data(chunk: Uint8Array): void {
    this.#heardAt = this.#clock.ticks()
    if (this.#exchange) this.#exchange.data(chunk)
    else this.#stray = Buffer.concat([this.#stray, chunk]).subarray(0, MOST_STRAY)
  }

  /** The line from its opening to its end; answers why it ended. */
  #hold(signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const line = this.#open({
        opened: () => {
          this.#line = line
          this.#mustBeQuiet = true
          this.#heardAt = this.#clock.ticks()
          this.#events.connected()
          this.#next()
        },
        data: (chunk) => this.#data(chunk),
        closed: (reason) => {
          signal.removeEventListener('abort', onAbort)
          this.#line = undefined
          this.#exchange?.lost(reason)
          this.#next()
          resolve(reason)
        },
      })
      const onAbort = (): void => line.close('stopped')
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
