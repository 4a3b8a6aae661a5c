import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Static, TSchema } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import { GanglionError } from '../base/errors.ts'
import { checker, nearest } from '../base/schema.ts'
import { ConfigError, readYamlWithMistakes, type Mistake, type YamlFile } from '../base/yaml.ts'
import { silentAfterOf } from './availability.ts'
import { mqttMistakes } from './broker-check.ts'
import { readCatalogue, type Catalogue } from './catalogue.ts'
import { siteCalendar, type Calendar } from './calendar.ts'
import { SITE_PART, type Device } from './device.ts'
import { doorMistakes, toDoor } from './door-entry.ts'
import { issuerComplaints } from './door/issuer.ts'
import { exemptionMistakes, toExemptions, type Exemptions } from './exemption.ts'
import { enabledCommands } from './enabled-commands.ts'
import { alwaysOpen, openingHours, type OpeningHours } from './opening-hours.ts'
import { doubleRules, readPack, siteSettingMistakes, type LoadedRule } from './pack.ts'
import type { ConnectorPlug, TransportPlug } from './ports.ts'
import { chooseVariant, OWN_PROFILES, ProfileShelf } from './profile-shelf.ts'
import type { Profile } from './profile.ts'
import { pushComplaints } from './push.ts'
import type { RuleKinds } from './rule-kinds.ts'
import { BoxFile, SiteFile, type DeviceEntry } from './site-file.ts'
import { saidBy } from './said-by.ts'
import { siteHoldingMistakes } from './site-holding.ts'
import { fileOn, idsOn, OWN_CATALOGUES, OWN_PACKS, shelfMistakes, type Shelves } from './yaml-shelf.ts'

/** Where the shipped data lies and which plugs there are. */
export interface Rooms {
  readonly profiles: string
  readonly packs: string
  /** Packs that are tried: each file in place of the pack of that name, or as one more of the box. */
  readonly triedPacks?: ReadonlyMap<string, string>
  readonly catalogues: string
  readonly kinds: RuleKinds
  readonly transports: ReadonlyMap<string, Pick<TransportPlug, 'address' | 'orders'>>
  readonly connectors: ReadonlyMap<string, Pick<ConnectorPlug, 'settings'>>
  /** The names of what decodes MQTT payloads. */
  readonly codecs: ReadonlySet<string>
  /** Whose HTTP pushes are understood. */
  readonly pushForms: ReadonlyMap<string, { readonly settings: TSchema }>
}

/** 场所, as the path knows it. */
export interface Site {
  readonly id: string
  readonly file: SiteFile
  readonly hours: OpeningHours
  readonly calendar: Calendar
  readonly exemptions: Exemptions
  readonly devices: readonly Device[]
}

/** A box folder that was read whole and found right. */
export interface Box {
  readonly folder: string
  readonly id: string
  readonly file: BoxFile
  readonly sites: readonly Site[]
  readonly devices: ReadonlyMap<string, Device>
  readonly rules: readonly LoadedRule[]
  readonly catalogue: Catalogue
  /** SHA-256 over the YAML files: two processes can tell whether they mean the same box. */
  readonly hash: string
}

/**
 * Reads `box.yaml`, every `<siteId>.yaml` beside it and all that they name. Opens no socket.
 * @throws ConfigError with every mistake of every file.
 */
export async function loadBox(folder: string, rooms: Rooms): Promise<Box> {
  const reading = new Reading(folder, rooms)
  const box = await reading.box()
  if (!box || reading.mistakes.length > 0) throw new ConfigError(reading.mistakes)
  return box
}

const ownFolders = [OWN_PROFILES, OWN_PACKS, OWN_CATALOGUES] as const

/**
 * SHA-256 over name and content of the folder's YAML files and then its own profiles, packs and catalogue, each in the
 * order of their names.
 */
export function configHash(folder: string): string {
  const hash = createHash('sha256')
  const own = ownFolders
    .filter((name) => isFolder(join(folder, name)))
    .flatMap((name) => yamlFilesIn(join(folder, name)).map((file) => `${name}/${file}`))
  for (const name of [...yamlFilesIn(folder), ...own])
    hash
      .update(`${name}\n`)
      .update(readFileSync(join(folder, name)))
      .update('\n')
  return hash.digest('hex')
}

function yamlFilesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && !isFolder(join(folder, name)))
    .sort()
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/** One run over a box folder; it gathers mistakes instead of stopping at the first. */
class Reading {
  readonly mistakes: Mistake[] = []
  readonly #folder: string
  readonly #rooms: Rooms
  readonly #profiles: ProfileShelf
  readonly #packs: Shelves
  readonly #catalogues: Shelves

