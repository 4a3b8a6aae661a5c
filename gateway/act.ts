import { Type, type Static } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import { commandKindIds, effectOf, mayAsk, type CommandKind } from './command-kind.ts'
import { SITE_PART, type Device } from './device.ts'
import type { Raise } from './rule.ts'
import type { Slot } from './slots.ts'
import { Span } from './words.ts'

const closed = { additionalProperties: false } as const

const forRules = commandKindIds.filter((kind) => mayAsk[effectOf(kind)].includes('rule'))
const atTheSpot = commandKindIds.filter((kind) => effectOf(kind) === 'signals')

const At = Type.Enum(['same', 'place', 'site'] as const, {
  description:
    'same: the device and part that the breach is about; place: every device of that part of the site; site: every device of the site. Of these, all for which the site enables it',
})

/** 本地反射: what a rule asks for when its raise is stored. Where the site enables none of it nothing is asked. */
export const Acts = Type.Array(Type.Object({ command: Type.Enum(forRules), at: Type.Optional(At) }, closed), {
  minItems: 1,
  maxItems: 10,
})
export type Acts = Static<typeof Acts>

/** 劝导: asked at the spot first; the case is raised when the breach still stands after these steps. */
export const Persuade = Type.Object(
  {
    command: Type.Enum(atTheSpot),
    at: Type.Optional({ ...At, default: 'place' }),
    times: Type.Integer({ minimum: 1, maximum: 5 }),
    wait: { ...Span, description: 'after each time: 60 s' },
  },
  closed,
)
export type Persuade = Static<typeof Persuade>

/** The keys of a rule in a pack that ask something of devices. */
export const actKeys = { act: Type.Optional(Acts), persuade: Type.Optional(Persuade) }

const SHORTEST_WAIT_MS = 5000
const LONGEST_WAIT_MS = 3_600_000

/** What is wrong with them beyond their schema. */
export function actComplaints(
  { persuade }: { readonly persuade?: Persuade },
  classId: string,
  isLifeSafety: boolean,
): readonly { readonly path: string; readonly text: string }[] {
  if (!persuade) return []
  if (isLifeSafety) {
    const text = `class "${classId}" is life-safety: its cases wait for nobody; remove "persuade"`
    return [{ path: '/persuade', text }]
  }
  const wait = parseDuration(persuade.wait)
  if (wait >= SHORTEST_WAIT_MS && wait <= LONGEST_WAIT_MS) return []
  return [{ path: '/persuade/wait', text: `wanted 5 s to 1 h; got "${persuade.wait}"` }]
}

export interface Target {
  readonly device: Device
  readonly part: string
}

/** Which devices and parts are meant, of those for which the site enables the command. */
export function targetsOf(
  { command, at }: { readonly command: CommandKind; readonly at: 'same' | 'place' | 'site' },
  slot: Slot,
  raise: Raise,
): readonly Target[] {
  if (at === 'same') return ofBreach(command, slot, raise)
  return slot.site.devices
    .filter((device) => at === 'site' || isAt(device, slot))
    .flatMap((device) => {
      const parts = partsForRules(device, command)
      return (parts.includes('') ? [''] : parts).map((part) => ({ device, part }))
    })
}

function ofBreach(command: CommandKind, slot: Slot, { readings }: Raise): readonly Target[] {
  const targets = new Map<string, Target>()
  for (const { deviceId, reading } of readings) {
    const device = slot.site.devices.find(({ id }) => id === deviceId)
    const parts = device ? partsForRules(device, command) : []
    const part = [reading.part, ''].find((one) => parts.includes(one))
    if (device && part !== undefined) targets.set(`${deviceId} ${part}`, { device, part })
  }
  return [...targets.values()]
}

/** None where the site lets no rule ask for it. */
function partsForRules(device: Device, command: CommandKind): readonly string[] {
  const enabled = device.commands?.get(command)
  return enabled && enabled.by?.includes('rule') !== false ? enabled.parts : []
}

/** The ports of a station are parts of its part. */
function isAt(device: Device, { place, site }: Slot): boolean {
  const own = `${site.id}/${device.part}`
  return place === own || place.startsWith(`${own}/`) || place === `${site.id}/${SITE_PART}`
}
