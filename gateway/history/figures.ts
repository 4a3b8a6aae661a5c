import type Database from 'better-sqlite3'

/** What `/api/health` says of the history file. */
export interface HistoryFigures {
  /** Rows of the log up to here lie in it. */
  readonly movedTo: number
  readonly segments: number
  readonly messages: number
  readonly readings: number
  /** Of the file, without its free pages. */
  readonly bytes: number
  /** The oldest arrival that is kept; null when there is none. */
  readonly from: number | null
  /** Messages that never came into it: the log had to let them go first. */
  readonly lost: number
  /** Messages that left before their time, for want of disk. */
  readonly gaveWay: number
}

export function figuresOf(db: Database.Database, movedTo: number): HistoryFigures {
  const row = db
    .prepare(
      `SELECT count(*) AS segments, ifnull(sum(messages), 0) AS messages, ifnull(sum(readings), 0) AS readings,
         min(at_low) AS "from",
         ifnull((SELECT value FROM meta WHERE key = 'lost'), 0) AS lost,
         ifnull((SELECT value FROM meta WHERE key = 'gaveWay'), 0) AS gaveWay
       FROM segments`,
    )
    .get() as Omit<HistoryFigures, 'movedTo' | 'bytes'> // the columns named
  return { movedTo, ...row, bytes: bytesOf(db) }
}

/** What is in use; free pages inside the file are filled again. */
export const bytesOf = (db: Database.Database): number =>
  (pragma(db, 'page_count') - pragma(db, 'freelist_count')) * pragma(db, 'page_size')

/** One that answers an integer. */
export const pragma = (db: Database.Database, name: string): number =>
  db.pragma(name, { simple: true }) as number // as its name says
