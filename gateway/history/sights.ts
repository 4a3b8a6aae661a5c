import { instant } from '../../base/clock.ts'
import type { Track, ZoneStay } from '../detection.ts'
import type { Observation } from '../ports.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { readIntegers, writeIntegers } from './integers.ts'
import { readValues, writeValues, type Cell } from './values.ts'

/** What a camera saw besides its readings. */
export type Seen = Omit<Observation, 'deviceId' | 'readings'>

/** With its message: the how many-th of the chunk it is, and when it arrived. */
export interface Sighted extends Seen {
  readonly index: number
  readonly arrived: number
}

export const seenOf = ({ at, stays, model, thresholds }: Observation): Seen => ({
  at,
  stays,
  model,
  thresholds,
})

const NONE = 0
const SOME = 1

/** What the cameras of a chunk's messages saw, as columns; one byte for a device that is no camera. */
export function writeSights(out: ByteWriter, seen: readonly Sighted[]): void {
  out.byte(seen.length === 0 ? NONE : SOME)
  if (seen.length === 0) return
  out.varint(seen.length)
  writeIntegers(
    out,
    seen.map(({ index }) => index),
  )
  const stays = seen.flatMap((one) => one.stays)
  const tracks = stays.flatMap((stay) => stay.tracks)
  const columns: readonly (readonly Cell[])[] = [
    seen.map(({ at, arrived }) => at - arrived),
    seen.map(({ model }) => model),
    seen.map(({ thresholds }) => JSON.stringify(thresholds)),
    seen.map((one) => one.stays.length),
    stays.map(({ zone }) => zone),
    stays.map((stay) => stay.tracks.length),
    tracks.map(({ trackId }) => trackId),
    tracks.map(({ label }) => label),
    tracks.map(({ score }) => score),
    tracks.map(({ box }) => box.x),
    tracks.map(({ box }) => box.y),
    tracks.map(({ box }) => box.width),
    tracks.map(({ box }) => box.height),
    tracks.map(({ firstSeen }) => firstSeen),
    tracks.map(({ lastSeen }) => lastSeen),
  ]
  for (const column of columns) writeValues(out, column)
}

export function readSights(
  input: ByteReader,
  count: number,
  arrived: readonly number[],
): readonly (Seen | undefined)[] {
  const all = Array.from<Seen | undefined>({ length: count })
  if (input.byte() === NONE) return all
  const some = input.varint()
  const indexes = readIntegers(input, some)
  const numbers = (length: number): number[] => readValues(input, length) as number[] // written from numbers
  const texts = (length: number): string[] => readValues(input, length) as string[] // written from texts
  const after = numbers(some)
  const models = texts(some)
  const thresholds = texts(some)
  const stayCounts = numbers(some)
  const zones = texts(sum(stayCounts))
  const trackCounts = numbers(zones.length)
  const tracks = readTracks(sum(trackCounts), numbers, texts)
  let stay = 0
  let track = 0
  const staysOf = (length: number): ZoneStay[] =>
    Array.from({ length }, () => {
      const own = tracks.slice(track, track + (trackCounts[stay] ?? 0))
      track += own.length
      return { zone: zones[stay++] ?? '', tracks: own }
    })
  indexes.forEach((index, i) => {
    all[index] = {
      at: instant((arrived[index] ?? 0) + (after[i] ?? 0)),
      stays: staysOf(stayCounts[i] ?? 0),
      model: models[i] ?? '',
      thresholds: JSON.parse(thresholds[i] ?? '{}') as Observation['thresholds'], // written above
    }
  })
  return all
}

function readTracks(
  count: number,
  numbers: (count: number) => number[],
  texts: (count: number) => string[],
): readonly Track[] {
  const ids = numbers(count)
  const labels = texts(count)
  const [scores = [], xs = [], ys = [], widths = [], heights = [], first = [], last = []] = Array.from(
    { length: 7 },
    () => numbers(count),
  )
  return ids.map((trackId, i) => ({
    label: labels[i] ?? '',
    score: scores[i] ?? 0,
    box: { x: xs[i] ?? 0, y: ys[i] ?? 0, width: widths[i] ?? 0, height: heights[i] ?? 0 },
    trackId,
    firstSeen: instant(first[i] ?? 0),
    lastSeen: instant(last[i] ?? 0),
  }))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0)
