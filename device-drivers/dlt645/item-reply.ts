import { Dlt645Parser, decodeItemReply, type Dlt645Event, type ItemReply } from '../../wire/dlt645.ts'
import type { ReplyParser } from '../serial/half-duplex.ts'

export interface ItemAsk {
  /** 12 digits. */
  readonly address: string
  readonly item: string
}

/** What a meter says to a read. */
export type MeterReply = Exclude<ItemReply, { is: 'other' }>

/** Enough to show what came. */
const MOST_KEPT = 256

/** Finds the reply to one read among what a line brings; the echo of the request is nothing to speak of. */
export class ItemReplyParser implements ReplyParser<MeterReply> {
  readonly #asked: ItemAsk
  readonly #parser = new Dlt645Parser()
  readonly #heard = Buffer.alloc(MOST_KEPT)
  #kept = 0
  #isStrange = false

  constructor(asked: ItemAsk) {
    this.#asked = asked
  }

  get strange(): Uint8Array {
    return this.#isStrange ? this.#heard.subarray(0, this.#kept) : new Uint8Array(0)
  }

  push(chunk: Uint8Array): MeterReply | undefined {
    const kept = chunk.subarray(0, MOST_KEPT - this.#kept)
    this.#heard.set(kept, this.#kept)
    this.#kept += kept.length
    return this.#find(this.#parser.push(chunk))
  }

  giveUp(): MeterReply | undefined {
    return this.#find(this.#parser.giveUp())
  }

  #find(events: readonly Dlt645Event[]): MeterReply | undefined {
    for (const event of events) {
      const reply = event.kind === 'frame' ? decodeItemReply(event, this.#asked) : undefined
      if (reply && reply.is !== 'other') return reply
      this.#isStrange ||= event.kind !== 'frame' || (event.control & 0x80) !== 0
    }
    return undefined
  }
}
