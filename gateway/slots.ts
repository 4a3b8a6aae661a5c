import type { Instant } from '../base/clock.ts'
import { addTo, bindAsked } from './asked.ts'
import type { CaseClass } from './catalogue.ts'
import type { Box, Site } from './config.ts'
import { zoneQuantities } from './detection.ts'
import { placeOf, SITE_PART, type Device } from './device.ts'
import { saidOf } from './door-entry.ts'
import type { Sight } from './why.ts'
import type { LoadedRule } from './pack.ts'
import type { QuantityId } from './quantity.ts'
import { PlaceContext } from './place-context.ts'
import type { Seen, Step } from './rule.ts'

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
  /** What each camera last saw here, for `why`. */
  readonly sights: Map<string, Sight>
}

/** Which slots a device's messages go to. */
export interface DevicePlan {
  readonly device: Device
  readonly site: Site
  /** Told of every message. */
  readonly onHeard: readonly Slot[]
  /** By quantity, then by the reading's part. */
  readonly onReading: Map<QuantityId, Map<string, Slot[]>>
}

export interface Plans {
  readonly slots: readonly Slot[]
  readonly byDevice: ReadonlyMap<string, DevicePlan>
}

type BoundBox = Pick<Box, 'sites' | 'rules' | 'catalogue' | 'devices'>

/** Binds every rule of the box to every place that its devices can speak of. */
export function bindRules(box: BoundBox): Plans {
  const slots = new Map<string, Slot>()
  const byDevice = new Map<string, DevicePlan>()
  for (const site of box.sites) {
    const rules = box.rules.filter((rule) => rule.appliesTo(site.file.kind) && canSpeakAt(site, rule))
    for (const device of site.devices) {
      const onHeard: Slot[] = []
      const onReading: DevicePlan['onReading'] = new Map()
      for (const rule of rules) {
        if (!rule.watches(device.profile.id)) continue
        if (rule.wants.length === 0)
          onHeard.push(slotFor(slots, box, rule, site, device, ownPlace(device, '')))
        if (pointsOf(device, rule.needs, rule).length === 0) continue
        for (const { quantity, part } of pointsOf(device, rule.wants, rule)) {
          addTo(
            onReading,
            quantity,
            part,
            slotFor(slots, box, rule, site, device, judgedPlace(rule, device, part)),
          )
        }
      }
      byDevice.set(device.id, { device, site, onHeard, onReading })
    }
  }
  bindAsked([...slots.values()], {
    byDevice,
    sourcesOf: (device, quantity) => pointsOf(device, [quantity]).map(({ part }) => ({ device, part })),
    placeOf: (rule, { device, part }) =>
      rule.wants.length === 0 ? ownPlace(device, '') : judgedPlace(rule, device, part),
  })
  return { slots: [...slots.values()], byDevice }
}

/** Smoke and current and a person: where no camera is, nobody waits for the three of them. */
function canSpeakAt(site: Site, rule: LoadedRule): boolean {
  if (rule.per !== 'site' || rule.needsAll.length === 0) return true
  const said = new Set(
    site.devices
      .filter((device) => rule.watches(device.profile.id))
      .flatMap((device) => pointsOf(device, rule.wants, rule).map(({ quantity }) => quantity)),
  )
  return rule.needsAll.every((group) => group.some((quantity) => said.has(quantity)))
}

/** Whose memory and case it is. */
function judgedPlace({ per }: LoadedRule, device: Device, part: string): string {
  if (per === 'site') return `${device.siteId}/${SITE_PART}`
  return per === 'device' ? ownPlace(device, part) : placeOf(device, part)
}

const ownPlace = ({ siteId, id }: Device, part: string): string =>
  `${siteId}/${id}${part === '' ? '' : `/${part}`}`

function pointsOf(
  device: Device,
  wants: readonly QuantityId[],
  /** What is asked for by a rule comes only from zones that it judges. */
  rule?: LoadedRule,
): readonly { quantity: QuantityId; part: string }[] {
  const ofProfile = device.profile.points.filter(({ quantity }) => wants.includes(quantity))
  const ofZones = zoneQuantities
    .filter((quantity) => wants.includes(quantity))
    .flatMap((quantity) =>
      device.zones
        .filter((zone) => rule?.watchesZone(zone) ?? true)
        .map((zone) => ({ quantity, part: zone.id })),
    )
  const ofDoor = saidOf(device)
    .filter((quantity) => wants.includes(quantity))
    .map((quantity) => ({ quantity, part: '' }))
  const seen = new Map(
    [...ofProfile, ...ofZones, ...ofDoor].map(({ quantity, part }) => [
      `${quantity} ${part}`,
      { quantity, part },
    ]),
  )
  return [...seen.values()]
}

function slotFor(
  slots: Map<string, Slot>,
  box: BoundBox,
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
  const { silentAfter } = device
  const context = new PlaceContext({ site, all: box.devices, here: devices, silentAfter })
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
    sights: new Map(),
  }
  slots.set(id, slot)
  return slot
}

export const slotId = (rule: string, place: string): string => `${rule}\n${place}`
