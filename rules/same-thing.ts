import type { Instant } from '../base/clock.ts'
import type { Box, Track, ZoneStay } from '../gateway/detection.ts'

/** The corners of a box in thousandths of the picture: what rule memory keeps of it. */
export type Spot = readonly [left: number, top: number, right: number, bottom: number]

/** A zone full of bicycles is proven by a few of them; memory stays small. */
const MOST_SPOTS = 8

/** Two boxes that share half of what they cover are the same thing: a parked bicycle's box shakes, but does not walk. */
const SAME_FROM = 0.5

/** From its first hit a track is open after three inferences at the latest, 2 s apart. */
const OPENS_WITHIN_MS = 6000

/** The tracks of one zone with these labels; all labels when none are named. */
export function tracksIn(
  stays: readonly ZoneStay[],
  zone: string,
  labels: readonly string[] | undefined,
): readonly Track[] {
  return stays
    .filter((stay) => stay.zone === zone)
    .flatMap(({ tracks }) => tracks.filter(({ label }) => labels?.includes(label) ?? true))
}

export const spotsOf = (tracks: readonly Track[]): readonly Spot[] =>
  tracks.slice(0, MOST_SPOTS).map(({ box }) => spotOf(box))

/** Does one of the things that stood there still stand there? */
export const isStillThere = (spots: readonly Spot[], tracks: readonly Track[]): boolean =>
  tracks.some(({ box }) => spots.some((spot) => overlap(spot, spotOf(box)) >= SAME_FROM))

/** When what stands there at `at` was first hit; an older track has stood elsewhere and only now come into the zone. */
export function firstHit(tracks: readonly Track[], at: Instant): Instant {
  return tracks
    .map(({ firstSeen }) => firstSeen)
    .filter((seen) => at - seen <= OPENS_WITHIN_MS)
    .reduce((first, seen) => (seen < first ? seen : first), at)
}

function spotOf({ x, y, width, height }: Box): Spot {
  const thousandths = (part: number): number => Math.round(part * 1000)
  return [thousandths(x), thousandths(y), thousandths(x + width), thousandths(y + height)]
}

/** Shared area over covered area (IoU). */
function overlap(a: Spot, b: Spot): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  if (width <= 0 || height <= 0) return 0
  return (width * height) / (area(a) + area(b) - width * height)
}

const area = ([left, top, right, bottom]: Spot): number => (right - left) * (bottom - top)
