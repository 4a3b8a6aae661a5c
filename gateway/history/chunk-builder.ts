import type { Duration } from '../../base/clock.ts'
import type { Quality, Reading } from '../reading.ts'
import { ByteWriter } from './bytes.ts'
import {
  AS_ARRIVED,
  FORMAT,
  NOTED_MARK,
  NOT_ALL_AT_ONCE,
  NOT_ALL_GOOD,
  OWN_TIMES,
  RETAINED_MARK,
  SOME_LAST,
  type PointNumbers,
} from './chunk-format.ts'
import { writeIntegers } from './integers.ts'
import type { Recorded } from './recorded.ts'
import { seenOf, writeSights, type Sighted } from './sights.ts'
import { writeValues, type Cell } from './values.ts'

/** The messages of one device (or the marks of the box) in the making, column by column. */
export class ChunkBuilder {
  /** Where among the messages of the segment each stands. */
  readonly #positions: number[] = []
  readonly #arrived: number[] = []
  /** The time of a message's first reading, after its arrival. */
  readonly #after = new SparseColumn<number>(0)
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
    if (isMessage && recorded.observation) {
      const seen = seenOf(recorded.observation)
      this.#observations.push({ ...seen, index: this.length, arrived: recorded.at })
    }
    this.#positions.push(position)
    this.#arrived.push(recorded.at)
    this.#after.push(time - recorded.at)
    this.#marks.push(markText(recorded))
    const points = readings.map(({ quantity, part }) => numbers.numberOf(quantity, part))
    this.#shapes.push(this.#shapeOf(points))
    readings.forEach((reading, index) => this.#pointOf(points[index] ?? 0).add(reading, time))
  }

  /** What was added so far; more may come. */
  bytes(): Uint8Array {
    const out = new ByteWriter()
    out.byte(FORMAT)
    out.varint(this.length)
    writeIntegers(out, this.#arrived)
    out.byte(this.#after.cells ? OWN_TIMES : AS_ARRIVED)
    if (this.#after.cells) writeValues(out, this.#after.cells)
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
    // A device that always says the same points has nothing more to tell of it.
    if (this.#shapeNumbers.size > 1) writeIntegers(out, this.#shapes)
    for (const [, point] of points) out.part((part) => point.write(part))
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

  #pointOf(point: number): PointBuilder {
    const known = this.#points.get(point)
    if (known) return known
    const own = new PointBuilder()
    this.#points.set(point, own)
    return own
  }
}

/** One point in the making: a column for each thing that a reading says. */
class PointBuilder {
  readonly #values: Cell[] = []
  readonly #qualities = new SparseColumn<Quality>('good')
  /** Later than the first reading of the same message. */
  readonly #later = new SparseColumn<number>(0)
  readonly #lasts = new SparseColumn<Duration | null>(null)

  add({ value, quality, at, lastsMs }: Reading, time: number): void {
    this.#values.push(value)
    this.#qualities.push(quality)
    this.#later.push(at - time)
    this.#lasts.push(lastsMs ?? null)
  }

  write(out: ByteWriter): void {
    const usual = [
      [this.#qualities, NOT_ALL_GOOD],
      [this.#later, NOT_ALL_AT_ONCE],
      [this.#lasts, SOME_LAST],
    ] as const
    out.byte(usual.reduce((flags, [column, flag]) => (column.cells ? flags | flag : flags), 0))
    writeValues(out, this.#values)
    for (const [column] of usual) if (column.cells) writeValues(out, column.cells)
  }
}

/** A column that usually says the same: nothing is kept until it does not. */
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

const pointsOf = (shape: string): readonly number[] => (shape === '' ? [] : shape.split(',').map(Number))

function markText(recorded: Recorded): string | null {
  switch (recorded.is) {
    case 'message':
      return recorded.notSaid === undefined ? null : recorded.notSaid === 'noted' ? NOTED_MARK : RETAINED_MARK
    case 'jump':
      return `jump ${recorded.by}`
    case 'unanswered':
      return `unanswered ${recorded.deviceId}`
    case 'start':
    case 'stop':
      return recorded.is
  }
}
