import { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { secretOf, type TestBox } from './box-rig.ts'
import { atEnd } from './fixtures.ts'
import { RawMqtt } from './raw-mqtt.ts'

const UNDER_WAY = 4
const PACKET_IDS = 60_000
const LOOK_AGAIN_MS = 2
const LONGEST_ANSWER_MS = 20_000

/**
 * A device as the standard wants it: counts up, a few QoS 1 messages under way at once, and after a lost connection sends
 * those without a PUBACK again, in order, with DUP and under their ids.
 */
export class CountingSender {
  readonly #t: TestContext
  readonly #box: TestBox
  readonly #account: string
  readonly #topic: string
  readonly #unanswered = new Map<number, number>()
  #next = 1
  #isEnding = false
  reconnected = -1

  constructor(t: TestContext, box: TestBox, account: string, topic: string) {
    this.#t = t
    this.#box = box
    this.#account = account
    this.#topic = topic
  }

  /** The highest number that was acknowledged with all before it. */
  get said(): number {
    return this.#next - 1
  }

  /** What is under way is acknowledged before `run` ends. */
  end(): void {
    this.#isEnding = true
  }

  async run(): Promise<void> {
    while (!(this.#isEnding && this.#unanswered.size === 0)) {
      const client = new RawMqtt(this.#box.ports.mqtt)
      atEnd(this.#t, () => client.socket.destroy())
      client.connect(this.#account, {
        clientId: 'counting',
        clean: false,
        secret: secretOf(this.#box, this.#account),
      })
      await this.#connection(client)
      client.socket.destroy()
      await pause(LOOK_AGAIN_MS)
    }
  }

  async #connection(client: RawMqtt): Promise<void> {
    let isIn = false
    let seen = 0
    const since = performance.now()
    while (!client.isClosed) {
      for (; seen < client.received.length; seen++) {
        const packet = client.received[seen]
        if (packet?.cmd === 'puback' && packet.messageId !== undefined)
          this.#unanswered.delete(packet.messageId)
        if (packet?.cmd !== 'connack') continue
        if (packet.returnCode !== 0) return
        isIn = true
        this.reconnected++
        for (const [messageId, value] of this.#unanswered) this.#publish(client, messageId, value, true)
      }
      if (this.#isEnding && this.#unanswered.size === 0) return
      while (isIn && !this.#isEnding && this.#unanswered.size < UNDER_WAY) {
        const value = this.#next++
        const messageId = 1 + (value % PACKET_IDS)
        this.#unanswered.set(messageId, value)
        this.#publish(client, messageId, value, false)
      }
      if (performance.now() - since > LONGEST_ANSWER_MS && !isIn)
        throw new Error(`${this.#account}: no answer`)
      await pause(LOOK_AGAIN_MS)
    }
  }

  #publish(client: RawMqtt, messageId: number, value: number, dup: boolean): void {
    client.publish(this.#topic, JSON.stringify({ n: value }), { messageId, dup })
  }
}
