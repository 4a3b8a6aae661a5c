import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { codeOf, messageOf } from '../../base/errors.ts'
import { isFullCode } from '../store/reserve.ts'
import { prepareHistory } from './history-file.ts'
import { Keeper } from './keeper.ts'
import { queryPoint } from './reader.ts'
import { Tail } from './tail.ts'
import type { Answered, Ask, WorkerStart } from './worker-messages.ts'

/**
 * The history's thread: it alone writes the history file, reads the arrivals log and answers questions about a point.
 * Started by history.ts with `WorkerStart` as its data.
 */

/** For this thread alone: messages and their commits come first. */
const NICE = 10

const start = workerData as WorkerStart // the one place that starts this thread is history.ts
const port = parentPort
if (!port) throw new Error('worker.ts runs as a worker thread')

try {
  setPriority(NICE)
} catch {
  // A system that does not let a thread step back lets it work as the others.
}

const log = new Database(start.logFile, { readonly: true })
// Each row is read once.
log.pragma('cache_size = -500')
const newest = log.prepare('SELECT ifnull(max(seq), 0) FROM arrivals').pluck().get() as number // one integer
prepareHistory(start.historyFile, newest)
const keeper = new Keeper(start.historyFile, start.keep)
const tail = new Tail(log, keeper)

/** Between two steps other questions are answered. */
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let isEnding = false
let tailing: Promise<unknown> = Promise.resolve()

async function moveOn({ now, isStoreFull }: Extract<Ask, { is: 'tail' }>): Promise<void> {
  keeper.trim(now)
  keeper.giveWay(isStoreFull)
  if (!keeper.hasRoom) return
  try {
    while (!isEnding && tail.step()) await breath()
    tail.flush(now)
  } catch (error) {
    if (!isFullCode(codeOf(error))) throw error
    keeper.giveWay(true)
  }
}

async function answer(ask: Ask): Promise<Answered> {
  const { id } = ask
  switch (ask.is) {
    case 'tail':
      await (tailing = moveOn(ask))
      return { id, is: 'tailed', tailed: { figures: keeper.figures(), seen: tail.seen } }
    case 'query':
      while (tail.step()) await breath()
      return {
        id,
        is: 'found',
        answer: queryPoint({ db: keeper.db, names: keeper.names, open: tail.open }, ask.query),
      }
    case 'end':
      isEnding = true
      await tailing.catch(() => undefined) // answered by itself
      keeper.close()
      log.close()
      return { id, is: 'ended' }
  }
}

port.on('message', (ask: Ask) => {
  answer(ask)
    .catch((error: unknown): Answered => {
      return { id: ask.id, is: 'failed', code: codeOf(error), message: messageOf(error) }
    })
    .then(
      (answered) => {
        port.postMessage(answered)
        if (answered.is === 'ended') port.close()
      },
      (error: unknown) => {
        throw error
      },
    )
})
