import type { Device } from './device.ts'
import type { LoadedRule } from './pack.ts'
import type { QuantityId } from './quantity.ts'
import type { DevicePlan, Slot } from './slots.ts'

/** Something that a device of the site says. */
export interface Source {
  readonly device: Device
  readonly part: string
}

/** How places are bound: given by the one who binds them. */
export interface Binding {
  readonly byDevice: ReadonlyMap<string, DevicePlan>
  sourcesOf(device: Device, quantity: QuantityId): readonly Source[]
  /** Where a rule judges what a device says of a part. */
  placeOf(rule: LoadedRule, source: Source): string
}

/** What the `while` of rules asks for: of those who say it at the place, and where nobody does, of the whole site. */
export function bindAsked(slots: readonly Slot[], binding: Binding): void {
  const sources = onceEachKey((site: Slot['site'], quantity) =>
    site.devices.flatMap((device) => binding.sourcesOf(device, quantity)),
  )
  const byPlace = onceEachKey((slot: Slot, quantity) =>
    Map.groupBy(sources(slot.site, slot.site.id, quantity), (source) => binding.placeOf(slot.rule, source)),
  )
  for (const slot of slots) {
    const { rule, site, place } = slot
    for (const quantity of rule.asks) {
      const here = byPlace(slot, `${rule.id}\n${site.id}`, quantity).get(place)
      for (const { device, part } of here ?? sources(site, site.id, quantity)) {
        const plan = binding.byDevice.get(device.id)
        if (plan) addTo(plan.onReading, quantity, part, slot)
      }
    }
  }
}

/** A large site would be gone through for each of its places. */
function onceEachKey<From, T>(make: (from: From, quantity: QuantityId) => T) {
  const made = new Map<string, T>()
  return (from: From, key: string, quantity: QuantityId): T => {
    const id = `${quantity}\n${key}`
    const known = made.get(id)
    if (known !== undefined) return known
    const fresh = make(from, quantity)
    made.set(id, fresh)
    return fresh
  }
}

/** The slot hears of this quantity of this part from now on. */
export function addTo(
  onReading: DevicePlan['onReading'],
  quantity: QuantityId,
  part: string,
  slot: Slot,
): void {
  const byPart = onReading.get(quantity) ?? new Map<string, Slot[]>()
  onReading.set(quantity, byPart)
  const known = byPart.get(part)
  if (!known) byPart.set(part, [slot])
  else if (!known.includes(slot)) known.push(slot)
}
