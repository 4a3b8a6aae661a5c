import { pause, type Clock } from '../../base/clock.ts'
import { isGanglionError } from '../../base/errors.ts'
import type { Arrival, Intake } from '../../gateway/ports.ts'

/** The store is asked again so long after a refusal; meanwhile the message stays unacknowledged. */
const RETRY_MS = 1000

export interface ReceivingContext {
  readonly clock: Clock
  readonly intake: Intake
  /** So many messages are under way at once; the next one waits in the broker. */
  readonly limit: number
  /** Aborted with the connection: what is not acknowledged by then comes again with the next one. */
  readonly signal: AbortSignal
  acknowledge(packetId: number): void
  /** The hub broke in a way that trying again does not mend. */
  failed(error: unknown): void
}

interface Held {
  readonly packetId: number | undefined
  isTaken: boolean
}

/**
 * The messages of one connection on their way into the hub: many at once, so that one commit takes many; each
 * acknowledged only when it is stored, in the order in which they came (MQTT 3.1.1 and 5, section 4.6). Messages of one
 * device are taken in turn: one that comes again must not overtake its successor.
 */
export class Receiving {
  readonly #context: ReceivingContext
  readonly #held: Held[] = []
  /** By device: what its next message waits for. */
  readonly #turns = new Map<string, Promise<void>>()
  #next: (() => void) | undefined

  constructor(context: ReceivingContext) {
    this.#context = context
  }

  /** @param next called when there is room for another message */
  take(arrival: Arrival | undefined, packetId: number | undefined, next: () => void): void {
    const held: Held = { packetId, isTaken: arrival === undefined }
    this.#held.push(held)
    if (arrival) {
      this.#inTurn(arrival).then(
        () => {
          held.isTaken = true
          this.#release()
        },
        (error: unknown) => {
          if (!this.#context.signal.aborted) this.#context.failed(error)
        },
      )
    }
    this.#next = next
    this.#release()
  }

  /** Acknowledges what is taken, up to the first that is not. */
  #release(): void {
    const { signal, limit } = this.#context
    if (signal.aborted) return
    while (this.#held[0]?.isTaken) {
      const { packetId } = this.#held.shift() ?? {}
      if (packetId !== undefined) this.#context.acknowledge(packetId)
    }
    if (this.#held.length >= limit) return
    const next = this.#next
    this.#next = undefined
    next?.()
  }

  #inTurn(arrival: Arrival): Promise<void> {
    const { deviceId } = arrival
    const before = this.#turns.get(deviceId)
    const own = before ? before.then(() => this.#accept(arrival)) : this.#accept(arrival)
    this.#turns.set(deviceId, own)
    const forget = (): void => {
      if (this.#turns.get(deviceId) === own) this.#turns.delete(deviceId)
    }
    own.then(forget, forget)
    return own
  }

  /** Tries again for as long as the store refuses and the connection stands. */
  async #accept(arrival: Arrival): Promise<void> {
    const { clock, intake, signal } = this.#context
    for (;;) {
      try {
        await intake.accept(arrival)
        return
      } catch (error) {
        if (!isGanglionError(error) || error.retry !== 'later') throw error
      }
      await pause(clock, RETRY_MS, signal)
    }
  }
}
