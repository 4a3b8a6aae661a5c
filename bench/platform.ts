import { Child } from './child.ts'
import type { FromPlatform, ProcessOptions, ToPlatform } from '../simulator/platform/messages.ts'
import type { PlatformFault } from '../simulator/platform/fault.ts'
import type { Counters, ReceivedRevision } from '../simulator/platform/received.ts'
import { join } from 'node:path'
import { BOX_ID } from './box.ts'

/** Each case is said to be delivered at once and then rests: people move cases, and not within a run of the bench. */
const HOURS_MS = 24 * 3_600_000
const REMEMBER = 100_000
const LOOK_MS = 50

/** The simulator's platform in its own process: signatures, schema and idempotency are checked as for anyone. */
export class BenchPlatform {
  readonly #child: Child<ToPlatform, FromPlatform>
  #asked = 0

  private constructor(child: Child<ToPlatform, FromPlatform>) {
    this.#child = child
  }

  static async start(port: number, dataFolder: string): Promise<BenchPlatform> {
    const options: ProcessOptions = {
      host: '127.0.0.1',
      port,
      keys: { [BOX_ID]: join(dataFolder, 'keys', 'box.public.pem') },
      stepMs: { delivered: HOURS_MS },
      remember: REMEMBER,
      history: 'receipts',
    }
    const child = new Child<ToPlatform, FromPlatform>(
      new URL('../simulator/platform-main.ts', import.meta.url),
      { GANGLION_PLATFORM: JSON.stringify(options) },
    )
    await child.next('listening')
    return new BenchPlatform(child)
  }

  get pid(): number {
    return this.#child.pid
  }

  async counters(): Promise<Counters> {
    return (await this.#ask('counters')) as Counters // what was asked for
  }

  async received(): Promise<readonly ReceivedRevision[]> {
    return (await this.#ask('received')) as readonly ReceivedRevision[] // what was asked for
  }

  /** Waits until so many revisions have come, or no more for a while; answers whether they have. */
  async hasAll(revisions: number, mostMs: number): Promise<boolean> {
    const end = performance.now() + mostMs
    while ((await this.counters()).revisions < revisions) {
      if (performance.now() > end) return false
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    return true
  }

  async setFault(fault: PlatformFault | undefined): Promise<void> {
    const set = this.#child.next('fault-set')
    this.#child.tell({ is: 'fault', fault: fault ?? null })
    await set
  }

  async stop(): Promise<void> {
    await this.#child.stop({ is: 'stop' })
  }

  async #ask(what: 'counters' | 'received'): Promise<unknown> {
    const answer = this.#child.next('answer')
    this.#child.tell({ is: 'ask', id: ++this.#asked, what })
    const { value } = await answer
    return value
  }
}
