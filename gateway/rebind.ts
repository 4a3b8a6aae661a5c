import type { Box } from './config.ts'
import { bindRules, slotId, type DevicePlan, type Plans, type Slot } from './slots.ts'

/** What a changed box binds, beside what it bound before. */
export interface Rebound {
  readonly plans: Plans
  /** Rules at places where they were not before, and those that begin anew. */
  readonly fresh: readonly Slot[]
  /** Of these, those that became another kind, or whose cases are of another class. */
  readonly anew: readonly Slot[]
}

/**
 * Binds a changed box. A rule that stays of its kind and class at its place stays the same object, with its memory and
 * sights: whatever is under way (a commit that may be undone, a wake, a held breach) finds it as before.
 */
export function rebindRules(box: Box, before: Plans): Rebound {
  const bound = bindRules(box)
  const known = new Map(before.slots.map((slot) => [idOf(slot), slot]))
  const staying = new Map<Slot, Slot>()
  for (const slot of bound.slots) {
    const old = known.get(idOf(slot))
    if (old && isSame(old, slot)) staying.set(slot, old)
  }
  for (const [slot, old] of staying) takeOver(old, slot)
  const own = (slot: Slot): Slot => staying.get(slot) ?? slot
  const plans = {
    slots: bound.slots.map(own),
    byDevice: new Map([...bound.byDevice].map(([id, plan]) => [id, planOf(plan, own)])),
  }
  const fresh = bound.slots.filter((slot) => !staying.has(slot))
  return { plans, fresh, anew: fresh.filter((slot) => known.has(idOf(slot))) }
}

/** Another kind could not read the memory, and what stands in a case of another class is not its own. */
const isSame = (a: Slot, b: Slot): boolean => a.rule.kindId === b.rule.kindId && a.class.id === b.class.id

/** A slot changes here alone, all of it at once. */
type Changing = { -readonly [Key in keyof Slot]: Slot[Key] }

function takeOver(old: Changing, { rule, class: cls, site, devices, step }: Slot): void {
  Object.assign(old, { rule, class: cls, site, devices, step })
  for (const deviceId of old.sights.keys()) if (!devices.has(deviceId)) old.sights.delete(deviceId)
}

function planOf({ onHeard, onReading, ...plan }: DevicePlan, own: (slot: Slot) => Slot): DevicePlan {
  const byQuantity = [...onReading].map(([quantity, byPart]) => {
    const parts = [...byPart].map(([part, slots]) => [part, slots.map(own)] as const)
    return [quantity, new Map(parts)] as const
  })
  return { ...plan, onHeard: onHeard.map(own), onReading: new Map(byQuantity) }
}

const idOf = ({ rule, place }: Slot): string => slotId(rule.id, place)
