import { zoneQuantities } from './detection.ts'
import type { ProfileShelf } from './profile-shelf.ts'
import { quantityIds, type QuantityId } from './quantity.ts'

/**
 * What devices of a profile can say, for whoever checks what rules ask of them; undefined when there is no such
 * profile. Of one whose file is wrong nothing can be told: its own mistakes are shown already.
 */
export function saidBy(
  shelf: Pick<ProfileShelf, 'has' | 'variants'>,
  profileId: string,
): ReadonlySet<QuantityId> | undefined {
  if (!shelf.has(profileId)) return undefined
  const variants = shelf.variants(profileId)
  if (!variants) return new Set(quantityIds)
  const profiles = [...variants.values()]
  // What a camera says belongs to the zones of the site file, and not to its profile.
  const ofZones = profiles.some(({ codec }) => codec === 'rtsp') ? zoneQuantities : []
  return new Set([...profiles.flatMap(({ points }) => points.map(({ quantity }) => quantity)), ...ofZones])
}
