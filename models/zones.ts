import type { Box, Track, ZoneStay } from '../gateway/detection.ts'
import type { Zone } from '../gateway/site-file.ts'

/** Who stands in which zone. Every zone has its entry, the empty ones too: that a zone is free is news as well. */
export function zoneStays(zones: readonly Zone[], tracks: readonly Track[]): ZoneStay[] {
  return zones.map(({ id, polygon }) => ({
    zone: id,
    tracks: tracks.filter((track) => standsIn(polygon, track.box)),
  }))
}

/** A thing stands where the middle of its lower edge is: its upper part only hides what lies behind. */
export function standsIn(polygon: Zone['polygon'], box: Box): boolean {
  return isInside(polygon, box.x + box.width / 2, box.y + box.height)
}

/** Even–odd rule: a ray to the right crosses the edges an odd number of times. */
export function isInside(polygon: Zone['polygon'], x: number, y: number): boolean {
  let inside = false
  let [fromX = 0, fromY = 0] = polygon.at(-1) ?? []
  for (const [toX = 0, toY = 0] of polygon) {
    const crossesLine = fromY > y !== toY > y
    if (crossesLine && x < fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX)) inside = !inside
    fromX = toX
    fromY = toY
  }
  return inside
}
