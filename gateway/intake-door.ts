import { GanglionError } from '../base/errors.ts'
import type { Accepted, Arrival, Intake, Observation, Stranger } from './ports.ts'

/**
 * The door of one transport into the hub. Closed, it takes nothing more: what a transport that is being replaced still
 * decodes was meant for the box of before, and its sender sends it again.
 */
export class IntakeDoor implements Intake {
  readonly #hub: Intake
  /** Whose states this transport told. */
  readonly subjects = new Set<string>()
  #isOpen = true

  constructor(hub: Intake) {
    this.#hub = hub
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  close(): void {
    this.#isOpen = false
  }

  async accept(arrival: Arrival): Promise<Accepted> {
    this.#check()
    return this.#hub.accept(arrival)
  }

  async observe(observation: Observation): Promise<void> {
    this.#check()
    return this.#hub.observe(observation)
  }

  lost(deviceId: string, reason: string): void {
    if (!this.#isOpen) return
    this.subjects.add(deviceId)
    this.#hub.lost(deviceId, reason)
  }

  unanswered(deviceId: string, reason: string): void {
    if (!this.#isOpen) return
    this.subjects.add(deviceId)
    this.#hub.unanswered(deviceId, reason)
  }

  trouble(what: string, example: string): void {
    if (this.#isOpen) this.#hub.trouble(what, example)
  }

  state(subject: string, word: string, detail?: string): void {
    if (!this.#isOpen) return
    this.subjects.add(subject)
    this.#hub.state(subject, word, detail)
  }

  stranger(stranger: Stranger): void {
    if (this.#isOpen) this.#hub.stranger(stranger)
  }

  /** @throws GanglionError `device-unreachable` once it is closed (retry later). */
  #check(): void {
    if (this.#isOpen) return
    throw new GanglionError('device-unreachable', 'the box has changed and this wire is being set up anew', {
      retry: 'later',
    })
  }
}
