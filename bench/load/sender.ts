import { Child } from '../child.ts'
import type { FromSender, Opened, OpenLinks, SendMessages, Sent, ToSender } from './messages.ts'

const PATIENCE_MS = 20_000

type Wish = Pick<SendMessages, 'perSecond' | 'seconds' | 'cycle'> & Partial<SendMessages>

/** The sender in its own process, as the bench speaks with it. */
export class Sender {
  readonly #child = new Child<ToSender, FromSender>(new URL('sender-main.ts', import.meta.url))

  get pid(): number {
    return this.#child.pid
  }

  /** @throws Error when the broker let fewer links in than asked for. */
  async open(asked: Omit<OpenLinks, 'is'>): Promise<Opened> {
    const opened = this.#child.next('opened')
    this.#child.tell({ is: 'open', ...asked })
    const answer = await opened
    const { links, broken } = answer
    if (links >= asked.accounts.length) return answer
    throw new Error(`the broker let in ${links} of ${asked.accounts.length} connections; ${broken} broke`)
  }

  /** Sends and waits for the last acknowledgement. */
  async send(asked: Wish): Promise<Sent> {
    const sent = this.#child.next('sent')
    this.#child.tell({ is: 'send', oneInFlight: false, patienceMs: PATIENCE_MS, ...asked })
    return sent
  }

  halt(): void {
    this.#child.tell({ is: 'halt' })
  }

  /** When the alarm went out, on the machine's clock. */
  async alarm(device: number): Promise<number> {
    const sent = this.#child.next('alarm-sent')
    this.#child.tell({ is: 'alarm', device })
    return (await sent).sentAt
  }

  async firstAck(): Promise<number> {
    return (await this.#child.next('first-ack')).at
  }

  async stop(): Promise<void> {
    await this.#child.stop({ is: 'stop' })
  }
}
