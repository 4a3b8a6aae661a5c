import type { Instant } from '../base/clock.ts'
import type { QuantityId } from './quantity.ts'

/** A rectangle in parts of the frame: 0,0 is top left, 1,1 bottom right. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** 检出: a labelled box with a score in one frame. */
export interface Detection {
  readonly label: string
  readonly score: number
  readonly box: Box
}

/** A detection that was followed over frames. */
export interface Track extends Detection {
  readonly trackId: number
  /** PTS time of the first hit. */
  readonly firstSeen: Instant
  readonly lastSeen: Instant
}

/** What stands in one zone of a camera's picture, with the tracks that prove it. */
export interface ZoneStay {
  readonly zone: string
  readonly tracks: readonly Track[]
}

/** What a camera says of each zone, and the labels that it speaks of. */
export const zoneLabels = {
  vehicleInZone: ['bicycle', 'motorcycle'],
  motorVehicleInZone: ['car', 'bus', 'truck'],
  personInZone: ['person'],
  zoneChange: ['change'],
} as const satisfies Partial<Record<QuantityId, readonly string[]>>

export const zoneQuantities = Object.keys(zoneLabels) as readonly (keyof typeof zoneLabels)[] // keys of a const table

/** The tracks that these quantities speak of, in the zones where there are any. */
export function staysOf(
  stays: readonly ZoneStay[],
  quantities: ReadonlySet<QuantityId>,
): readonly ZoneStay[] {
  const labels: readonly string[] = zoneQuantities.flatMap((quantity) =>
    quantities.has(quantity) ? zoneLabels[quantity] : [],
  )
  return stays.flatMap(({ zone, tracks }) => {
    const own = tracks.filter(({ label }) => labels.includes(label))
    return own.length === 0 ? [] : [{ zone, tracks: own }]
  })
}
