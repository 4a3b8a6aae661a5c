import { once } from 'node:events'
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { codeOf, GanglionError, messageOf } from '../../base/errors.ts'
import { giveUp, hasReserve, isFullCode, reserveSpace } from './reserve.ts'
import { migrations, statementNames, type Change, type StatementName } from './schema.ts'
import type { Group, GroupAnswer, WriterStart } from './writer.ts'

/** What must be stored together or not at all. */
export interface Unit {
  readonly changes: readonly Change[]
  /** Stored even when the disk is full. */
  readonly lifeSafety: boolean
  /** Takes back what memory already believes, when the unit could not be stored. */
  undo(): void
}

export interface StoreOptions {
  readonly folder: string
  readonly sync?: 'full' | 'off'
  readonly commitDelayMs?: number
}

/** Who only reads needs no more of the database. */
export type Reader = Pick<Database.Database, 'prepare'>

interface Waiting {
  readonly unit: Unit
  readonly resolve: () => void
  readonly reject: (error: GanglionError) => void
}

const numberOf = new Map<StatementName, number>(statementNames.map((name, index) => [name, index]))

/**
 * The durable memory of the box: SQLite (WAL, full sync) written by one worker thread. Units are grouped: while
 * one group is being committed the next gathers, so each event-loop turn costs at most one fsync.
 */
export class Store {
  readonly file: string
  /** For reads only; it sees what is committed. */
  readonly reader: Database.Database
  readonly #writer: Worker
  #gathering: Waiting[] = []
  #inFlight: readonly Waiting[] | undefined
  #isPosting = false
  #broken: GanglionError | undefined
  #commits = 0
  #isFull = false

  private constructor(file: string, reader: Database.Database, writer: Worker) {
    this.file = file
    this.reader = reader
    this.#writer = writer
    writer.on('message', (answer: GroupAnswer) => this.#answered(answer))
    writer.on('error', (error) => this.#fail(error))
  }

  /**
   * Opens or makes the database and brings it to this version.
   * @throws GanglionError `store-newer`, `store-failed`, `store-full`
   */
  static async open(options: StoreOptions): Promise<Store> {
    const file = join(options.folder, 'ganglion.db')
    const reserveFile = join(options.folder, 'reserve')
    const start: WriterStart = {
      file,
      reserveFile,
      sync: options.sync ?? 'full',
      commitDelayMs: options.commitDelayMs ?? 0,
    }
    try {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 })
      makePrivate(file)
      const hadRoom = migrateWithReserve(file, reserveFile)
      if (hadRoom && !hasReserve(reserveFile)) reserveSpace(reserveFile)
      const writer = new Worker(new URL('./writer.ts', import.meta.url), { workerData: start })
      await once(writer, 'message')
      return new Store(file, new Database(file, { readonly: true }), writer)
    } catch (error) {
      throw error instanceof GanglionError ? error : openError(error)
    }
  }

