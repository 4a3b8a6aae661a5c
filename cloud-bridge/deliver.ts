import { pause, type Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { CaseBook } from '../gateway/case-book.ts'
import { Draft } from '../gateway/draft.ts'
import type { Outbox, Taken } from '../gateway/outbox.ts'
import type { Away, Connector, DeliveryAnswer } from '../gateway/ports.ts'
import type { Store } from '../gateway/store/store.ts'
import { BackOff } from './back-off.ts'

export interface DeliverContext {
  readonly clock: Clock
  readonly store: Store
  readonly cases: CaseBook
  readonly outbox: Outbox
  readonly connector: Connector
  readonly state: (subject: string, word: string, detail?: string) => void
  readonly trouble: (what: string, example: string) => void
}

const BATCH = 100
/** Requests under way while all is well: while one travels, the next batch gathers. */
const PARALLEL = 2
/** And so many while a backlog fills whole batches. */
const PARALLEL_DRAINING = 6
/** A request without an answer for this long counts as hung: another one probes whether the platform is there. */
const HUNG_MS = 2000
/** An entry that the platform asked to bring later. */
const LATER_MS = 2000

interface Request {
  readonly startedAt: number
  readonly abort: AbortController
}

/** 投递: carries the outbox of one connector to its platform until aborted. Nothing leaves the outbox but by an answer. */
export class Deliverer {
  readonly name: string
  readonly #context: DeliverContext
  readonly #backOff: BackOff
  readonly #requests = new Set<Request>()
  readonly #sending = new Set<Promise<void>>()
  readonly #laterTimers = new Set<() => void>()
  #notBefore = 0
  #lastStart = -Infinity
  #isPumping = false
  #cancelTimer: (() => void) | undefined
  #stopWaiting: (() => void) | undefined
  #signal: AbortSignal | undefined

  constructor(context: DeliverContext) {
    this.name = `deliver ${context.connector.name}`
    this.#context = context
    this.#backOff = new BackOff(context.clock)
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    this.#pumpSoon()
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.#cancelTimer?.()
    this.#stopWaiting?.()
    for (const cancel of this.#laterTimers) cancel()
    for (const request of this.#requests) request.abort.abort()
    // What was answered to the last moment is noted before the store closes.
    await Promise.all(this.#sending)
  }

  /** At the end of the turn, so that what was stored together travels together. */
  #pumpSoon(): void {
    if (this.#isPumping || this.#signal?.aborted === true) return
    this.#isPumping = true
    setImmediate(() => {
      this.#isPumping = false
      this.#pump()
    })
  }

  #pump(): void {
    const { clock, outbox } = this.#context
    this.#cancelTimer?.()
    this.#stopWaiting?.()
    while (this.#signal?.aborted === false) {
      const wait = this.#waitBeforeNext(clock.ticks())
      if (wait > 0) {
        this.#cancelTimer = clock.after(wait, () => this.#pump())
        return
      }
      const batch = outbox.take(BATCH)
      if (batch.length === 0) {
        this.#stopWaiting = outbox.onWork(() => this.#pumpSoon())
        return
      }
      const sending = this.#send(batch).finally(() => this.#sending.delete(sending))
      this.#sending.add(sending)
    }
  }

  /** 0: send now. Away or hung: one probe at a time, `HUNG_MS` apart. */
  #waitBeforeNext(now: number): number {
    if (this.#notBefore > now) return this.#notBefore - now
    const oldest = Math.min(...[...this.#requests].map(({ startedAt }) => startedAt))
    if (this.#backOff.isAway || now - oldest >= HUNG_MS) return Math.max(this.#lastStart + HUNG_MS - now, 0)
    const most = this.#context.outbox.ready >= BATCH ? PARALLEL_DRAINING : PARALLEL
    return this.#requests.size < most ? 0 : oldest + HUNG_MS - now
  }

  async #send(batch: readonly Taken[]): Promise<void> {
    const { clock, connector, outbox } = this.#context
    const request: Request = { startedAt: clock.ticks(), abort: new AbortController() }
    this.#lastStart = request.startedAt
    this.#requests.add(request)
    let answer: readonly DeliveryAnswer[] | Away
    try {
      answer = await connector.send(batch, request.abort.signal)
    } catch (error) {
      // A connector that breaks is away like any other; its entries are safe.
      answer = { is: 'away', reason: messageOf(error) }
    }
    this.#requests.delete(request)
    if (isAway(answer)) {
      outbox.giveBack(batch)
      // Given up by us, it says nothing of the platform.
      if (!request.abort.signal.aborted) this.#away(answer)
    } else {
      this.#answered(request)
      this.#settle(batch, answer)
    }
    this.#pumpSoon()
  }

  #away({ reason, waitMs }: Away): void {
    const { clock, connector, state } = this.#context
    this.#notBefore = clock.ticks() + this.#backOff.away(waitMs)
    state(connector.name, 'away', reason)
  }

  /** The platform is there: what hangs from before is tried again at once. */
  #answered(request: Request): void {
    const { connector, state } = this.#context
    this.#backOff.back()
    this.#notBefore = 0
    state(connector.name, 'delivering')
    for (const other of this.#requests) {
      if (other.startedAt > request.startedAt - HUNG_MS) continue
      other.abort.abort()
    }
  }

  #settle(batch: readonly Taken[], answers: readonly DeliveryAnswer[]): void {
    const { cases, outbox, store, trouble } = this.#context
    const draft = new Draft()
    const later: Taken[] = []
    batch.forEach((entry, index) => {
      const answer = answers[index] ?? { is: 'later', reason: 'the platform did not answer for it' }
      if (answer.is === 'later') {
        later.push(entry)
        return
      }
      if (answer.is === 'refused')
        trouble('platform-refused', `${entry.key}:${entry.revision} ${answer.reason}`)
      else cases.delivered(draft, entry.key)
      outbox.settle(entry, answer, draft)
    })
    if (later.length > 0) this.#giveBackLater(later)
    // Not stored: the entry comes back at the next start and is delivered once more, which changes nothing.
    store.commit(draft).then(
      () => draft.stored(),
      (error: unknown) => trouble('delivery could not be noted', messageOf(error)),
    )
  }

  #giveBackLater(entries: readonly Taken[]): void {
    const { clock, outbox } = this.#context
    const cancel = clock.after(LATER_MS, () => {
      this.#laterTimers.delete(cancel)
      outbox.giveBack(entries)
    })
    this.#laterTimers.add(cancel)
  }
}

/** Carries the proof files of one connector, one after the other, behind their cases. */
export class ProofCarrier {
  readonly name: string
  readonly #context: DeliverContext
  readonly #backOff: BackOff

  constructor(context: DeliverContext) {
    this.name = `proof ${context.connector.name}`
    this.#context = context
    this.#backOff = new BackOff(context.clock)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, connector, outbox, state, trouble } = this.#context
    while (!signal.aborted) {
      const file = outbox.nextUpload()
      if (!file) {
        await workOf(outbox, signal)
        continue
      }
      const answer = await connector.sendProof(file, signal)
      if (answer.is === 'away') {
        state(this.name, 'away', answer.reason)
        await pause(clock, this.#backOff.away(answer.waitMs), signal)
        continue
      }
      this.#backOff.back()
      state(this.name, 'delivering')
      if (answer.is === 'later') {
        outbox.postponeUpload(file)
        await pause(clock, LATER_MS, signal)
        continue
      }
      if (answer.is === 'refused') trouble('platform-refused', `proof ${file.sha256}: ${answer.reason}`)
      await outbox.settleUpload(file, answer)
    }
  }
}

function workOf(outbox: Outbox, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = outbox.onWork(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      stop()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

const isAway = (answer: readonly DeliveryAnswer[] | Away): answer is Away => 'is' in answer
