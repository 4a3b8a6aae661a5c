import type Database from 'better-sqlite3'
import type { Keeper } from './keeper.ts'
import { logColumns, type LogRow } from './recorded.ts'
import { OpenSegment } from './segment.ts'

/** Rows of the log in one step; another question may be answered between two. */
const ROWS_A_STEP = 500
/** A segment holds at most so many readings and messages together: some 10 MB in the making. */
export const MOST_CELLS = 250_000

/** Follows the arrivals log: gathers its rows and writes each segment that is full or whose hour is over. */
export class Tail {
  readonly #keeper: Keeper
  readonly #rows
  readonly #mostCells: number
  #open: OpenSegment
  #seen: number

  constructor(log: Database.Database, keeper: Keeper, mostCells = MOST_CELLS) {
    this.#keeper = keeper
    this.#mostCells = mostCells
    this.#rows = log.prepare(
      `SELECT ${logColumns} FROM arrivals WHERE seq > ? ORDER BY seq LIMIT ${ROWS_A_STEP}`,
    )
    this.#open = new OpenSegment(mostCells)
    this.#seen = keeper.movedTo
  }

  /** The last row of the log that was seen. */
  get seen(): number {
    return this.#seen
  }

  /** What was seen and is not in the file yet. */
  get open(): OpenSegment {
    return this.#open
  }

  /** One step; false when the log holds nothing more. @throws SQLite's errors: then the segment begins anew. */
  step(): boolean {
    const rows = this.#rows.all(this.#seen) as LogRow[] // the columns named
    for (const row of rows) {
      if (this.#open.isFull || this.#open.isOver(row.at)) this.#write()
      this.#open.add(row, this.#seen, this.#keeper.names)
      this.#seen = row.seq
    }
    return rows.length === ROWS_A_STEP
  }

  /** An hour that is over is written, though nothing has come since. */
  flush(now: number): void {
    if (this.#open.isFull || this.#open.isOver(now)) this.#write()
  }

  #write(): void {
    try {
      this.#keeper.put(this.#open)
    } catch (error) {
      // The log still has its rows.
      this.#seen = this.#keeper.movedTo
      this.#open = new OpenSegment(this.#mostCells)
      throw error
    }
    this.#open = new OpenSegment(this.#mostCells)
  }
}
