import { isDeepStrictEqual } from 'node:util'
import type { Box } from './config.ts'
import type { BoxFile } from './site-file.ts'

/** What came, went or became another one, by id. */
export interface Changed {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** What a changed box folder means for the box that runs. */
export interface BoxChanges {
  /** Keys of box.yaml. */
  readonly keys: readonly string[]
  readonly sites: Changed
  readonly devices: Changed
  readonly rules: Changed
  /** Its file is another one, or says something else. */
  readonly catalogue: boolean
}

export function boxChanges(before: Box, after: Box): BoxChanges {
  return {
    keys: changedKeys(before.file, after.file),
    sites: changed(sitesOf(before), sitesOf(after)),
    devices: changed(devicesOf(before), devicesOf(after)),
    rules: changed(rulesOf(before), rulesOf(after)),
    catalogue: !isDeepStrictEqual(before.catalogue, after.catalogue),
  }
}

/** What a running gateway takes over; everything else it was built on. */
const liveKeys: ReadonlySet<string> = new Set<keyof BoxFile>([
  'name',
  'limits',
  'catalogue',
  'packs',
  'brokers',
  'bridges',
  'pushes',
  'filingRate',
])

/** The keys of box.yaml whose changes want a restart: `id`, `listen/mqtt`. */
export function restartKeys(before: BoxFile, after: BoxFile): readonly string[] {
  return changedKeys(before, after)
    .filter((key) => !liveKeys.has(key))
    .flatMap((key) =>
      key === 'listen' ? changedKeys(before.listen, after.listen).map((name) => `listen/${name}`) : [key],
    )
}

function changedKeys(before: object, after: object): readonly string[] {
  const old = new Map(Object.entries(before))
  const next = new Map(Object.entries(after))
  const keys = [...new Set([...old.keys(), ...next.keys()])]
  return keys.filter((key) => !isDeepStrictEqual(old.get(key), next.get(key)))
}

function changed(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Changed {
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    changed: [...after.keys()].filter(
      (id) => before.has(id) && !isDeepStrictEqual(before.get(id), after.get(id)),
    ),
  }
}

const sitesOf = ({ sites }: Box): ReadonlyMap<string, unknown> =>
  new Map(sites.map(({ id, file }) => [id, file]))

const devicesOf = ({ sites, devices }: Box): ReadonlyMap<string, unknown> =>
  new Map(
    sites.flatMap((site) =>
      site.file.devices.map((entry) => [entry.id, [site.id, entry, devices.get(entry.id)?.profile.hash]]),
    ),
  )

const rulesOf = ({ rules }: Box): ReadonlyMap<string, unknown> =>
  new Map(rules.map(({ id, pack, hash }) => [id, [pack, hash]]))
