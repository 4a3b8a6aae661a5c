import { instant, type Duration, type Instant } from '../../base/clock.ts'
import type { QuantityId } from '../quantity.ts'
import type { Quality, Reading } from '../reading.ts'
import { ByteReader } from './bytes.ts'
import {
  AS_ARRIVED,
  FORMAT,
  NOTED_MARK,
  NOT_ALL_AT_ONCE,
  NOT_ALL_GOOD,
  RETAINED_MARK,
  SOME_LAST,
  type ChunkOwner,
  type PointNames,
} from './chunk-format.ts'
import { readIntegers } from './integers.ts'
import type { Recorded, RecordedMark } from './recorded.ts'
import { readSights } from './sights.ts'
import { readValues, type Cell } from './values.ts'

/** What one point said in a chunk, in the order of arrival. */
export interface PointSeries {
  readonly arrived: readonly number[]
  readonly at: readonly number[]
  readonly values: readonly Cell[]
  /** Undefined: all good. */
  readonly qualities: readonly Quality[] | undefined
}

/** One point alone, without touching the columns of the others; undefined when the chunk has none of it. */
export function readPoint(bytes: Uint8Array, point: number): PointSeries | undefined {
  const input = new ByteReader(bytes)
  const head = readHead(input)
  const own = head.points.indexOf(point)
  if (own < 0) return undefined
  for (let skipped = 0; skipped < own; skipped++) input.skipPart()
  const rows = rowsOf(head, own)
  const arrived = rows ? rows.map((row) => head.arrived[row] ?? 0) : head.arrived
  const times = rows ? rows.map((row) => head.times[row] ?? 0) : head.times
  const { values, qualities, later } = readColumns(input.part(), arrived.length)
  return { arrived, at: later ? times.map((time, i) => time + (later[i] ?? 0)) : times, values, qualities }
}

/** The messages that a point stands in; undefined when it stands once in each. */
function rowsOf({ count, shapePoints, shapes }: Head, point: number): readonly number[] | undefined {
  const times = shapePoints.map((points) => points.filter((other) => other === point).length)
  if (times.every((each) => each === 1)) return undefined
  const rows: number[] = []
  for (let row = 0; row < count; row++)
    for (let left = times[shapes[row] ?? 0] ?? 0; left > 0; left--) rows.push(row)
  return rows
}

/** Everything in a chunk, each with its place among the messages of the segment. */
export function readChunk(
  bytes: Uint8Array,
  { siteId, deviceId }: ChunkOwner,
  names: PointNames,
): { readonly positions: readonly number[]; readonly recorded: readonly Recorded[] } {
  const input = new ByteReader(bytes)
  const head = readHead(input)
  const readers = head.points.map((point, index) => {
    const { quantity, part } = names.nameOf(point)
    return readingsOf(quantity as QuantityId, part, readColumns(input.part(), countOf(head, index))) // what this or an earlier table named
  })
  const positions = readIntegers(input, head.count)
  const marks = readValues(input, head.count)
  const observations = readSights(input, head.count, head.arrived)
  const recorded = head.arrived.map((arrived, i): Recorded => {
    const at = instant(arrived)
    const mark = marks[i]
    if (typeof mark === 'string' && mark !== RETAINED_MARK && mark !== NOTED_MARK) return toMark(mark, at)
    const time = head.times[i] ?? 0
    const readings: Reading[] = []
    for (const index of head.shapePoints[head.shapes[i] ?? 0] ?? []) {
      const next = readers[index]?.(time)
      if (next) readings.push(next)
    }
    const message = { is: 'message', at, siteId, deviceId, readings } as const
    if (mark === RETAINED_MARK) return { ...message, notSaid: 'retained' }
    if (mark === NOTED_MARK) return { ...message, notSaid: 'noted' }
    const seen = observations[i]
    return seen ? { ...message, observation: { deviceId, readings, ...seen } } : message
  })
  return { positions, recorded }
}

/** The readings of a point one after the other, each told the time of its message. */
function readingsOf(
  quantity: QuantityId,
  part: string,
  { values, qualities, later, lasts }: PointColumns,
): (time: number) => Reading {
  let row = 0
  return (time) => {
    const value = values[row] ?? false
    const quality = qualities?.[row] ?? 'good'
    const at = instant(time + (later?.[row] ?? 0))
    const lastsMs = lasts?.[row]
    row++
    return typeof lastsMs === 'number'
      ? { quantity, part, value, quality, at, lastsMs }
      : { quantity, part, value, quality, at }
  }
}

function toMark(text: string, at: Instant): RecordedMark {
  const [word, rest = ''] = text.split(' ')
  if (word === 'jump') return { is: 'jump', at, by: Number(rest) }
  if (word === 'unanswered') return { is: 'unanswered', at, deviceId: rest }
  return { is: word === 'start' ? 'start' : 'stop', at }
}

interface Head {
  readonly count: number
  readonly arrived: readonly number[]
  readonly times: readonly number[]
  /** Which of `shapePoints` each message had; empty where there is but one. */
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
  const times =
    input.byte() === AS_ARRIVED
      ? arrived
      : readValues(input, count).map((after, i) => (arrived[i] ?? 0) + Number(after))
  const points = input.varints()
  const shapePoints: (readonly number[])[] = []
  for (let left = input.varint(); left > 0; left--) shapePoints.push(input.varints())
  const shapes = shapePoints.length > 1 ? readIntegers(input, count) : []
  return { count, arrived, times, shapes, points, shapePoints }
}

function countOf({ count, shapePoints, shapes }: Head, point: number): number {
  const times = shapePoints.map((points) => points.filter((other) => other === point).length)
  if (shapes.length === 0) return count * (times[0] ?? 0)
  return shapes.reduce((all, shape) => all + (times[shape] ?? 0), 0)
}

/** Undefined: all as usual. */
interface PointColumns {
  readonly values: readonly Cell[]
  readonly qualities: readonly Quality[] | undefined
  readonly later: readonly number[] | undefined
  readonly lasts: readonly (Duration | null)[] | undefined
}

function readColumns(input: ByteReader, count: number): PointColumns {
  const flags = input.byte()
  const values = readValues(input, count)
  const column = (flag: number): Cell[] | undefined => (flags & flag ? readValues(input, count) : undefined)
  return {
    values,
    qualities: column(NOT_ALL_GOOD) as Quality[] | undefined, // written from qualities
    later: column(NOT_ALL_AT_ONCE) as number[] | undefined, // written from numbers
    lasts: column(SOME_LAST) as (number | null)[] | undefined, // written from spans or null
  }
}
