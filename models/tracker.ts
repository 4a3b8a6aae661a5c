import type { Instant } from '../base/clock.ts'
import type { Box, Detection, Track } from '../gateway/detection.ts'
import { overlap } from './box.ts'
import { labelGroup } from './label-group.ts'

/** Two hits in three inferences open a track: one false box is not a vehicle, and is forgotten at the second miss. */
const MISSES_TO_FORGET = 2
/** So many inferences in a row without it end a track: a passer-by may hide it for one or two. */
const MISSES_TO_END = 3
/** The least overlap at which two boxes are one thing… */
const LEAST_OVERLAP = 0.25
/** …or how far its middle may move between two pictures, in parts of its size: someone pushes it. */
const LONGEST_STEP = 0.5

/** Something seen, whether its track is open yet or not. */
interface Followed extends Track {
  readonly isOpen: boolean
  readonly missesInRow: number
}

/** What is being followed in one camera's pictures. */
export interface Tracking {
  readonly followed: readonly Followed[]
  readonly nextId: number
}

export const noTracking: Tracking = { followed: [], nextId: 1 }

/**
 * The next picture, taken at `at` (its PTS as a time): what was seen in it, or 'gated' when it was not looked at
 * because nothing moved. Then everything is where it was, and nothing counts as missed.
 */
export function follow(tracking: Tracking, seen: readonly Detection[] | 'gated', at: Instant): Tracking {
  if (seen === 'gated') return tracking
  const partners = pair(tracking.followed, seen)
  const known = tracking.followed.flatMap((one) => {
    const hit = partners.get(one)
    const next = hit ? afterHit(one, hit, at) : afterMiss(one)
    return next ? [next] : []
  })
  const matched = new Set(partners.values())
  const fresh = seen
    .filter((detection) => !matched.has(detection))
    .map((detection, i) => begun(detection, tracking.nextId + i, at))
  return { followed: [...known, ...fresh], nextId: tracking.nextId + fresh.length }
}

/** The open tracks, oldest first. */
export function openTracks(tracking: Tracking): Track[] {
  return tracking.followed
    .filter((one) => one.isOpen)
    .map(({ trackId, label, score, box, firstSeen, lastSeen }) => ({
      trackId,
      label,
      score,
      box,
      firstSeen,
      lastSeen,
    }))
}

/** Whether the next picture decides something: a track is about to open or to end. */
export function isUndecided(tracking: Tracking): boolean {
  return tracking.followed.some((one) => !one.isOpen || one.missesInRow > 0)
}

function begun(detection: Detection, trackId: number, at: Instant): Followed {
  return {
    ...detection,
    trackId,
    firstSeen: at,
    lastSeen: at,
    isOpen: false,
    missesInRow: 0,
  }
}

function afterHit(one: Followed, hit: Detection, at: Instant): Followed {
  return { ...one, ...hit, lastSeen: at, isOpen: true, missesInRow: 0 }
}

function afterMiss(one: Followed): Followed | undefined {
  const missesInRow = one.missesInRow + 1
  const isOver = missesInRow >= (one.isOpen ? MISSES_TO_END : MISSES_TO_FORGET)
  return isOver ? undefined : { ...one, missesInRow }
}

/** Gives each thing followed the box that fits it best; open tracks choose first. */
function pair(followed: readonly Followed[], seen: readonly Detection[]): Map<Followed, Detection> {
  const pairs = followed.flatMap((one) =>
    seen.flatMap((detection) => {
      const likeness = likenessOf(one, detection)
      return likeness === undefined ? [] : [{ one, detection, likeness }]
    }),
  )
  pairs.sort((a, b) => Number(b.one.isOpen) - Number(a.one.isOpen) || b.likeness - a.likeness)
  const partners = new Map<Followed, Detection>()
  const taken = new Set<Detection>()
  for (const { one, detection } of pairs) {
    if (partners.has(one) || taken.has(detection)) continue
    partners.set(one, detection)
    taken.add(detection)
  }
  return partners
}

/** The overlap, or below zero for a thing that moved clear of its old box; nothing when it is another thing. */
function likenessOf(one: Detection, other: Detection): number | undefined {
  if (labelGroup(one.label) !== labelGroup(other.label)) return undefined
  const shared = overlap(one.box, other.box)
  if (shared >= LEAST_OVERLAP) return shared
  const size = Math.min(sizeOf(one.box), sizeOf(other.box))
  const step = Math.hypot(middleX(one.box) - middleX(other.box), middleY(one.box) - middleY(other.box))
  return step <= LONGEST_STEP * size ? -step : undefined
}

const sizeOf = (box: Box): number => (box.width + box.height) / 2
const middleX = (box: Box): number => box.x + box.width / 2
const middleY = (box: Box): number => box.y + box.height / 2
