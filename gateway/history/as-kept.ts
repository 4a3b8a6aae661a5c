import { instant } from '../../base/clock.ts'
import type { Track } from '../detection.ts'
import type { Observation } from '../ports.ts'

/** A ten-thousandth of the picture is less than half a pixel of the widest one that is looked at. */
const PARTS = 10_000

/**
 * An observation as history keeps it, to the digit: rules are shown this one, so that a replay shows them the same.
 * Seventeen digits of a detector's guess would be nine tenths of what is stored of a camera.
 */
export function asKept(observation: Observation): Observation {
  return {
    ...observation,
    at: whole(observation.at),
    readings: observation.readings.map((reading) => ({ ...reading, at: whole(reading.at) })),
    stays: observation.stays.map(({ zone, tracks }) => ({ zone, tracks: tracks.map(keptTrack) })),
  }
}

function keptTrack({ label, score, box, trackId, firstSeen, lastSeen }: Track): Track {
  return {
    label,
    score: rounded(score),
    box: { x: rounded(box.x), y: rounded(box.y), width: rounded(box.width), height: rounded(box.height) },
    trackId,
    firstSeen: whole(firstSeen),
    lastSeen: whole(lastSeen),
  }
}

/** Without a negative zero, which JSON does not know. */
const rounded = (part: number): number => Math.round(part * PARTS) / PARTS + 0

const whole = (at: number) => instant(Math.round(at))
