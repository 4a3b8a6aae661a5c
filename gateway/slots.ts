import type { Instant } from '../base/clock.ts'
import type { CaseClass } from './catalogue.ts'
import type { Box, Site } from './config.ts'
import { placeOf, type Device } from './device.ts'
import type { Sight } from './why.ts'
import type { LoadedRule } from './pack.ts'
import type { QuantityId } from './quantity.ts'
import type { RuleContext, Seen, Step } from './rule.ts'

/** A rule at one place: its memory and its step. */
export interface Slot {
  readonly rule: LoadedRule
  readonly class: CaseClass
  readonly site: Site
  readonly place: string
  /** The devices that watch the place, by id. */
  readonly devices: Map<string, Device>
  readonly step: (state: unknown, seen: Seen, now: Instant) => Step<unknown>
  state: unknown
  /** What a camera last saw here, for `why`. */
  sight: Sight | undefined
}

/** Which slots a device's messages go to. */
export interface DevicePlan {
  readonly device: Device
  readonly site: Site
  /** Told of every message. */
  readonly onHeard: readonly Slot[]
  /** By quantity, then by the reading's part. */
  readonly onReading: ReadonlyMap<QuantityId, ReadonlyMap<string, readonly Slot[]>>
}

export interface Plans {
  readonly slots: readonly Slot[]
  readonly byDevice: ReadonlyMap<string, DevicePlan>
}

/** A camera's zones say these, whatever its profile holds. */
const zoneQuantities: readonly QuantityId[] = ['vehicleInZone', 'personInZone']

/** Binds every rule of the box to every place that its devices can speak of. */
export function bindRules(box: Box): Plans {
  const slots = new Map<string, Slot>()
  const byDevice = new Map<string, DevicePlan>()
  for (const site of box.sites) {
    for (const device of site.devices) {
      const onHeard: Slot[] = []
      const onReading = new Map<QuantityId, Map<string, Slot[]>>()
      for (const rule of box.rules) {
        if (!rule.appliesTo(site.file.kind)) continue
        if (rule.wants.length === 0)
          onHeard.push(slotFor(slots, box, rule, site, device, `${site.id}/${device.id}`))
        for (const { quantity, part } of wantedPoints(device, rule)) {
          const byPart = onReading.get(quantity) ?? new Map<string, Slot[]>()
          onReading.set(quantity, byPart)
          const slot = slotFor(slots, box, rule, site, device, placeOf(device, part))
          byPart.set(part, [...(byPart.get(part) ?? []), slot])
        }
      }
      byDevice.set(device.id, { device, site, onHeard, onReading })
    }
  }
  return { slots: [...slots.values()], byDevice }
}

function wantedPoints(device: Device, rule: LoadedRule): readonly { quantity: QuantityId; part: string }[] {
  const ofProfile = device.profile.points.filter(({ quantity }) => rule.wants.includes(quantity))
  const ofZones = zoneQuantities
    .filter((quantity) => rule.wants.includes(quantity))
    .flatMap((quantity) => device.zones.map((zone) => ({ quantity, part: zone.id })))
  const seen = new Map(
    [...ofProfile, ...ofZones].map(({ quantity, part }) => [`${quantity} ${part}`, { quantity, part }]),
  )
  return [...seen.values()]
}

function slotFor(
  slots: Map<string, Slot>,
  box: Box,
  rule: LoadedRule,
  site: Site,
  device: Device,
  place: string,
): Slot {
  const id = slotId(rule.id, place)
  const known = slots.get(id)
  if (known) {
    known.devices.set(device.id, device)
    return known
  }
  const devices = new Map([[device.id, device]])
  const context: RuleContext = {
    silentAfter: device.silentAfter,
    isHere: (deviceId) => devices.has(deviceId),
    isOpen: (at) => site.hours.isOpen(at),
    nextOpeningChange: (at) => site.hours.nextChange(at),
  }
  const cls = box.catalogue.classes.get(rule.classId)
  if (!cls) throw new Error(`class ${rule.classId} is in no catalogue`) // packs are checked against it when loaded
  const slot: Slot = {
    rule,
    class: cls,
    site,
    place,
    devices,
    step: rule.kind.ready(rule.settingsFor(site.file), context),
    state: rule.kind.start,
    sight: undefined,
  }
  slots.set(id, slot)
  return slot
}

export const slotId = (rule: string, place: string): string => `${rule}\n${place}`
