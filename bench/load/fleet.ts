import { hostMs } from '../host-time.ts'
import { Column } from './columns.ts'
import { Link, publishTemplate, type Template } from './link.ts'
import type { FromSender, OpenLinks, SendMessages, Sent, ToSender } from './messages.ts'
import { dueNow } from './pacing.ts'
import { Turns } from './turns.ts'

const TURN_MS = 1
const AGAIN_MS = 50
/** After a stall the schedule is caught up four turns at a time. */
const MOST_MS = 4
/** The last connections are waited for this long. */
const LAST_LINKS_MS = 20_000

interface Device {
  readonly link: Link
  readonly on: Template
  readonly off: Template
}

/** The devices that one sender plays, and the work under way. */
export class Fleet {
  readonly #say: (message: FromSender) => void
  #links: Link[] = []
  #devices: readonly Device[] = []
  #turns = new Turns(0)
  #sentAt = new Column()
  #ackMs = new Column()
  #messages = 0
  #acknowledged = 0
  #broken = 0
  #reason = ''
  #isHalted = false
  #isClean = true

  constructor(say: (message: FromSender) => void) {
    this.#say = say
  }

  told(message: ToSender): void {
    switch (message.is) {
      case 'open':
        void this.#open(message)
        return
      case 'send':
        void this.#send(message)
        return
      case 'alarm':
        this.#alarm(message.device)
        return
      case 'halt':
        this.#isHalted = true
        return
      case 'stop':
        for (const link of this.#links) link.close()
        process.disconnect()
    }
  }

  /** Connects one after the other at the given pace; answers when all are let in, and have greeted. */
  async #open({
    port,
    accounts,
    devices,
    session,
    againMs = AGAIN_MS,
    perSecond,
    greets,
  }: OpenLinks): Promise<void> {
    let ready = 0
    this.#isClean = session === 'clean'
    const greetings = accounts.map((): Template[] => [])
    this.#links = accounts.map(
      ({ id, secret }, index) =>
        new Link({
          port,
          account: id,
          secret,
          session,
          againMs,
          onAck: (tag) => this.#acked(tag),
          onConnect: () => {
            ready++
            for (const template of greetings[index] ?? []) this.#publish(this.#links[index], template)
            greetings[index] = []
          },
          onBroken: (reason) => {
            this.#broken++
            this.#reason = reason
          },
        }),
    )
    this.#devices = devices.map(({ account, topic, on, off }) => {
      const link = this.#links[account]
      if (!link) throw new Error(`device of account ${account}, of ${accounts.length}`) // the bench's own mistake
      return { link, on: publishTemplate(topic, on), off: publishTemplate(topic, off) }
    })
    if (greets)
      devices.forEach(({ account }, index) => {
        const device = this.#devices[index]
        if (device) greetings[account]?.push(device.off)
      })
    this.#turns = new Turns(devices.length)
    const startedAt = hostMs()
    await this.#paced(perSecond, this.#links.length, (index) => this.#links[index]?.dial())
    const wanted = greets ? devices.length : 0
    await until(
      () => (ready >= this.#links.length && this.#acknowledged >= wanted) || this.#isHalted,
      LAST_LINKS_MS,
    )
    this.#say({
      is: 'opened',
      links: ready,
      acknowledged: this.#acknowledged,
      broken: this.#broken,
      tookMs: hostMs() - startedAt,
    })
  }

  async #send({ perSecond, seconds, cycle, patienceMs, oneInFlight }: SendMessages): Promise<void> {
    this.#forget()
    const changes = { device: new Column(), revision: new Column(), isOn: new Column(), sentAt: new Column() }
    const startedAt = hostMs()
    let heldBack = 0
    await this.#paced(perSecond, perSecond * seconds, () => {
      const number = this.#turns.nextDevice()
      const device = this.#devices[number]
      if (!device || (oneInFlight && device.link.open > 0)) {
        heldBack++
        return
      }
      const { isOn, revision } = this.#turns.step(number, cycle)
      const at = this.#publish(device.link, isOn ? device.on : device.off)
      if (at === undefined) {
        heldBack++
        return
      }
      if (revision === 0) return
      changes.device.push(number)
      changes.revision.push(revision)
      changes.isOn.push(isOn ? 1 : 0)
      changes.sentAt.push(at)
    })
    const tookS = (hostMs() - startedAt) / 1000
    // A clean connection that broke will not bring its acknowledgements any more.
    const isLeft = (): boolean => this.#isClean && this.#broken > 0
    await until(() => this.#acknowledged >= this.#messages || isLeft(), patienceMs)
    const sent: Sent = {
      is: 'sent',
      messages: this.#messages,
      acknowledged: this.#acknowledged,
      heldBack,
      perSecond: this.#messages / tookS,
      ackMs: this.#ackMs.toArray(),
      changes: {
        device: changes.device.toArray(),
        revision: changes.revision.toArray(),
        isOn: changes.isOn.toArray(),
        sentAt: changes.sentAt.toArray(),
      },
      broken: this.#broken,
      reason: this.#reason,
    }
    this.#say(sent)
  }

  #alarm(number: number): void {
    const device = this.#devices[number]
    if (!device) return
    const { revision } = this.#turns.step(number, 1)
    const sentAt = this.#publish(device.link, device.on) ?? NaN
    this.#say({ is: 'alarm-sent', device: number, revision, sentAt })
  }

  /** When it was sent; undefined when the link is full. */
  #publish(link: Link | undefined, template: Template): number | undefined {
    const at = hostMs()
    if (!link?.publish(template, this.#messages)) return undefined
    this.#sentAt.push(at)
    this.#messages++
    return at
  }

  #acked(tag: number): void {
    this.#acknowledged++
    this.#ackMs.push(hostMs() - this.#sentAt.at(tag))
    if (this.#acknowledged === 1) this.#say({ is: 'first-ack', at: hostMs() })
  }

  #forget(): void {
    this.#sentAt = new Column()
    this.#ackMs = new Column()
    this.#messages = 0
    this.#acknowledged = 0
    this.#isHalted = false
  }

  /** Calls `work` `count` times at this pace, or until halted. */
  #paced(perSecond: number, count: number, work: (index: number) => void): Promise<void> {
    const startedAt = performance.now()
    let done = 0
    return new Promise((resolve) => {
      const turn = (): void => {
        const due = dueNow({ perSecond, mostMs: MOST_MS }, performance.now() - startedAt, done)
        const end = Math.min(done + due, count)
        while (done < end) work(done++)
        if (done >= count || this.#isHalted) resolve()
        else setTimeout(turn, TURN_MS)
      }
      turn()
    })
  }
}

async function until(isTrue: () => boolean, mostMs: number): Promise<void> {
  const end = performance.now() + mostMs
  while (!isTrue() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
}
