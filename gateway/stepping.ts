import { instant, type Clock, type Instant } from '../base/clock.ts'
import { staysOf } from './detection.ts'
import type { Observation } from './ports.ts'
import type { Reading } from './reading.ts'
import type { Raise, Seen, Step } from './rule.ts'
import type { DevicePlan, Slot } from './slots.ts'

/** The one way of showing a message to rules: the live path and the replay both go through here. */

/** Shows a message to each slot that asked for something of it, in the order in which the slots are bound. */
export function showMessage(
  plan: DevicePlan,
  readings: readonly Reading[],
  observation: Observation | undefined,
  show: (slot: Slot, seen: Seen) => void,
): void {
  const deviceId = plan.device.id
  for (const slot of plan.onHeard) show(slot, { kind: 'heard', deviceId })
  for (const { slot, indexes } of layoutOf(plan, readings).shown) {
    const shown = pick(readings, indexes)
    // A rule on bicycles is not shown who walks by.
    const stays = observation
      ? staysOf(observation.stays, new Set(shown.map(({ quantity }) => quantity)))
      : []
    if (observation) see(slot, { ...observation, stays }, shown)
    show(slot, { kind: 'readings', deviceId, readings: shown, stays })
  }
}

/** What the path knows of who was silent since when, in ticks of its clock. */
export interface KnownOfSilence {
  readonly startedTicks: number
  readonly heardTicks: (deviceId: string) => number | undefined
  /** It was asked again and again and did not answer. */
  readonly isUnanswered: (deviceId: string) => boolean
  readonly jumpedBy?: number
}

/**
 * What a slot is woken with. The gateway's own absence is not the device's silence, and neither is a wall clock that
 * jumps: silence is measured by ticks.
 */
export function wakeOf(slot: Slot, clock: Pick<Clock, 'now' | 'ticks'>, known: KnownOfSilence): Seen {
  const { startedTicks, heardTicks, isUnanswered, jumpedBy = 0 } = known
  const ids = [...slot.devices.keys()]
  const silentFor = clock.ticks() - Math.max(...ids.map((id) => heardTicks(id) ?? startedTicks))
  const ago = (span: number): Instant => instant(clock.now() - Math.round(span))
  return {
    kind: 'wake',
    lastHeard: ago(silentFor),
    startedAt: ago(clock.ticks() - startedTicks),
    ...(jumpedBy !== 0 && { jumpedBy }),
    ...(ids.every(isUnanswered) && { isUnanswered: true }),
  }
}

/** What a slot's rule says to what it is shown; a place that is watched by practising devices only has drills only. */
export function judge(slot: Slot, seen: Seen, now: Instant): Step<unknown> {
  const step = slot.step(slot.state, seen, now)
  if (!step.raise && !step.clear) return step
  if (![...slot.devices.values()].every((device) => device.drillOnly)) return step
  const raise: Raise | undefined = step.raise && { ...step.raise, drill: true }
  return {
    ...step,
    ...(raise && { raise }),
    ...(step.clear && { clear: { ...step.clear, drill: true } }),
  }
}

/** Who is shown which readings of a message, where its readings are of these points. */
interface Layout {
  readonly points: readonly Pick<Reading, 'quantity' | 'part'>[]
  readonly shown: readonly { readonly slot: Slot; readonly indexes: readonly number[] }[]
}

/** By plan, of its last message: most devices say the same points every time. */
const layouts = new WeakMap<DevicePlan['onReading'], Layout>()

function layoutOf({ onReading }: DevicePlan, readings: readonly Reading[]): Layout {
  const known = layouts.get(onReading)
  if (known && isOf(known.points, readings)) return known
  const bySlot = new Map<Slot, number[]>()
  readings.forEach(({ quantity, part }, index) => {
    for (const slot of onReading.get(quantity)?.get(part) ?? []) {
      const own = bySlot.get(slot)
      if (own) own.push(index)
      else bySlot.set(slot, [index])
    }
  })
  const layout = {
    points: readings.map(({ quantity, part }) => ({ quantity, part })),
    shown: [...bySlot].map(([slot, indexes]) => ({ slot, indexes })),
  }
  layouts.set(onReading, layout)
  return layout
}

function isOf(points: Layout['points'], readings: readonly Reading[]): boolean {
  if (points.length !== readings.length) return false
  for (let i = 0; i < points.length; i++) {
    const point = points[i]
    const reading = readings[i]
    if (point?.quantity !== reading?.quantity || point?.part !== reading?.part) return false
  }
  return true
}

function pick(readings: readonly Reading[], indexes: readonly number[]): readonly Reading[] {
  const picked: Reading[] = []
  for (const index of indexes) {
    const reading = readings[index]
    if (reading) picked.push(reading)
  }
  return picked
}

/** Kept while the zones are empty: what has just left is the proof of what it did. */
function see(
  slot: Slot,
  { deviceId, stays, model, thresholds }: Observation,
  shown: readonly Reading[],
): void {
  const zones = new Set(shown.map(({ part }) => part))
  const full = stays.filter(({ zone, tracks }) => zones.has(zone) && tracks.length > 0)
  if (full.length > 0) slot.sights.set(deviceId, { deviceId, stays: full, model, thresholds })
}
