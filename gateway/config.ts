import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Static, TSchema } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import { GanglionError } from '../base/errors.ts'
import { checker, nearest } from '../base/schema.ts'
import { ConfigError, readYaml, readYamlWithMistakes, type Mistake, type YamlFile } from '../base/yaml.ts'
import { readCatalogue, type Catalogue } from './catalogue.ts'
import type { Device } from './device.ts'
import { alwaysOpen, openingHours, type OpeningHours } from './opening-hours.ts'
import { doubleRules, readPack, siteSettingMistakes, type LoadedRule } from './pack.ts'
import type { ConnectorPlug, TransportPlug } from './ports.ts'
import { compileProfile, ProfileFile, type Profile } from './profile.ts'
import type { RuleKinds } from './rule-kinds.ts'
import { BoxFile, SiteFile, type DeviceEntry } from './site-file.ts'

/** Where the shipped data lies and which plugs there are. */
export interface Rooms {
  readonly profiles: string
  readonly packs: string
  readonly catalogues: string
  readonly kinds: RuleKinds
  readonly transports: ReadonlyMap<string, Pick<TransportPlug, 'address'>>
  readonly connectors: ReadonlyMap<string, Pick<ConnectorPlug, 'settings'>>
}

/** 场所, as the path knows it. */
export interface Site {
  readonly id: string
  readonly file: SiteFile
  readonly hours: OpeningHours
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

/** SHA-256 over name and content of the folder's YAML files, in the order of their names. */
export function configHash(folder: string): string {
  const hash = createHash('sha256')
  for (const name of yamlFilesIn(folder))
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
  readonly #profiles = new Map<string, Profile | undefined>()

  constructor(folder: string, rooms: Rooms) {
    this.#folder = folder
    this.#rooms = rooms
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
    const catalogue =
      box && this.#try(() => readCatalogue(this.#shipped('catalogue', box), box.value.catalogue))
    const rules = box && (await this.#rules(box, catalogue))
    if (box) this.#checkConnectors(box)
    this.#checkNames()
    const sites = siteFiles.map((site) => this.#site(site, box, rules))
    const devices = this.#byId(siteFiles, sites)
    if (box) this.#checkBridges(box, siteFiles)
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

  #shipped(key: 'catalogue', box: YamlFile<BoxFile>): string {
    const name = box.value[key]
    const file = join(this.#rooms.catalogues, `${name}.yaml`)
    if (!existsSync(file))
      throw new ConfigError([box.mistake(`/${key}`, unknown(key, name, idsIn(this.#rooms.catalogues)))])
    return file
  }

  /** Undefined when a pack is missing: what sites say of its rules cannot be judged then. */
  async #rules(
    box: YamlFile<BoxFile>,
    catalogue: Catalogue | undefined,
  ): Promise<readonly LoadedRule[] | undefined> {
    const rules: LoadedRule[] = []
    let isWhole = true
    for (const [index, pack] of box.value.packs.entries()) {
      const file = join(this.#rooms.packs, `${pack}.yaml`)
      if (!existsSync(file)) {
        this.mistakes.push(box.mistake(`/packs/${index}`, unknown('pack', pack, idsIn(this.#rooms.packs))))
        isWhole = false
        continue
      }
      try {
        rules.push(
          ...(await readPack(pack, file, { kinds: this.#rooms.kinds, catalogue }, relative('.', file))),
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
    for (const name of readdirSync(this.#folder).filter((other) => other.endsWith('.yml'))) {
      const text = `wanted a name that ends in .yaml: "${name.slice(0, -'.yml'.length)}.yaml"`
      this.mistakes.push({ file: name, line: 1, path: '', text })
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
    if (rules) this.mistakes.push(...siteSettingMistakes(site, rules))
    let hours = alwaysOpen
    try {
      const stated = openingHours(file.hours ?? '00:00-24:00', file.timeZone ?? 'Asia/Shanghai')
      if (file.hours !== undefined) hours = stated
    } catch {
      this.mistakes.push(
        site.mistake(
          '/timeZone',
          `unknown time zone; wanted an IANA name such as Asia/Shanghai; got "${file.timeZone ?? ''}"`,
        ),
      )
    }
    const devices = file.devices.map((entry, index) => this.#device(id, site, box, entry, index))
    return { id, file, hours, devices: devices.filter((device) => device !== undefined) }
  }

  #device(
    siteId: string,
    site: YamlFile<SiteFile>,
    box: YamlFile<BoxFile> | undefined,
    entry: DeviceEntry,
    index: number,
  ): Device | undefined {
    const path = `/devices/${index}`
    const profile = this.#profile(entry.profile, () =>
      site.mistake(`${path}/profile`, unknown('profile', entry.profile, idsIn(this.#rooms.profiles))),
    )
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
    this.#checkSign(site, entry, path)
    if (!profile) return undefined
    const zones = entry.zones ?? []
    return {
      id: entry.id,
      siteId,
      profile,
      address: { transport, settings },
      part: entry.part ?? entry.id,
      silentAfter: entry.silentAfter === undefined ? profile.silentAfter : parseDuration(entry.silentAfter),
      zones,
      drillOnly: entry.drill === true || (transport === 'rtsp' && !isAnnounced(entry)),
    }
  }

  #checkSign(site: YamlFile<SiteFile>, entry: DeviceEntry, path: string): void {
    if (entry.signPhoto !== undefined && !existsSync(join(this.#folder, entry.signPhoto))) {
      this.mistakes.push(
        site.mistake(`${path}/signPhoto`, `the box folder holds no file "${entry.signPhoto}"`),
      )
    }
  }

  #profile(id: string, missing: () => Mistake): Profile | undefined {
    const file = join(this.#rooms.profiles, `${id}.yaml`)
    if (!existsSync(file)) {
      this.mistakes.push(missing())
      return undefined
    }
    if (!this.#profiles.has(id))
      this.#profiles.set(
        id,
        this.#try(() => readProfile(id, file)),
      )
    return this.#profiles.get(id)
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

/** @throws ConfigError */
export function readProfile(id: string, file: string): Profile {
  const yaml = readYaml(file, ProfileFile, relative('.', file))
  const { profile, complaints } = compileProfile(id, yaml.value)
  if (complaints.length > 0)
    throw new ConfigError(complaints.map(({ path, text }) => yaml.mistake(path, text)))
  return profile
}

/** PIPL art. 26: purpose, controller and a sign make a camera's case a real one. */
function isAnnounced({ purpose, controller, signPhoto }: DeviceEntry): boolean {
  return purpose !== undefined && controller !== undefined && signPhoto !== undefined
}

function idsIn(folder: string): readonly string[] {
  return yamlFilesIn(folder).map((name) => name.slice(0, -'.yaml'.length))
}

function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  return `unknown ${what} "${word}"${meant ? `; did you mean "${meant}"?` : `; known are ${known.join(', ')}`}`
}

/** What of a connector's entry its own file judges. */
export function ownSettings(connector: BoxFile['connectors'][number]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(connector).filter(([key]) => key !== 'id' && key !== 'kind'))
}
