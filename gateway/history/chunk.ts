import { instant, type Duration, type Instant } from '../../base/clock.ts'
import type { QuantityId } from '../quantity.ts'
import type { Quality, Reading } from '../reading.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { readIntegers, writeIntegers } from './integers.ts'
import { readSights, seenOf, writeSights, type Sighted } from './sights.ts'
import type { Recorded, RecordedMark } from './recorded.ts'
import { readValues, writeValues, type Cell } from './values.ts'

/** The first byte of a chunk; a reader of a later format must still bear this one. */
const FORMAT = 1

/** Names of points as small numbers, kept beside the chunks. */
export interface PointNumbers {
  numberOf(quantity: string, part: string): number
}

export interface PointNames {
  nameOf(point: number): { readonly quantity: string; readonly part: string }
}

/** A column in the making that usually says the same: nothing is kept until it does not. */
class SparseColumn<T extends Cell> {
  readonly #usual: T
  #length = 0
  #cells: T[] | undefined

  constructor(usual: T) {
    this.#usual = usual
  }

  push(cell: T): void {
    if (cell !== this.#usual) this.#cells ??= Array.from({ length: this.#length }, () => this.#usual)
    this.#cells?.push(cell)
    this.#length++
  }

  /** Undefined: all as usual. */
  get cells(): readonly T[] | undefined {
    return this.#cells
  }
}

/** One point of the device in the making: a column for each thing that a reading says. */
class PointBuilder {
  readonly values: Cell[] = []
  readonly qualities = new SparseColumn<Quality>('good')
  /** Later than the first reading of the same message. */
  readonly later = new SparseColumn<number>(0)
  readonly lasts = new SparseColumn<Duration | null>(null)
}

/** The same, read back. */
interface PointColumns {
  readonly values: Cell[]
  readonly qualities: Quality[]
  readonly later: number[]
  readonly lasts: (Duration | null)[]
}

const noColumns = (): PointColumns => ({ values: [], qualities: [], later: [], lasts: [] })

/** The messages of one device (or the marks of the box) in the making, column by column. */
export class ChunkBuilder {
  /** Where among the messages of the segment each stands. */
  readonly #positions: number[] = []
  readonly #arrived: number[] = []
  readonly #times: number[] = []
  /** Which of the lists of points each message had. */
  readonly #shapes: number[] = []
  readonly #shapeNumbers = new Map<string, number>()
  readonly #points = new Map<number, PointBuilder>()
  readonly #marks = new SparseColumn<string | null>(null)
  readonly #observations: Sighted[] = []

  /** How many messages. */
  get length(): number {
    return this.#positions.length
  }

  add(position: number, recorded: Recorded, numbers: PointNumbers): void {
    const isMessage = recorded.is === 'message'
    const readings = isMessage ? recorded.readings : []
    const time = readings[0]?.at ?? recorded.at
    this.#positions.push(position)
    this.#arrived.push(recorded.at)
    this.#times.push(time)
    this.#marks.push(markText(recorded))
    if (isMessage && recorded.observation)
      this.#observations.push({
        ...seenOf(recorded.observation),
        index: this.length - 1,
        arrived: recorded.at,
      })
    const points = readings.map(({ quantity, part }) => numbers.numberOf(quantity, part))
    this.#shapes.push(this.#shapeOf(points))
    readings.forEach((reading, index) => this.#addReading(points[index] ?? 0, reading, time))
  }