  /** How many groups were committed, for metrics. */
  get commits(): number {
    return this.#commits
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Closed, or the writer thread has ended: no unit is taken any more. */
  get hasEnded(): boolean {
    return this.#broken !== undefined
  }

  /**
   * Answers once the unit is on the disk.
   * @throws GanglionError `store-full` or `store-failed` (retry later); `undo` was called before.
   */
  commit(unit: Unit): Promise<void> {
    if (this.#broken) {
      unit.undo()
      return Promise.reject(this.#broken)
    }
    return new Promise((resolve, reject) => {
      this.#gathering.push({ unit, resolve, reject })
      this.#postSoon()
    })
  }

  /** As `commit` for changes that have nothing to take back. */
  put(...changes: Change[]): Promise<void> {
    return this.commit({ changes, lifeSafety: false, undo: () => undefined })
  }

  /** Answers once all that was given before is on the disk. */
  settled(): Promise<void> {
    return this.put()
  }

  /** What was given before is answered first; what comes later is refused. */
  async close(): Promise<void> {
    await this.settled().catch(() => undefined) // each commit before it has its own answer
    this.#broken ??= new GanglionError('store-failed', 'the database is closed')
    await this.#writer.terminate()
    this.reader.close()
  }

  #postSoon(): void {
    if (this.#isPosting || this.#inFlight) return
    this.#isPosting = true
    setImmediate(() => {
      this.#isPosting = false
      this.#post()
    })
  }

  #post(): void {
    const units = this.#gathering
    if (units.length === 0 || this.#inFlight) return
    this.#gathering = []
    const flat: (string | number | null | Uint8Array)[] = []
    const ends: number[] = []
    for (const { unit } of units) {
      for (const change of unit.changes) append(flat, change)
      ends.push(flat.length)
    }
    const group: Group = { flat, ends, lifeSafety: units.map(({ unit }) => unit.lifeSafety) }
    this.#inFlight = units
    this.#writer.postMessage(group)
  }

  #answered(answer: GroupAnswer): void {
    const units = this.#inFlight ?? []
    this.#inFlight = undefined
    this.#commits++
    if (answer.stored === 'all') {
      this.#isFull = false
      for (const waiting of units) waiting.resolve()
    } else {
      this.#refuse(units, answer.stored, answer)
    }
    if (this.#gathering.length > 0) this.#postSoon()
  }

  /**
   * What gathered meanwhile was stepped on top of what is now taken back, so it goes too; life-safety units
   * touch other rules' memory and stay. Undone newest first.
   */
  #refuse(units: readonly Waiting[], stored: readonly boolean[], answer: GroupAnswer): void {
    const error = storeError(answer.code, answer.message)
    this.#isFull = error.code === 'store-full'
    const isKept = ({ unit }: Waiting): boolean => this.#isFull && unit.lifeSafety
    const refused = units.filter((_, index) => stored[index] !== true)
    const gathered = this.#gathering.filter((waiting) => !isKept(waiting))
    this.#gathering = this.#gathering.filter(isKept)
    const gone = [...refused, ...gathered]
    for (const { unit } of [...gone].reverse()) unit.undo()
    for (const { reject } of gone) reject(error)
    units.forEach((waiting, index) => {
      if (stored[index] === true) waiting.resolve()
    })
  }

  #fail(error: unknown): void {
    this.#broken = storeError(codeOf(error), messageOf(error))
    const gone = [...(this.#inFlight ?? []), ...this.#gathering]
    this.#inFlight = undefined
    this.#gathering = []
    for (const { unit } of [...gone].reverse()) unit.undo()
    for (const { reject } of gone) reject(this.#broken)
  }
}

/** SQLite gives the files beside the database its mode. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

function append(flat: (string | number | null | Uint8Array)[], change: Change): void {
  flat.push(numberOf.get(change[0]) ?? -1)
  for (let i = 1; i < change.length; i++) flat.push(change[i] ?? null)
}

function storeError(code: string, message: string): GanglionError {
  if (code === 'SQLITE_FULL') {
    return new GanglionError('store-full', `the data folder's disk is full (${message})`, {
      retry: 'later',
      hint: 'Free some space; Ganglion goes on by itself. Life-safety cases are stored from the reserve.',
    })
  }
  return new GanglionError('store-failed', `the database did not take a commit: ${message} (${code})`, {
    retry: 'later',
    hint: 'Check that the data folder is writable and its disk healthy: ganglion doctor.',
  })
}

function openError(error: unknown): GanglionError {
  if (isFullCode(codeOf(error))) return storeError('SQLITE_FULL', messageOf(error))
  return new GanglionError(
    'store-failed',
    `the database in the data folder cannot be opened: ${messageOf(error)} (${codeOf(error)})`,
    { hint: 'The data folder must be writable by this user.', cause: error },
  )
}

/** False when the disk is so full that SQLite could not even open its files: then the reserve is given up. */
function migrateWithReserve(file: string, reserveFile: string): boolean {
  try {
    migrate(file)
    return true
  } catch (error) {
    if (!isFullCode(codeOf(error)) || !hasReserve(reserveFile)) throw error
    giveUp(reserveFile)
    migrate(file)
    return false
  }
}

function migrate(file: string): void {
  const db = new Database(file)
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    const version = db.pragma('user_version', { simple: true }) as number // SQLite answers an integer
    if (version > migrations.length) {
      throw new GanglionError(
        'store-newer',
        `the database has format ${version}; this Ganglion knows up to ${migrations.length}`,
        { hint: 'Start the newer Ganglion again, or use another data folder.' },
      )
    }
    for (let next = version; next < migrations.length; next++) {
      db.transaction(() => {
        db.exec(migrations[next] ?? '')
        db.pragma(`user_version = ${next + 1}`)
      })()
    }
  } finally {
    db.close()
  }
}
