import { Type, type Static } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import { nearest } from '../base/schema.ts'
import type { Mistake, YamlFile } from '../base/yaml.ts'
import type { Device } from './device.ts'
import type { QuantityId } from './quantity.ts'
import type { SiteFile } from './site-file.ts'
import { Id, Span } from './words.ts'

/** 门: what makes a device of a site file a door whose access this box decides and watches. */
export const DoorEntry = Type.Object(
  {
    readers: Type.Optional(
      Type.Array(Id, {
        maxItems: 8,
        uniqueItems: true,
        description:
          'devices of this site whose asks open it; a controller with a reader of its own names itself',
      }),
    ),
    part: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9-]{0,30}$',
        description: 'the part that open-door is given to, where the device has several: relay-3',
      }),
    ),
    leaving: Type.Enum(['wired-button', 'handle'] as const, {
      description:
        'how people get out without this box: a button that is wired to the lock itself, or a handle on the inside',
    }),
    lock: Type.Enum(['fail-safe', 'fail-secure'] as const, {
      description: 'fail-safe: open without power. fail-secure stays shut, so it wants a handle',
    }),
    expectedFor: Type.Optional({
      ...Span,
      description: 'so long after it was let open, opening is no force; default 5 s',
    }),
    heldAfter: Type.Optional({ ...Span, description: 'open for longer it is held open; default 30 s' }),
  },
  { additionalProperties: false },
)
export type DoorEntry = Static<typeof DoorEntry>

export interface Door {
  readonly readers: readonly string[]
  /** Empty for the device itself. */
  readonly part: string
  readonly leaving: DoorEntry['leaving']
  readonly lock: DoorEntry['lock']
  readonly expectedMs: Duration
  readonly heldAfterMs: Duration
}

export const toDoor = (entry: DoorEntry): Door => ({
  readers: entry.readers ?? [],
  part: entry.part ?? '',
  leaving: entry.leaving,
  lock: entry.lock,
  expectedMs: parseDuration(entry.expectedFor ?? '5 s'),
  heldAfterMs: parseDuration(entry.heldAfter ?? '30 s'),
})

/** What is wrong with the doors of a site. */
export function doorMistakes(site: YamlFile<SiteFile>): readonly Mistake[] {
  const mistakes: Mistake[] = []
  const { devices } = site.value
  const ids = devices.map(({ id }) => id)
  const taken = new Map<string, string>()
  devices.forEach(({ id, door, commands }, index) => {
    if (!door) return
    const complain = (path: string, text: string): void =>
      void mistakes.push(site.mistake(`/devices/${index}/door${path}`, text))
    if (door.leaving === 'wired-button' && door.lock === 'fail-secure')
      complain('/lock', 'a fail-secure lock stays shut without power: with a button alone nobody gets out')
    door.readers?.forEach((reader, at) => {
      if (!ids.includes(reader)) {
        const meant = nearest(reader, ids)
        complain(
          `/readers/${at}`,
          `no device of this site is "${reader}"${meant ? `; did you mean "${meant}"?` : ''}`,
        )
      }
      const other = taken.get(reader)
      if (other !== undefined) complain(`/readers/${at}`, `"${reader}" opens "${other}" already`)
      taken.set(reader, id)
    })
    if (!door.readers?.length) return
    const opens = commands?.['open-door']
    if (!opens) complain('', 'it has readers, but "commands:" of the device does not enable open-door')
    if (opens?.by?.includes('access') === false)
      complain('', '"by" of open-door leaves out "access", so no credential could open it')
  })
  return mistakes
}

/** What the box itself says of a door, beside what the device says. */
export function saidOf(device: Device): readonly QuantityId[] {
  const { door, profile } = device
  if (!door) return []
  const has = (quantity: QuantityId): boolean =>
    profile.points.some((point) => point.quantity === quantity && point.part === '')
  const own: readonly QuantityId[] = [
    ...(door.readers.length > 0 ? (['accessGranted', 'accessRefused', 'accessReason'] as const) : []),
    ...(has('doorOpen') ? (['doorHeldOpen'] as const) : []),
    // Who leaves by a button that it cannot see would be called a burglar.
    ...(has('doorOpen') && has('exitButton') ? (['doorForced'] as const) : []),
  ]
  return own.filter((quantity) => !has(quantity))
}
