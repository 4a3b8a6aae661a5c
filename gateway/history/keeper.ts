import type Database from 'better-sqlite3'
import { instant, isClockSet, type Instant } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'
import { hasRoomFor, isFullCode } from '../store/reserve.ts'
import { bytesOf, figuresOf, pragma, type HistoryFigures } from './figures.ts'
import { movedTo, openHistoryFile, setMovedTo, SOURCE_BITS } from './history-file.ts'
import { Names } from './names.ts'
import type { OpenSegment } from './segment.ts'

const DAY_MS = 86_400_000
const VACUUM_PAGES = 256

/** How much is kept. */
export interface Keep {
  readonly days: number
  readonly bytes: number
}

/** Writes segments into the history file and lets the oldest go: by age, by size, and at once when the disk is full. */
export class Keeper {
  readonly names: Names
  readonly db: Database.Database
  readonly #file: string
  readonly #keep: Keep
  #movedTo: number

  constructor(file: string, keep: Keep) {
    this.#file = file
    this.#keep = keep
    this.db = openHistoryFile(file)
    this.names = new Names(this.db)
    this.#movedTo = movedTo(this.db)
  }

  /** The newest row of the log that lies here. */
  get movedTo(): number {
    return this.#movedTo
  }

  /** Nothing is moved to a disk that is nearly full. */
  get hasRoom(): boolean {
    return hasRoomFor(this.#file)
  }

  /** One transaction: all of it or nothing. @throws SQLite's errors, `SQLITE_FULL` among them. */
  put(segment: OpenSegment): void {
    const { db, names } = this
    const id = db.prepare('SELECT ifnull(max(id), 0) + 1 FROM segments').pluck().get() as number // one integer
    const chunk = db.prepare(`INSERT INTO chunks VALUES ((? << ${SOURCE_BITS}) + ?, ?)`)
    db.transaction(() => {
      names.write()
      let bytes = 0
      for (const [source, builder] of [...segment.chunks].sort(([a], [b]) => a - b)) {
        const packed = builder.bytes()
        bytes += packed.length
        chunk.run(id, source, packed)
      }
      const { seqHigh, atLow, atHigh, messages, readings, lost } = segment
      db.prepare('INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)').run(
        id,
        atLow,
        atHigh,
        messages,
        readings,
        bytes,
        lost,
      )
      if (lost > 0) this.#count('lost', lost)
      setMovedTo(this.db, seqHigh)
    })()
    names.written()
    this.#movedTo = segment.seqHigh
  }

  /** What is too old or too much. Times of a clock that was not set yet say nothing: such a segment goes with the next. */
  trim(now: Instant): void {
    const { days, bytes } = this.#keep
    const past = this.db
      .prepare('SELECT id, at_high FROM segments WHERE at_high < ? ORDER BY id DESC')
      .all(now - days * DAY_MS) as { id: number; at_high: number }[] // the columns named
    const lastOld = past.find(({ at_high }) => isClockSet(instant(at_high)))?.id ?? 0
    for (;;) {
      const oldest = this.#oldest()
      if (!oldest) break
      const isTooMuch = bytesOf(this.db) > bytes && oldest.id !== this.#newestId()
      if (oldest.id > lastOld && !isTooMuch) break
      this.#drop(oldest.id)
    }
    this.#shrink()
  }

  /** The disk is (nearly) full: the oldest goes until there is room, all of it if it must be. */
  giveWay(isStoreFull: boolean): void {
    let isFull = isStoreFull || !this.hasRoom
    while (isFull) {
      const oldest = this.#oldest()
      if (!oldest) return
      this.db.transaction(() => {
        this.#drop(oldest.id)
        this.#count('gaveWay', oldest.messages)
      })()
      this.#vacuum(Infinity)
      isFull = !this.hasRoom
    }
  }

  figures(): HistoryFigures {
    return figuresOf(this.db, this.#movedTo)
  }

  close(): void {
    this.db.close()
  }

  #oldest(): { readonly id: number; readonly messages: number } | undefined {
    return this.db.prepare('SELECT id, messages FROM segments ORDER BY id LIMIT 1').get() as
      { id: number; messages: number } | undefined // the columns named
  }

  #newestId(): number {
    return this.db.prepare('SELECT max(id) FROM segments').pluck().get() as number // one integer
  }

  #drop(id: number): void {
    this.db.transaction(() => {
      this.db
        .prepare(`DELETE FROM chunks WHERE id >= (? << ${SOURCE_BITS}) AND id < ((? + 1) << ${SOURCE_BITS})`)
        .run(id, id)
      this.db.prepare('DELETE FROM segments WHERE id = ?').run(id)
    })()
  }

  #count(what: 'lost' | 'gaveWay', more: number): void {
    this.db
      .prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value')
      .run(what, more)
  }

  /** A file that was once larger gives back what it will not need soon. */
  #shrink(): void {
    if (pragma(this.db, 'freelist_count') > pragma(this.db, 'page_count') / 4) this.#vacuum(VACUUM_PAGES)
  }

  #vacuum(pages: number): void {
    try {
      for (let left = pages; left > 0 && pragma(this.db, 'freelist_count') > 0; left -= VACUUM_PAGES)
        this.db.pragma(`incremental_vacuum(${VACUUM_PAGES})`)
      this.db.pragma('wal_checkpoint(TRUNCATE)')
    } catch (error) {
      // On a disk without a single free page the freed pages stay in the file and are filled again.
      if (!isFullCode(codeOf(error))) throw error
    }
  }
}
