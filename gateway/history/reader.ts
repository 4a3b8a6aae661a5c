import type Database from 'better-sqlite3'
import type { Instant } from '../../base/clock.ts'
import { movedTo, SOURCE_BITS } from './history-file.ts'
import { Names } from './names.ts'
import { gathering, type HistoryAnswer, type HistoryQuery } from './query.ts'
import { readChunk, readPoint } from './read-chunk.ts'
import { logColumns, toRecorded, type LogRow, type Recorded } from './recorded.ts'
import type { OpenSegment } from './segment.ts'

/** What of the history is wanted, by the time of arrival: `from` belongs to it, `to` does not. */
export interface HistoryRange {
  readonly from: Instant
  readonly to: Instant
  /** Every site by default. Marks are shown whatever the site. */
  readonly siteId?: string
}

/**
 * All of that span in the order in which it came: what was moved to the history file, then what only the log has. The
 * gateway may go on writing meanwhile. Undefined: there is no such file yet.
 */
export function* readHistory(
  log: Database.Database,
  history: Database.Database | undefined,
  range: HistoryRange,
): Generator<Recorded> {
  const segments = history && new Segments(history)
  if (segments) yield* segments.read(range)
  // From here on the log stands still for this reader: what it lacks was moved before, and is looked for after.
  log.exec('BEGIN')
  try {
    log.prepare('SELECT 1 FROM arrivals LIMIT 1').get()
    if (segments) yield* segments.read(range)
    const moved = history ? movedTo(history) : 0
    const rows = log.prepare(`SELECT ${logColumns} FROM arrivals WHERE seq > ? ORDER BY seq`)
    for (const row of rows.iterate(moved) as Iterable<LogRow>)
      // the columns named
      if (isIn(range, row.at, row.site_id)) yield toRecorded(row)
  } finally {
    log.exec('COMMIT')
  }
}

/** The segments of the file, each read once. */
class Segments {
  readonly #names: Names
  readonly #next
  readonly #chunks
  #last = 0

  constructor(db: Database.Database) {
    this.#names = new Names(db)
    this.#next = db.prepare(
      'SELECT id, messages, at_low, at_high FROM segments WHERE id > ? ORDER BY id LIMIT 1',
    )
    this.#chunks = db.prepare(
      `SELECT id & ${2 ** SOURCE_BITS - 1} AS source, bytes FROM chunks
       WHERE id >= (? << ${SOURCE_BITS}) AND id < ((? + 1) << ${SOURCE_BITS}) ORDER BY id`,
    )
  }

  *read(range: HistoryRange): Generator<Recorded> {
    for (;;) {
      const segment = this.#next.get(this.#last) as SegmentRow | undefined // the columns named
      if (!segment) return
      this.#last = segment.id
      if (segment.at_high >= range.from && segment.at_low < range.to) yield* this.#segment(segment, range)
    }
  }

  *#segment({ id, messages }: SegmentRow, range: HistoryRange): Generator<Recorded> {
    const inOrder = Array.from<Recorded | undefined>({ length: messages })
    // One statement is one state of the file: a segment that is let go meanwhile is whole here or gone.
    const chunks = this.#chunks.all(id, id) as { source: number; bytes: Uint8Array }[] // the columns named
    const isKnown = chunks.every(({ source }) => this.#names.hasSource(source))
    if (!isKnown) this.#names.read()
    for (const { source, bytes } of chunks) {
      const owner = this.#names.ownerOf(source)
      if (!isWantedSite(range, owner.siteId)) continue
      const { positions, recorded } = readChunk(bytes, owner, this.#names)
      recorded.forEach((one, i) => (inOrder[positions[i] ?? 0] = one))
    }
    for (const one of inOrder) if (one && one.at >= range.from && one.at < range.to) yield one
  }
}

interface SegmentRow {
  readonly id: number
  readonly messages: number
  readonly at_low: number
  readonly at_high: number
}

const isWantedSite = ({ siteId }: HistoryRange, own: string): boolean =>
  siteId === undefined || own === '' || own === siteId

const isIn = (range: HistoryRange, at: number, siteId: string): boolean =>
  at >= range.from && at < range.to && isWantedSite(range, siteId)

/** Where one point can be looked up: the file, and the segment that is being made. */
export interface PointSource {
  readonly db: Database.Database
  readonly names: Names
  readonly open: OpenSegment
}

/** One point of one device, touching no column of another. */
export function queryPoint({ db, names, open }: PointSource, query: HistoryQuery): HistoryAnswer {
  const gathered = gathering(query)
  const point = names.pointOf(query.quantity, query.part)
  const sources = names.sourcesOf(query.deviceId)
  if (point === undefined || sources.length === 0) return gathered.answer()
  const chunks = db
    .prepare(
      `SELECT chunks.bytes FROM segments CROSS JOIN chunks ON chunks.id = (segments.id << ${SOURCE_BITS}) + ?
       WHERE at_high >= ? AND at_low < ? ORDER BY segments.id`,
    )
    .pluck()
  // A device that moved to another site has nothing of both in one time.
  for (const source of sources) {
    for (const bytes of chunks.iterate(source, query.from, query.to) as Iterable<Uint8Array>) {
      const series = readPoint(bytes, point)
      if (series && !gathered.add(series)) return gathered.answer()
    }
  }
  for (const source of sources) {
    const bytes = open.chunks.get(source)?.bytes()
    const series = bytes && readPoint(bytes, point)
    if (series && !gathered.add(series)) break
  }
  return gathered.answer()
}
