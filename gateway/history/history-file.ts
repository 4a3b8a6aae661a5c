import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { codeOf, GanglionError } from '../../base/errors.ts'
import { figuresOf, type HistoryFigures } from './figures.ts'

/** The second database of the data folder: what the first one may forget. */
export const historyFileOf = (folder: string): string => join(folder, 'history.db')

/** Forward migrations, as in store/schema.ts: never change one that has shipped. */
const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE sources (number INTEGER PRIMARY KEY, site_id TEXT NOT NULL, device_id TEXT NOT NULL, UNIQUE (site_id, device_id));
   CREATE TABLE points (number INTEGER PRIMARY KEY, quantity TEXT NOT NULL, part TEXT NOT NULL, UNIQUE (quantity, part));
   CREATE TABLE segments (
     id INTEGER PRIMARY KEY, at_low INTEGER NOT NULL, at_high INTEGER NOT NULL, messages INTEGER NOT NULL,
     readings INTEGER NOT NULL, bytes INTEGER NOT NULL, lost INTEGER NOT NULL);
   CREATE TABLE chunks (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);`,
]

/** A chunk's id is its segment's, shifted, and its source: what is written together lies together. */
export const SOURCE_BITS = 21
export const MOST_SOURCES = 2 ** SOURCE_BITS

/** Large pages hold several chunks each, so that little of them stays empty. */
const PAGE_BYTES = 16_384

/** Opens or makes the file for writing. @throws GanglionError `store-newer`; SQLite's own errors. */
export function openHistoryFile(file: string): Database.Database {
  closeSync(openSync(file, 'a', 0o600))
  const db = new Database(file)
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`)
    db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = WAL')
    // A segment must be on the disk before its rows leave the log.
    db.pragma('synchronous = FULL')
    db.pragma('cache_size = -4000')
    const version = db.pragma('user_version', { simple: true }) as number // SQLite answers an integer
    if (version > migrations.length) {
      throw new GanglionError(
        'store-newer',
        `the history has format ${version}; this Ganglion knows up to ${migrations.length}`,
        { hint: 'Start the newer Ganglion again, or move history.db away.' },
      )
    }
    for (let next = version; next < migrations.length; next++) {
      db.transaction(() => {
        db.exec(migrations[next] ?? '')
        db.pragma(`user_version = ${next + 1}`)
      })()
    }
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Rows of the log up to here lie, or lay, in the file. */
export const movedTo = (db: Database.Database): number =>
  (db.prepare("SELECT value FROM meta WHERE key = 'moved'").pluck().get() as number | undefined) ?? 0 // one integer

/** Together with what was moved. */
export function setMovedTo(db: Database.Database, seq: number): void {
  db.prepare("INSERT INTO meta VALUES ('moved', ?) ON CONFLICT DO UPDATE SET value = excluded.value").run(seq)
}

/**
 * Makes the file ready for a log whose newest row is `newest`. A log that ends before what was moved was begun anew
 * (the database was lost) and is followed from its first row. A file that is broken is put aside: history may be lost,
 * cases may not wait for it.
 */
export function prepareHistory(file: string, newest: number): { figures: HistoryFigures; isAnew: boolean } {
  let db: Database.Database
  let isAnew = false
  try {
    db = openHistoryFile(file)
    movedTo(db)
  } catch (error) {
    if (!isBroken(error)) throw error
    putAside(file)
    isAnew = true
    db = openHistoryFile(file)
  }
  try {
    if (newest < movedTo(db)) setMovedTo(db, 0)
    return { figures: figuresOf(db, movedTo(db)), isAnew }
  } finally {
    db.close()
  }
}

export const isBroken = (error: unknown): boolean =>
  codeOf(error) === 'SQLITE_NOTADB' || codeOf(error).startsWith('SQLITE_CORRUPT')

export function putAside(file: string): void {
  renameSync(file, `${file}.broken`)
  for (const beside of [`${file}-wal`, `${file}-shm`]) if (existsSync(beside)) rmSync(beside)
}
