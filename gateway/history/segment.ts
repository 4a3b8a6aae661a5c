import { ChunkBuilder } from './chunk-builder.ts'
import type { Names } from './names.ts'
import { toRecorded, type LogRow, type Recorded } from './recorded.ts'

const HOUR_MS = 3_600_000
/** A track is as large as so many readings. */
const CELLS_A_TRACK = 10

/** A stretch of the log: its messages device by device, each knowing its place among all. */
export class OpenSegment {
  readonly chunks = new Map<number, ChunkBuilder>()
  messages = 0
  readings = 0
  seqHigh = 0
  atLow = Infinity
  atHigh = -Infinity
  /** Rows of the log that went before they could be moved. */
  lost = 0
  #hour: number | undefined
  #sightCells = 0
  readonly #mostCells: number

  /** `mostCells`: it is full at so many readings, messages and tenths of tracks together. */
  constructor(mostCells: number) {
    this.#mostCells = mostCells
  }

  get isFull(): boolean {
    return this.messages + this.readings + this.#sightCells >= this.#mostCells
  }

  /** Is a message of that time one of another segment? An hour each, so that a long range needs few of them. */
  isOver(at: number): boolean {
    return this.#hour !== undefined && Math.floor(at / HOUR_MS) !== this.#hour
  }

  /** `before`: the row that was taken last, in this segment or the one before it. */
  add(row: LogRow, before: number, names: Names): void {
    const recorded = toRecorded(row)
    const source = names.sourceOf(ownerOf(recorded))
    let chunk = this.chunks.get(source)
    if (!chunk) this.chunks.set(source, (chunk = new ChunkBuilder()))
    chunk.add(this.messages, recorded, names)
    if (before > 0) this.lost += row.seq - before - 1
    this.seqHigh = row.seq
    this.messages++
    if (recorded.is === 'message') {
      this.readings += recorded.readings.length
      const tracks = recorded.observation?.stays.reduce((all, stay) => all + stay.tracks.length, 0) ?? 0
      this.#sightCells += tracks * CELLS_A_TRACK
    }
    this.atLow = Math.min(this.atLow, row.at)
    this.atHigh = Math.max(this.atHigh, row.at)
    this.#hour ??= Math.floor(row.at / HOUR_MS)
  }
}

/** Marks are nobody's. */
const ownerOf = (recorded: Recorded) =>
  recorded.is === 'message'
    ? { siteId: recorded.siteId, deviceId: recorded.deviceId }
    : { siteId: '', deviceId: '' }