  constructor(folder: string, rooms: Rooms) {
    this.#folder = folder
    this.#rooms = rooms
    this.#profiles = new ProfileShelf(rooms.profiles, folder, (mistakes) => this.mistakes.push(...mistakes))
    this.#packs = { shipped: rooms.packs, boxFolder: folder, own: OWN_PACKS }
    this.#catalogues = { shipped: rooms.catalogues, boxFolder: folder, own: OWN_CATALOGUES }
    for (const shelves of [this.#packs, this.#catalogues]) this.mistakes.push(...shelfMistakes(shelves))
  }

  async box(): Promise<Box | undefined> {
    if (!existsSync(join(this.#folder, 'box.yaml'))) {
      throw new GanglionError('config-missing', `${this.#folder} holds no box.yaml`, {
        hint: 'A box is a folder with box.yaml and one <siteId>.yaml a site; sites/demo is an example.',
      })
    }
    const box = this.#read('box.yaml', BoxFile)
    const siteFiles = yamlFilesIn(this.#folder)
      .filter((name) => name !== 'box.yaml')
      .map((name) => this.#read(name, SiteFile))
      .filter((site) => site !== undefined)
    const catalogue = box && this.#try(() => this.#catalogue(box))
    const rules = box && (await this.#rules(box, catalogue))
    if (box) this.#checkConnectors(box)
    for (const { path, text } of box ? pushComplaints(box.value, this.#rooms.pushForms) : [])
      if (box) this.mistakes.push(box.mistake(path, text))
    for (const { path, text } of issuerComplaints(box?.value.doorAccess))
      if (box) this.mistakes.push(box.mistake(path, text))
    this.#checkNames()
    const sites = siteFiles.map((site) => this.#site(site, box, rules))
    const devices = this.#byId(siteFiles, sites)
    if (box) this.#checkBridges(box, siteFiles)
    if (box) this.mistakes.push(...mqttMistakes(box, siteFiles, this.#rooms.codecs))
    if (!box || !catalogue || !rules) return undefined
    return {
      folder: this.#folder,
      id: box.value.id,
      file: box.value,
      sites,
      devices,
      rules,
      catalogue,
      hash: configHash(this.#folder),
    }
  }

  #catalogue(box: YamlFile<BoxFile>): Catalogue {
    const id = box.value.catalogue
    const found = fileOn(this.#catalogues, id)
    if (found) return readCatalogue(found.file, found.isOwn ? found.name : id)
    throw new ConfigError([box.mistake('/catalogue', unknown('catalogue', id, idsOn(this.#catalogues)))])
  }

  /** Undefined when a pack is missing: what sites say of its rules cannot be judged then. */
  async #rules(
    box: YamlFile<BoxFile>,
    catalogue: Catalogue | undefined,
  ): Promise<readonly LoadedRule[] | undefined> {
    const rules: LoadedRule[] = []
    let isWhole = true
    const tried = this.#rooms.triedPacks ?? new Map<string, string>()
    for (const [index, pack] of [...new Set([...box.value.packs, ...tried.keys()])].entries()) {
      const trial = tried.get(pack)
      const found =
        trial === undefined ? fileOn(this.#packs, pack) : { file: trial, name: relative('.', trial) }
      if (!found) {
        this.mistakes.push(box.mistake(`/packs/${index}`, unknown('pack', pack, idsOn(this.#packs))))
        isWhole = false
        continue
      }
      try {
        rules.push(
          ...(await readPack(
            pack,
            found.file,
            { kinds: this.#rooms.kinds, catalogue, saidBy: (id) => saidBy(this.#profiles, id) },
            found.name,
          )),
        )
      } catch (error) {
        this.#gather(error)
        isWhole = false
      }
    }
    for (const text of doubleRules(rules)) this.mistakes.push(box.mistake('/packs', text))
    return isWhole ? rules : undefined
  }

  #checkConnectors(box: YamlFile<BoxFile>): void {
    const { connectors } = box.value
    connectors.forEach((connector, index) => {
      const { id, kind } = connector
      if (connectors.findIndex((other) => other.id === id) < index) {
        this.mistakes.push(
          box.mistake(`/connectors/${index}/id`, `another connector has the id "${id}" already`),
        )
      }
      const settings = ownSettings(connector)
      const plug = this.#rooms.connectors.get(kind)
      if (!plug) {
        this.mistakes.push(
          box.mistake(`/connectors/${index}/kind`, unknown('kind', kind, [...this.#rooms.connectors.keys()])),
        )
        return
      }
      const checked = checker(plug.settings)(settings)
      if (checked.ok) return
      for (const { path, text } of checked.complaints)
        this.mistakes.push(box.mistake(`/connectors/${index}${path}`, text))
    })
  }

  /** A site that is left out in silence would be missed on the day of the fire. */
  #checkNames(): void {
    for (const below of ['', ...ownFolders.map((name) => `${name}/`)]) {
      const folder = join(this.#folder, below)
      if (!isFolder(folder)) continue
      for (const name of readdirSync(folder).filter((other) => other.endsWith('.yml'))) {
        const text = `wanted a name that ends in .yaml: "${name.slice(0, -'.yml'.length)}.yaml"`
        this.mistakes.push({ file: `${below}${name}`, line: 1, path: '', text })
      }
    }
  }

  /** Devices and bridges are accounts of the same wires. */
  #checkBridges(box: YamlFile<BoxFile>, sites: readonly YamlFile<SiteFile>[]): void {
    const bridges = box.value.bridges ?? []
    bridges.forEach(({ id }, index) => {
      const site = sites.find(({ value }) => value.devices.some((device) => device.id === id))
      const isTwice = bridges.findIndex((other) => other.id === id) < index
      if (!site && !isTwice) return
      const text = `the id "${id}" is that of ${site ? `a device in ${site.file}` : 'another bridge'} already`
      this.mistakes.push(box.mistake(`/bridges/${index}/id`, text))
    })
  }

  #site(
    site: YamlFile<SiteFile>,
    box: YamlFile<BoxFile> | undefined,
    rules: readonly LoadedRule[] | undefined,
  ): Site {
    const id = site.file.replace(/\.yaml$/, '')
    const { value: file } = site
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) {
      this.mistakes.push(
        site.mistake('', `the file's name is the site's id: lower-case letters, digits and -; got "${id}"`),
      )
    }
    if (rules) this.mistakes.push(...siteSettingMistakes(site, rules), ...siteHoldingMistakes(site, rules))
    if (rules) this.mistakes.push(...exemptionMistakes(site, rules))
    this.mistakes.push(...doorMistakes(site))
    let hours = alwaysOpen
    let timeZone = file.timeZone ?? 'Asia/Shanghai'
    try {
      const stated = openingHours(file.hours ?? '00:00-24:00', timeZone)
      if (file.hours !== undefined) hours = stated
    } catch {
      timeZone = 'UTC' // what follows is not used then
      this.mistakes.push(
        site.mistake(
          '/timeZone',
          `unknown time zone; wanted an IANA name such as Asia/Shanghai; got "${file.timeZone ?? ''}"`,
        ),
      )
    }
    const devices = file.devices.map((entry, index) => this.#device(id, site, box, entry, index))
    return {
      id,
      file,
      hours,
      calendar: siteCalendar({ ...file, timeZone, hours }),
      exemptions: toExemptions(file.exemptions ?? [], timeZone),
      devices: devices.filter((device) => device !== undefined),
    }
  }

  #device(
    siteId: string,
    site: YamlFile<SiteFile>,
    box: YamlFile<BoxFile> | undefined,
    entry: DeviceEntry,
    index: number,
  ): Device | undefined {
    const path = `/devices/${index}`
    const profile = this.#profile(site, path, entry)
    const [transport = '', settings = {}] = Object.entries(entry.via)[0] ?? []
    const plug = this.#rooms.transports.get(transport)
    if (!plug) {
      this.mistakes.push(
        site.mistake(
          `${path}/via/${transport}`,
          unknown('transport', transport, [...this.#rooms.transports.keys()]),
        ),
      )
      return undefined
    }
    const checked = checker(plug.address)(settings)
    if (!checked.ok) {
      for (const { path: below, text } of checked.complaints) {
        this.mistakes.push(site.mistake(`${path}/via/${transport}${below}`, text))
      }
    }
    const bridge = settings['account']
    const bridges = box?.value.bridges ?? []
    if (box && typeof bridge === 'string' && !bridges.some(({ id }) => id === bridge)) {
      this.mistakes.push(
        site.mistake(
          `${path}/via/${transport}/account`,
          unknown(
            'bridge',
            bridge,
            bridges.map(({ id }) => id),
          ),
        ),
      )
    }
    const push = settings['push']
    const pushes = (box?.value.pushes ?? []).map(({ id }) => id)
    if (box && transport === 'http-push' && typeof push === 'string' && !pushes.includes(push))
      this.mistakes.push(site.mistake(`${path}/via/${transport}/push`, unknown('push', push, pushes)))
    this.#checkSign(site, entry, path)
    this.#checkParts(site, entry, path)
    if (!profile) return undefined
    const timeZone = site.value.timeZone ?? 'Asia/Shanghai'
    const { commands, complaints } = enabledCommands(entry, profile, { plug, transport, timeZone })
    for (const { path: below, text } of complaints) this.mistakes.push(site.mistake(`${path}${below}`, text))
    const zones = entry.zones ?? []
    return {
      id: entry.id,
      siteId,
      profile,
      address: { transport, settings },
      part: entry.part ?? entry.id,
      silentAfter:
        entry.silentAfter === undefined
          ? silentAfterOf(profile, settings['every'])
          : parseDuration(entry.silentAfter),
      zones,
      drillOnly: entry.drill === true || (transport === 'rtsp' && !isAnnounced(entry)),
      commands,
      ...(entry.feeds !== undefined && { feeds: entry.feeds }),
      ...(entry.door && { door: toDoor(entry.door) }),
    }
  }

  #checkSign(site: YamlFile<SiteFile>, entry: DeviceEntry, path: string): void {
    if (entry.signPhoto !== undefined && !existsSync(join(this.#folder, entry.signPhoto))) {
      this.mistakes.push(
        site.mistake(`${path}/signPhoto`, `the box folder holds no file "${entry.signPhoto}"`),
      )
    }
  }

  /** A rule `per: site` has its cases at the place of this name. */
  #checkParts(site: YamlFile<SiteFile>, entry: DeviceEntry, path: string): void {
    const names = [
      ['/id', entry.id],
      ['/part', entry.part],
      ...(entry.zones ?? []).map(({ id }, index) => [`/zones/${index}/id`, id]),
    ]
    for (const [below, name] of names) {
      if (name !== SITE_PART) continue
      const text = `"${SITE_PART}" stands for the whole site; give the part a name of its own`
      this.mistakes.push(site.mistake(`${path}${below}`, text))
    }
  }

  #profile(site: YamlFile<SiteFile>, path: string, entry: DeviceEntry): Profile | undefined {
    if (!this.#profiles.has(entry.profile)) {
      const text = unknown('profile', entry.profile, this.#profiles.ids)
      this.mistakes.push(site.mistake(`${path}/profile`, text))
      return undefined
    }
    const variants = this.#profiles.variants(entry.profile)
    const chosen = variants && chooseVariant(variants, entry)
    if (!chosen || 'points' in chosen) return chosen
    this.mistakes.push(site.mistake(`${path}/${chosen.key}`, chosen.text))
    return undefined
  }

  /** Ids of devices are unique in a box: they are topics and accounts. */
  #byId(files: readonly YamlFile<SiteFile>[], sites: readonly Site[]): ReadonlyMap<string, Device> {
    const siteOf = new Map<string, string>()
    for (const site of files) {
      site.value.devices.forEach(({ id }, index) => {
        const other = siteOf.get(id)
        if (other !== undefined) {
          this.mistakes.push(
            site.mistake(
              `/devices/${index}/id`,
              `the device "${id}" stands in ${other} already; ids are unique in a box`,
            ),
          )
        }
        siteOf.set(id, site.file)
      })
    }
    return new Map(sites.flatMap(({ devices }) => devices.map((device) => [device.id, device])))
  }

  /** Wrong keys are noted and left out, so that one run finds what is wrong with the others too. */
  #read<S extends TSchema>(name: string, schema: S): YamlFile<Static<S>> | undefined {
    const judged = this.#try(() => readYamlWithMistakes(join(this.#folder, name), schema, name))
    this.mistakes.push(...(judged?.mistakes ?? []))
    return judged?.yaml
  }

  #try<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      this.#gather(error)
      return undefined
    }
  }

  #gather(error: unknown): void {
    if (!(error instanceof ConfigError)) throw error
    this.mistakes.push(...error.mistakes)
  }
}

/** PIPL art. 26: purpose, controller and a sign make a camera's case a real one. */
function isAnnounced({ purpose, controller, signPhoto }: DeviceEntry): boolean {
  return purpose !== undefined && controller !== undefined && signPhoto !== undefined
}

function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  return `unknown ${what} "${word}"${meant ? `; did you mean "${meant}"?` : `; known are ${known.join(', ')}`}`
}

/** What of a connector's entry its own file judges. */
export function ownSettings(connector: BoxFile['connectors'][number]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(connector).filter(([key]) => key !== 'id' && key !== 'kind'))
}
