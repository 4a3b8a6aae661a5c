import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { giveUp, hasReserve, hasRoomFor, isFullCode, reserveSpace } from './reserve.ts'
import { statementNames, statements } from './schema.ts'

/**
 * The writer thread: it alone writes the database, one transaction for each group of units, so that a slow
 * disk never blocks the main loop. Started by store.ts with `WriterStart` as its data.
 */

export interface WriterStart {
  readonly file: string
  readonly reserveFile: string
  /** `off` only for the bench's proof that its check can fail. */
  readonly sync: 'full' | 'off'
  /** Makes each commit this much slower, as an eMMC does. */
  readonly commitDelayMs: number
}

/** A group: `flat` holds statement number, then its values, unit after unit; `ends` where each unit ends. */
export interface Group {
  readonly flat: readonly (string | number | null | Uint8Array)[]
  readonly ends: readonly number[]
  /** Units that must be stored even when the disk is full. */
  readonly lifeSafety: readonly boolean[]
}

/** Which units are stored; `code` says why the others are not. */
export interface GroupAnswer {
  readonly stored: 'all' | readonly boolean[]
  readonly code: string
  readonly message: string
}

const start = workerData as WriterStart // the one place that starts this thread is store.ts
const port = parentPort
if (!port) throw new Error('writer.ts runs as a worker thread')

const db = new Database(start.file)
db.pragma('journal_mode = WAL')
db.pragma(`synchronous = ${start.sync === 'off' ? 'OFF' : 'FULL'}`)
db.pragma('wal_autocheckpoint = 4000')
const prepared = statementNames.map((name) => {
  const sql: string = statements[name]
  return { run: db.prepare(sql), values: sql.split('?').length - 1 }
})
const begin = db.prepare('BEGIN IMMEDIATE')
const commit = db.prepare('COMMIT')
const rollback = db.prepare('ROLLBACK')
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** The reserve was given up: only life-safety is stored until the disk has room to lay it by again. */
let isFull = !hasReserve(start.reserveFile)

function write(group: Group, isWanted: (unit: number) => boolean): void {
  begin.run()
  try {
    let at = 0
    group.ends.forEach((end, unit) => {
      if (!isWanted(unit)) at = end
      while (at < end) {
        const statement = prepared[group.flat[at] as number] // store.ts puts the number there
        if (!statement) throw new Error('unknown statement')
        statement.run.run(...group.flat.slice(at + 1, at + 1 + statement.values))
        at += 1 + statement.values
      }
    })
    if (start.commitDelayMs > 0) Atomics.wait(sleeper, 0, 0, start.commitDelayMs)
    commit.run()
  } catch (error) {
    if (db.inTransaction) rollback.run()
    throw error
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'

function store(group: Group): GroupAnswer {
  if (isFull && hasRoomFor(start.file)) isFull = !reserveSpace(start.reserveFile)
  try {
    if (!isFull) {
      write(group, () => true)
      return { stored: 'all', code: '', message: '' }
    }
  } catch (error) {
    if (!isFullCode(codeOf(error))) throw error
    isFull = true
    giveUp(start.reserveFile)
  }
  if (group.lifeSafety.includes(true)) write(group, (unit) => group.lifeSafety[unit] === true)
  return { stored: group.lifeSafety, code: 'SQLITE_FULL', message: 'the disk of the data folder is full' }
}

port.on('message', (group: Group) => {
  let answer: GroupAnswer
  try {
    answer = store(group)
  } catch (error) {
    answer = {
      stored: group.ends.map(() => false),
      code: codeOf(error),
      message: error instanceof Error ? error.message : String(error),
    }
  }
  port.postMessage(answer)
})
port.on('close', () => db.close())
port.postMessage('ready')
