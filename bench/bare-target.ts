import type { Run } from './area.ts'
import type { BareOptions } from './bare.ts'
import type { FromReceiver, ToReceiver } from './receiver-main.ts'
import { Child } from './child.ts'
import { freePorts } from './free-port.ts'
import { Sender } from './load/sender.ts'
import { answersOf, type Answers, type Target } from './target.ts'

const LOOK_MS = 50
const CONNECTIONS_PER_SECOND = 2000

type Script = Child<{ readonly is: 'stop' }, { readonly is: 'listening' }>

/** The bare script, with a sender like the product's and a receiver that checks nothing. */
export class BareTarget implements Target {
  readonly sender = new Sender()
  readonly answersTo = 'changes'
  readonly #script: Script
  readonly #receiver: Child<ToReceiver, FromReceiver>
  readonly #topics: readonly string[]

  private constructor(script: Script, receiver: Child<ToReceiver, FromReceiver>, topics: readonly string[]) {
    this.#script = script
    this.#receiver = receiver
    this.#topics = topics
  }

  /** The script is up and `devices` smoke alarms are connected. */
  static async start(run: Run, name: string, devices: number, commitDelayMs = 0): Promise<BareTarget> {
    const [port = 0] = await freePorts(1)
    const receiver = new Child<ToReceiver, FromReceiver>(new URL('receiver-main.ts', import.meta.url))
    const listening = await receiver.next('listening')
    const options: BareOptions = {
      port,
      folder: run.newFolder(`bare-${name}`),
      receiver: `http://127.0.0.1:${listening.port}`,
      commitDelayMs,
    }
    const script: Script = new Child(new URL('bare.ts', import.meta.url), {
      GANGLION_BARE: JSON.stringify(options),
    })
    await script.next('listening')
    const topics = Array.from({ length: devices }, (_, index) => `ganglion/shed-0/smoke-${index}/up`)
    const target = new BareTarget(script, receiver, topics)
    await target.sender.open({
      port,
      accounts: topics.map((_, index) => ({ id: `smoke-${index}`, secret: 'none' })),
      devices: topics.map((topic, account) => ({ account, topic, on: bare(true), off: bare(false) })),
      session: 'clean',
      perSecond: CONNECTIONS_PER_SECOND,
      greets: false,
    })
    return target
  }

  get pids(): Readonly<Record<string, number>> {
    return { bare: this.#script.pid, 'bare sender': this.sender.pid, 'bare receiver': this.#receiver.pid }
  }

  async answers(revisions: number, mostMs: number): Promise<Answers> {
    const end = performance.now() + mostMs
    for (;;) {
      const heard = this.#receiver.next('receipts')
      this.#receiver.tell({ is: 'ask' })
      const { receipts } = await heard
      if (receipts.length >= revisions || performance.now() > end)
        return answersOf(
          this.#topics,
          receipts.map(({ device, revision, answeredAt }) => ({ name: device, revision, answeredAt })),
        )
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  loopDelayP99(): Promise<number> {
    return Promise.resolve(0)
  }

  troubles(): Promise<readonly string[]> {
    return Promise.resolve([])
  }

  async stop(): Promise<void> {
    await this.sender.stop()
    await this.#script.stop({ is: 'stop' })
    await this.#receiver.stop({ is: 'stop' })
  }
}

/** As long as what a Zigbee2MQTT smoke alarm says. */
const bare = (smoke: boolean): string =>
  JSON.stringify({ smoke, test: false, tamper: false, battery: 97, linkquality: 120 })