  /** What was added so far; more may come. */
  bytes(): Uint8Array {
    const out = new ByteWriter()
    out.byte(FORMAT)
    out.varint(this.length)
    writeIntegers(out, this.#arrived)
    writeTimes(out, this.#times, this.#arrived)
    writeIntegers(out, this.#shapes)
    const points = [...this.#points]
    const indexOf = new Map(points.map(([point], index) => [point, index]))
    out.varint(points.length)
    for (const [point] of points) out.varint(point)
    out.varint(this.#shapeNumbers.size)
    for (const shape of this.#shapeNumbers.keys()) {
      const list = pointsOf(shape)
      out.varint(list.length)
      for (const point of list) out.varint(indexOf.get(point) ?? 0)
    }
    for (const [, columns] of points) out.part((part) => writePoint(part, columns))
    writeIntegers(out, this.#positions)
    writeValues(out, this.#marks.cells ?? Array.from<null>({ length: this.length }).fill(null))
    writeSights(out, this.#observations)
    return out.done()
  }

  #shapeOf(points: readonly number[]): number {
    const name = points.join()
    const known = this.#shapeNumbers.get(name)
    if (known !== undefined) return known
    const number = this.#shapeNumbers.size
    this.#shapeNumbers.set(name, number)
    return number
  }

  #addReading(point: number, { value, quality, at, lastsMs }: Reading, time: number): void {
    let columns = this.#points.get(point)
    if (!columns) this.#points.set(point, (columns = new PointBuilder()))
    columns.values.push(value)
    columns.qualities.push(quality)
    columns.later.push(at - time)
    columns.lasts.push(lastsMs ?? null)
  }
}

const pointsOf = (shape: string): readonly number[] => (shape === '' ? [] : shape.split(',').map(Number))

const RETAINED = 'retained'

function markText(recorded: Recorded): string | null {
  if (recorded.is === 'message') return recorded.isRetained === true ? RETAINED : null
  return recorded.is === 'jump' ? `jump ${recorded.by}` : recorded.is
}

/** Of these most columns have nothing to say, and are left out. */
const NOT_ALL_GOOD = 1
const NOT_ALL_AT_ONCE = 2
const SOME_LAST = 4

function writePoint(out: ByteWriter, { values, qualities, later, lasts }: PointBuilder): void {
  out.byte(
    (qualities.cells ? NOT_ALL_GOOD : 0) +
      (later.cells ? NOT_ALL_AT_ONCE : 0) +
      (lasts.cells ? SOME_LAST : 0),
  )
  writeValues(out, values)
  for (const { cells } of [qualities, later, lasts]) if (cells) writeValues(out, cells)
}

/** Own times lie near the arrivals: the difference is small, and whole where no clock of a device is involved. */
function writeTimes(out: ByteWriter, times: readonly number[], arrived: readonly number[]): void {
  writeValues(
    out,
    times.map((time, index) => time - (arrived[index] ?? 0)),
  )
}

interface Head {
  readonly count: number
  readonly arrived: readonly number[]
  readonly times: readonly number[]
  readonly shapes: readonly number[]
  /** Global numbers of the chunk's points. */
  readonly points: readonly number[]
  /** Indexes into `points`. */
  readonly shapePoints: readonly (readonly number[])[]
}

function readHead(input: ByteReader): Head {
  const format = input.byte()
  if (format !== FORMAT) throw new Error(`a chunk of format ${format} is from a newer Ganglion`)
  const count = input.varint()
  const arrived = readIntegers(input, count)
  const times = readValues(input, count).map((after, index) => (arrived[index] ?? 0) + Number(after))
  const shapes = readIntegers(input, count)
  const points = Array.from({ length: input.varint() }, () => input.varint())
  const shapePoints = Array.from({ length: input.varint() }, () =>
    Array.from({ length: input.varint() }, () => input.varint()),
  )
  return { count, arrived, times, shapes, points, shapePoints }
}

/** What one point said in a chunk, in the order of arrival. */
export interface PointSeries {
  readonly arrived: readonly number[]
  readonly at: readonly number[]
  readonly values: readonly Cell[]
  readonly qualities: readonly Quality[]
}

/** One point alone, without touching the columns of the others; undefined when the chunk has none of it. */
export function readPoint(bytes: Uint8Array, point: number): PointSeries | undefined {
  const input = new ByteReader(bytes)
  const head = readHead(input)
  const own = head.points.indexOf(point)
  if (own < 0) return undefined
  for (let skipped = 0; skipped < own; skipped++) input.skipPart()
  const arrived: number[] = []
  const times: number[] = []
  for (let i = 0; i < head.count; i++) {
    for (const index of head.shapePoints[head.shapes[i] ?? 0] ?? []) {
      if (index !== own) continue
      arrived.push(head.arrived[i] ?? 0)
      times.push(head.times[i] ?? 0)
    }
  }
  const { values, qualities, later } = readColumns(input.part(), arrived.length)
  return { arrived, at: times.map((time, i) => time + (later[i] ?? 0)), values, qualities }
}

function readColumns(input: ByteReader, count: number): PointColumns {
  const flags = input.byte()
  const column = (flag: number, usual: Cell): Cell[] =>
    flags & flag ? readValues(input, count) : Array.from({ length: count }, () => usual)
  return {
    values: readValues(input, count),
    qualities: column(NOT_ALL_GOOD, 'good') as Quality[], // written from qualities
    later: column(NOT_ALL_AT_ONCE, 0) as number[], // written from numbers
    lasts: column(SOME_LAST, null) as (number | null)[], // written from spans or null
  }
}

/** Whose chunk it is. */
export interface ChunkOwner {
  readonly siteId: string
  readonly deviceId: string
}

/** Everything in a chunk, each with its place among the messages of the segment. */
export function readChunk(
  bytes: Uint8Array,
  { siteId, deviceId }: ChunkOwner,
  names: PointNames,
): { readonly positions: readonly number[]; readonly recorded: readonly Recorded[] } {
  const input = new ByteReader(bytes)
  const head = readHead(input)
  const counts = head.points.map(() => 0)
  for (const shape of head.shapes)
    for (const index of head.shapePoints[shape] ?? []) counts[index] = (counts[index] ?? 0) + 1
  const columns = counts.map((count) => readColumns(input.part(), count))
  const positions = readIntegers(input, head.count)
  const marks = readValues(input, head.count)
  const observations = readSights(input, head.count, head.arrived)
  const known = head.points.map((point) => names.nameOf(point))
  const next = head.points.map(() => 0)

  const readingsOf = (i: number): readonly Reading[] => {
    const time = head.times[i] ?? 0
    return (head.shapePoints[head.shapes[i] ?? 0] ?? []).map((index): Reading => {
      const row = next[index] ?? 0
      next[index] = row + 1
      const { values, qualities, later, lasts } = columns[index] ?? noColumns()
      const { quantity, part } = known[index] ?? { quantity: '', part: '' }
      const lastsMs = lasts[row] ?? undefined
      return {
        quantity: quantity as QuantityId, // of this or an earlier table: what is not known moves no rule
        part,
        value: values[row] ?? false,
        quality: qualities[row] ?? 'bad',
        at: instant(time + (later[row] ?? 0)),
        ...(lastsMs !== undefined && { lastsMs }),
      }
    })
  }

  const recorded = head.arrived.map((arrived, i): Recorded => {
    const at = instant(arrived)
    const mark = marks[i]
    if (typeof mark === 'string' && mark !== RETAINED) return toMark(mark, at)
    const readings = readingsOf(i)
    const message = { is: 'message', at, siteId, deviceId, readings } as const
    if (mark === RETAINED) return { ...message, isRetained: true }
    const seen = observations[i]
    return seen ? { ...message, observation: { deviceId, readings, ...seen } } : message
  })
  return { positions, recorded }
}

function toMark(text: string, at: Instant): RecordedMark {
  const [word, by] = text.split(' ')
  if (word === 'jump') return { is: 'jump', at, by: Number(by) }
  return { is: word === 'start' ? 'start' : 'stop', at }
}
