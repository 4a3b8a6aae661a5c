import { parseDuration } from '../base/amount.ts'
import { nearest } from '../base/schema.ts'
import type { Mistake, YamlFile } from '../base/yaml.ts'
import { siteCalendar } from './calendar.ts'
import type { Catalogue } from './catalogue.ts'
import type { Box, Site } from './config.ts'
import type { Device } from './device.ts'
import { exemptionMistakes, toExemptions } from './exemption.ts'
import { alwaysOpen, openingHours, type OpeningHours } from './opening-hours.ts'
import { siteSettingMistakes, type LoadedRule, type PackFile } from './pack.ts'
import { stepKeys, type PackTest, type TestDevice } from './pack-test.ts'
import { chooseVariant, type ProfileShelf } from './profile-shelf.ts'
import { SITE_PART } from './device.ts'
import { zoneUses, type SiteFile, type Zone } from './site-file.ts'
import { siteHoldingMistakes } from './site-holding.ts'

/** The site of every test; what is expected names places below it. */
export const TEST_SITE = 'test'

export interface TestRoom {
  readonly rules: readonly LoadedRule[]
  readonly catalogue: Catalogue
  readonly profiles: Pick<ProfileShelf, 'has' | 'ids' | 'variants'>
}

/** A test of a pack and where it stands in it. */
export interface PlacedTest {
  readonly pack: YamlFile<PackFile>
  readonly test: PackTest
  /** `/tests/3` */
  readonly path: string
}

/** A box of one site for one test, or what is wrong with what the test says of it. */
export function testBox(
  placed: PlacedTest,
  room: TestRoom,
): { readonly box: Box; readonly mistakes: readonly Mistake[] } {
  const { pack, test, path } = placed
  const mistakes: Mistake[] = []
  const complain = (below: string, text: string): void => {
    mistakes.push(pack.mistake(path + below, text))
  }
  const known = room.rules.map(({ id }) => id)
  if (test.rule !== undefined && !known.includes(test.rule)) {
    complain('/rule', unknown('rule of this pack', test.rule, known))
  }
  const rules = room.rules.filter(({ id }) => id === (test.rule ?? id)).map(alwaysLive)
  const file = siteFileOf(test)
  const site: YamlFile<SiteFile> = {
    file: pack.file,
    value: file,
    lineOf: (below) => pack.lineOf(`${path}/site${below}`),
    mistake: (below, text) => pack.mistake(`${path}/site${below}`, text),
  }
  // Numbers of a rule that is not judged here may stand all the same.
  mistakes.push(
    ...siteSettingMistakes(site, room.rules),
    ...siteHoldingMistakes(site, room.rules),
    ...exemptionMistakes(site, room.rules),
  )
  const devices = Object.entries(test.devices).flatMap(([id, entry]) => {
    const device = deviceOf(id, entry, room, (text, below = '') => complain(`/devices/${id}${below}`, text))
    return device ? [device] : []
  })
  const one = { ...siteOf(file, (text) => complain('/site/timeZone', text)), devices }
  const box: Box = {
    folder: '',
    id: TEST_SITE,
    file: boxFile,
    sites: [one],
    devices: new Map(devices.map((device) => [device.id, device])),
    rules,
    catalogue: room.catalogue,
    hash: '',
  }
  return { box, mistakes }
}

/** A rule that its pack puts into shadow is tried as it would speak. */
const alwaysLive = (rule: LoadedRule): LoadedRule => ({ ...rule, holding: { ...rule.holding, mode: 'live' } })

const named = { zh: '测试', en: 'Test' } as const

const boxFile: Box['file'] = {
  id: TEST_SITE,
  name: named,
  listen: { api: '127.0.0.1:0' },
  catalogue: TEST_SITE,
  packs: [TEST_SITE],
  connectors: [],
}

const siteFileOf = ({ site }: PackTest): SiteFile => ({
  name: named,
  kind: 'ebike-shed',
  address: 'Test',
  gridCode: '00000000000000',
  position: { lng: 0, lat: 0, crs: 'WGS84' },
  trialDays: 0,
  ...site,
  devices: [],
})

function siteOf(file: SiteFile, complain: (text: string) => void): Omit<Site, 'devices'> {
  let hours: OpeningHours = alwaysOpen
  let timeZone = file.timeZone ?? 'Asia/Shanghai'
  try {
    const stated = openingHours(file.hours ?? '00:00-24:00', timeZone)
    if (file.hours !== undefined) hours = stated
  } catch {
    complain(`unknown time zone; wanted an IANA name such as Asia/Shanghai; got "${timeZone}"`)
    timeZone = 'UTC' // the test is not run then
  }
  return {
    id: TEST_SITE,
    file,
    hours,
    calendar: siteCalendar({ ...file, timeZone, hours }),
    exemptions: toExemptions(file.exemptions ?? [], timeZone),
  }
}

function deviceOf(
  id: string,
  entry: string | TestDevice,
  { profiles }: TestRoom,
  complain: (text: string, below?: string) => void,
): Device | undefined {
  const given: TestDevice = typeof entry === 'string' ? { profile: entry } : entry
  const { part = id, zones = [], silentAfter } = given
  const below = (key: string): string => (typeof entry === 'string' ? '' : `/${key}`)
  if (stepKeys.has(id)) complain(`a device in a test cannot be called "${id}": a step has a key of this name`)
  for (const name of new Set([id, part, ...zones])) {
    if (name === SITE_PART) complain(`"${SITE_PART}" stands for the whole site`)
  }
  if (!profiles.has(given.profile)) {
    complain(unknown('profile', given.profile, profiles.ids), below('profile'))
    return undefined
  }
  const variants = profiles.variants(given.profile)
  const chosen = variants && chooseVariant(variants, given)
  if (!chosen || 'key' in chosen) {
    complain(
      chosen ? chosen.text : `the profile "${given.profile}" is wrong itself`,
      below(chosen?.key ?? 'profile'),
    )
    return undefined
  }
  if (zones.length > 0 && chosen.codec !== 'rtsp') complain('only a camera has zones', '/zones')
  return {
    id,
    siteId: TEST_SITE,
    profile: chosen,
    address: { transport: TEST_SITE, settings: {} },
    part,
    silentAfter: silentAfter === undefined ? chosen.silentAfter : parseDuration(silentAfter),
    zones: zones.map(wholePicture),
    drillOnly: given.drill === true,
  }
}

/** A zone that is called what it is for is for that. */
const wholePicture = (id: string): Zone => ({
  id,
  ...zoneUses.filter((use) => use === id).map((use) => ({ use }))[0],
  name: named,
  polygon: [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ],
})

export function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  return `unknown ${what} "${word}"${meant === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${meant}"?`}`
}
