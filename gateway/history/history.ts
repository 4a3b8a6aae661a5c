import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Clock, Duration } from '../../base/clock.ts'
import { codeOf, GanglionError, messageOf } from '../../base/errors.ts'
import { hasRoomFor } from '../store/reserve.ts'
import type { Store } from '../store/store.ts'
import { historyFileOf, prepareHistory } from './history-file.ts'
import type { HistoryKeep } from './keep.ts'
import type { HistoryFigures } from './figures.ts'
import type { HistoryAnswer, HistoryQuery } from './query.ts'
import type { Answered, Ask, Tailed, WorkerStart } from './worker-messages.ts'

const LOOK_EVERY_MS: Duration = 10_000
/** So many new rows are worth waking the thread for. */
const ROWS_WORTH_IT = 20_000
const HOUR_MS = 3_600_000
/** A thread that nobody asks costs memory. */
const IDLE_MS: Duration = 120_000
const MEGABYTE = 1024 * 1024
/** A young generation that is collected early: what a row leaves behind is garbage at once. */
const MEMORY = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 }
const DEFAULT_DAYS = 30
const DEFAULT_MEGABYTES = 3072

export interface HistoryContext {
  readonly store: Store
  readonly clock: Clock
  readonly folder: string
  readonly keep?: HistoryKeep
  trouble(what: string, example: string): void
}

interface Waiting {
  readonly worker: Worker
  readonly resolve: (answered: Answered) => void
  readonly reject: (error: Error) => void
}

type Question = Ask extends infer A ? (A extends Ask ? Omit<A, 'id'> : never) : never

/**
 * 历史: what rules were shown, kept for weeks. The message path appends one row to the log and knows nothing of this; a
 * thread of its own, there only while it has work, moves older rows into the history file and answers questions.
 */
export class History {
  readonly #context: HistoryContext
  readonly #start: WorkerStart
  readonly #newest
  #worker: Worker | undefined
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0
  #movedTo = 0
  #givesWay: boolean
  #seen: number
  #figures: HistoryFigures | undefined
  #hour: number
  #isTailing = false
  #cancel: (() => void) | undefined
  #lastAsked = 0
  #isClosed = false

  /** @throws GanglionError `store-newer`, `store-failed` */
  constructor(context: HistoryContext) {
    this.#context = context
    const { store, clock, folder, keep = {} } = context
    const historyFile = historyFileOf(folder)
    const { days = DEFAULT_DAYS, megabytes = DEFAULT_MEGABYTES } = keep
    this.#start = { historyFile, logFile: store.file, keep: { days, bytes: megabytes * MEGABYTE } }
    this.#newest = store.reader.prepare('SELECT ifnull(max(seq), 0) FROM arrivals').pluck()
    // On a full disk it does not take the last pages: nothing waits for it.
    this.#givesWay = !hasRoomFor(folder)
    if (!this.#givesWay) this.#prepare()
    this.#seen = this.#movedTo
    this.#hour = hourOf(clock)
    this.#later()
  }

  /** Rows of the log up to here may go: they lie in the history file, or it gives way to what needs the disk more. */
  get movedTo(): number {
    return this.#givesWay ? Infinity : this.#movedTo
  }

  /** As of the last time that rows were moved. */
  get figures(): HistoryFigures | undefined {
    return this.#figures
  }

  /** @throws GanglionError `store-failed` */
  async query(query: HistoryQuery): Promise<HistoryAnswer> {
    const answered = await this.#ask({ is: 'query', query })
    if (answered.is !== 'found') throw failure(answered)
    return answered.answer
  }

  /** Moves what is ready to be moved. @throws GanglionError `store-failed` */
  async tail(): Promise<Tailed> {
    const { clock, store } = this.#context
    const answered = await this.#ask({ is: 'tail', now: clock.now(), isStoreFull: store.isFull })
    if (answered.is !== 'tailed') throw failure(answered)
    const { figures, seen } = answered.tailed
    this.#movedTo = Math.max(this.#movedTo, figures.movedTo)
    this.#seen = seen
    this.#figures = figures
    return answered.tailed
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel?.()
    await this.#end()
  }

  #prepare(): void {
    try {
      const { figures, isAnew } = prepareHistory(this.#start.historyFile, this.#newest.get() as number) // one integer
      if (isAnew) this.#context.trouble('history was broken', 'put aside as history.db.broken and begun anew')
      this.#figures = figures
      this.#movedTo = figures.movedTo
    } catch (error) {
      if (error instanceof GanglionError) throw error
      // A disk so full that this file cannot be opened must not stop the box.
      this.#context.trouble('history failed', messageOf(error))
    }
  }

  #later(): void {
    this.#cancel = this.#context.clock.after(LOOK_EVERY_MS, () => {
      this.#look()
      if (!this.#isClosed) this.#later()
    })
  }

  /** Is there work for the thread, or should it go? */
  #look(): void {
    const { clock, store } = this.#context
    const newest = this.#newest.get() as number // one integer
    const hour = hourOf(clock)
    this.#givesWay = !hasRoomFor(this.#context.folder)
    if (this.#givesWay && !existsSync(this.#start.historyFile)) return
    if (hour !== this.#hour || newest - this.#seen >= ROWS_WORTH_IT || store.isFull || this.#givesWay) {
      this.#tailSoon(hour)
    } else if (this.#worker && this.#waiting.size === 0 && clock.ticks() - this.#lastAsked >= IDLE_MS) {
      void this.#end()
    }
  }

  #tailSoon(hour: number): void {
    if (this.#isTailing) return
    this.#isTailing = true
    this.tail().then(
      () => {
        this.#isTailing = false
        this.#hour = hour
      },
      (error: unknown) => {
        this.#isTailing = false
        this.#context.trouble('history failed', `${messageOf(error)} (${codeOf(error)})`)
      },
    )
  }

  #ask(question: Question): Promise<Answered> {
    if (this.#isClosed) return Promise.reject(new GanglionError('store-failed', 'the history is closed'))
    this.#lastAsked = this.#context.clock.ticks()
    return this.#send((this.#worker ??= this.#begin()), question)
  }

  #send(worker: Worker, question: Question): Promise<Answered> {
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { worker, resolve, reject })
      worker.postMessage({ ...question, id } satisfies Ask)
    })
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#start,
      resourceLimits: MEMORY,
    })
    worker.on('message', (answered: Answered) => {
      const waiting = this.#waiting.get(answered.id)
      this.#waiting.delete(answered.id)
      waiting?.resolve(answered)
    })
    worker.on('error', (error) => this.#lost(worker, error))
    worker.on('exit', () => this.#lost(worker, new Error('the thread ended')))
    // It alone keeps no process alive.
    worker.unref()
    return worker
  }

  /** The next question begins another one. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker === worker) this.#worker = undefined
    for (const [id, waiting] of this.#waiting) {
      if (waiting.worker !== worker) continue
      this.#waiting.delete(id)
      waiting.reject(new GanglionError('store-failed', `the history's thread failed: ${messageOf(error)}`))
    }
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    if (!worker) return
    // Whoever asks from here on is answered by another one.
    this.#worker = undefined
    await this.#send(worker, { is: 'end' }).catch(() => undefined) // it has ended either way
  }
}

const hourOf = (clock: Clock): number => Math.floor(clock.now() / HOUR_MS)

function failure(answered: Answered): GanglionError {
  const said = answered.is === 'failed' ? `${answered.message} (${answered.code})` : answered.is
  return new GanglionError('store-failed', `the history did not answer: ${said}`, { retry: 'later' })
}
