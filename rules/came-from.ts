import type { Instant } from '../base/clock.ts'
import type { Track, ZoneStay } from '../gateway/detection.ts'
import { tracksIn } from './same-thing.ts'

/** A track by its number and first hit: numbers begin anew when a camera's eye is restarted. */
type TrackMark = readonly [trackId: number, firstSeen: Instant]

/** 经过: what each camera has seen in the zones that something has to come from; the newest last. */
export type Passed = Readonly<Record<string, readonly TrackMark[]>>

/** As many things of a camera are remembered as can stand in a full shed's picture. */
const MOST_TRACKS = 64

/** The same object when nobody new was seen there. */
export function withPassed(
  passed: Passed,
  deviceId: string,
  stays: readonly ZoneStay[],
  zones: readonly string[],
  labels: readonly string[] | undefined,
): Passed {
  const known = marksOf(passed, deviceId)
  const fresh = zones
    .flatMap((zone) => tracksIn(stays, zone, labels))
    .filter(
      (track, index, all) => !isAmong(known, track) && all.findIndex((one) => isSame(one, track)) === index,
    )
  if (fresh.length === 0) return passed
  const marks = fresh.map(({ trackId, firstSeen }): TrackMark => [trackId, firstSeen])
  return { ...passed, [deviceId]: [...known, ...marks].slice(-MOST_TRACKS) }
}

/** Those that have been seen there. */
export function passedThrough(passed: Passed, deviceId: string, tracks: readonly Track[]): readonly Track[] {
  const known = marksOf(passed, deviceId)
  return tracks.filter((track) => isAmong(known, track))
}

const marksOf = (passed: Passed, deviceId: string): readonly TrackMark[] =>
  (Object.hasOwn(passed, deviceId) ? passed[deviceId] : undefined) ?? []

const isAmong = (marks: readonly TrackMark[], { trackId, firstSeen }: Track): boolean =>
  marks.some(([id, seen]) => id === trackId && seen === firstSeen)

const isSame = (a: Track, b: Track): boolean => a.trackId === b.trackId && a.firstSeen === b.firstSeen
