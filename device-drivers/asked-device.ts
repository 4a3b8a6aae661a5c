import { pause, type Clock, type Duration } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { missedUntilBelieved } from '../gateway/availability.ts'
import type { Device } from '../gateway/device.ts'
import type { Fields, Intake } from '../gateway/ports.ts'
import type { Asking } from './polled-lines.ts'

const AGAIN_EVERY_MS = 2000
const LONGEST_BACK_OFF_MS = 60_000
const STORE_PAUSE_MS = 1000
/** After a command it is asked as often as this for so long, whatever its own pace: what it did is to be read back. */
const CLOSE_EVERY_MS = 500
const CLOSE_MS = 15_000
/** After so many its values are no longer shown as those of now. */
const MISSES_TO_BE_LOST = 2

/** What came of asking a device for all that its profile wants. */
export type Asked =
  /** `refused` says why a part of it is missing. */
  | { readonly is: 'read'; readonly fields: Fields; readonly refused?: string }
  /** It answers and gives nothing of it. */
  | { readonly is: 'refused'; readonly reason: string }
  | { readonly is: 'missed'; readonly reason: string }
  /** The line is lost, which it says itself. */
  | { readonly is: 'lost' }

export interface AskedDeviceGiven {
  readonly device: Device
  readonly clock: Clock
  readonly intake: Intake
  readonly every: Duration
  /** Devices begin one after another, so that not all of them are asked in the same moment. */
  readonly firstAfter: Duration
  readonly isConnected: () => boolean
  /** @param misses how often it was silent since it last answered */
  readonly ask: (misses: number, signal: AbortSignal) => Promise<Asked>
}

/**
 * Asks one device again and again. Each poll is one `accept`, and the next waits for it: a slow store slows
 * the polling and nothing is dropped. One that did not answer is asked again soon, so many times that chance is no
 * explanation, and then is missing; from then on it is asked ever less often.
 */
export class AskedDevice implements Asking {
  readonly #given: AskedDeviceGiven
  readonly #missesToBeMissing: number
  #misses = 0
  #isLost = false
  #word = ''
  #closeUntil = -Infinity
  #hurry: () => void = () => undefined

  constructor(given: AskedDeviceGiven) {
    this.#given = given
    const { device, every } = given
    // Asked more often than its profile thinks, it would miss as many by chance sooner.
    this.#missesToBeMissing = Math.max(device.profile.availability.missed, missedUntilBelieved(every))
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, every, firstAfter, isConnected } = this.#given
    let now = clock.ticks()
    let due = now + firstAfter
    for (;;) {
      await this.#pause(due - now, signal)
      if (signal.aborted) return
      const wait = isConnected() ? await this.#poll(signal) : every
      now = clock.ticks()
      if (now < this.#closeUntil && wait <= every) {
        due = now + Math.min(wait, CLOSE_EVERY_MS)
        continue
      }
      // Missed polls are not made up for: the value is what it is now.
      due = wait === every ? Math.max(due + wait, now) : now + wait
    }
  }

  /** It was told to do something: ask it now, and often for a while. */
  lookClosely(): void {
    this.#closeUntil = this.#given.clock.ticks() + CLOSE_MS
    this.#hurry()
  }

  /** Until it is due, or somebody wants to know now. */
  async #pause(wait: Duration, signal: AbortSignal): Promise<void> {
    const hurried = new AbortController()
    this.#hurry = () => hurried.abort()
    await pause(this.#given.clock, wait, AbortSignal.any([signal, hurried.signal])).catch(() => undefined)
    this.#hurry = () => undefined
  }

  lineLost(reason: string): void {
    // Whether the device itself is silent will be seen when the line is back.
    this.#misses = 0
    this.#lose(reason)
  }

  /** Answers how long to wait for the next poll. */
  async #poll(signal: AbortSignal): Promise<Duration> {
    const { device, intake, every, ask } = this.#given
    const asked = await ask(this.#misses, signal)
    if (signal.aborted || asked.is === 'lost') return every
    if (asked.is === 'missed') return this.#missed(asked.reason)
    this.#misses = 0
    if (asked.is === 'refused') {
      this.#lose(asked.reason)
      return every
    }
    try {
      await intake.accept({ deviceId: device.id, fields: asked.fields })
    } catch (error) {
      // The store cannot take it now, which it has reported: the device will be asked again.
      if (isGanglionError(error) && error.retry === 'later') return STORE_PAUSE_MS
      throw error
    }
    this.#isLost = false
    this.#say(asked.refused === undefined ? 'answers' : 'refused', asked.refused)
    return every
  }

  #missed(reason: string): Duration {
    this.#misses++
    if (this.#misses >= MISSES_TO_BE_LOST) this.#lose(reason)
    const beyond = this.#misses - this.#missesToBeMissing
    if (beyond === 0) this.#given.intake.unanswered(this.#given.device.id, reason)
    return Math.min(AGAIN_EVERY_MS * 2 ** Math.max(0, beyond), LONGEST_BACK_OFF_MS)
  }

  #lose(reason: string): void {
    this.#say('lost', reason)
    if (this.#isLost) return
    this.#isLost = true
    this.#given.intake.lost(this.#given.device.id, reason)
  }

  /** Health hears of changes, not of every poll. */
  #say(word: string, detail?: string): void {
    const said = `${word} ${detail ?? ''}`
    if (said === this.#word) return
    this.#word = said
    this.#given.intake.state(this.#given.device.id, word, detail)
  }
}
