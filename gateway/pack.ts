import { createHash } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { checker, nearest } from '../base/schema.ts'
import { ConfigError, readYamlWithout, type Mistake, type YamlFile } from '../base/yaml.ts'
import { actComplaints, actKeys, type Acts, type Persuade } from './act.ts'
import type { Catalogue } from './catalogue.ts'
import { holdingComplaints, holdingKeys, type RuleHolding } from './holding-settings.ts'
import { PackTests } from './pack-test.ts'
import type { QuantityId } from './quantity.ts'
import type { RuleKinds, WhileKind } from './rule-kinds.ts'
import type { AnyRuleKind, RuleText } from './rule.ts'
import { SiteFile, ZoneUse, type Zone } from './site-file.ts'
import { Bilingual, Id } from './words.ts'

const closed = { additionalProperties: false } as const

const RuleEntry = Type.Object(
  {
    version: Type.Integer({ minimum: 1, description: 'grows when the rule judges differently' }),
    kind: Id,
    /** A class of the catalogue. */
    class: Id,
    per: Type.Optional(
      Type.Enum(['device', 'place', 'site'] as const, {
        description:
          'whose breach it is: a device, a place (by default: all devices of one part judge it together) or the whole site',
      }),
    ),
    /** Only at sites of these kinds; everywhere by default. */
    siteKinds: Type.Optional(Type.Array(SiteFile.properties.kind, { minItems: 1, uniqueItems: true })),
    zoneUse: Type.Optional(
      Type.Array(ZoneUse, { minItems: 1, uniqueItems: true, description: 'only zones that are for this' }),
    ),
    profiles: Type.Optional(
      Type.Array(Id, { minItems: 1, uniqueItems: true, description: 'only devices of these profiles' }),
    ),
    while: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        description:
          "judged only while this CEL condition holds over the newest readings of the place (or of the site, where the place says nothing of it): portState == 'charging'. Ceases to hold: what stands is cleared; unknown: nothing is judged",
      }),
    ),
    /** Take pictures of what is seen as proof. */
    pictures: Type.Optional(Type.Boolean()),
    /** Where the numbers come from: a standard and its clause, or "default". */
    source: Type.String({ minLength: 1, maxLength: 300 }),
    /** Obeys the kind's own schema; every number may be set per site. */
    settings: Type.Record(Type.String(), Type.Unknown()),
    ...holdingKeys,
    ...actKeys,
    title: Bilingual,
    why: Bilingual,
  },
  closed,
)
type RuleEntry = Static<typeof RuleEntry>

/** What a box reads of a pack. */
const PackRules = Type.Object(
  {
    name: Bilingual,
    rules: Type.Record(Id, RuleEntry, { ...closed, minProperties: 1, maxProperties: 200 }),
  },
  closed,
)

/** 规则包: the rules of one field of duty. The file name is its id. */
export const PackFile = Type.Object(
  { ...PackRules.properties, tests: Type.Optional(PackTests) },
  { ...closed, $id: 'pack', title: 'A pack of rules: kinds, settings, case classes and texts' },
)
export type PackFile = Static<typeof PackFile>

/** A rule of a pack, ready to be given to the places of sites. */
export interface LoadedRule {
  /** Unique in a box: sites name it in `settings`. */
  readonly id: string
  readonly pack: string
  readonly version: number
  /** SHA-256 of all that its pack says of it. */
  readonly hash: string
  /** Whose memory it has: its kind, and whether that has a condition before it. */
  readonly kindId: string
  readonly kind: AnyRuleKind
  readonly classId: string
  readonly text: RuleText
  readonly pictures: boolean
  /** What it asks of devices once its raise is stored. */
  readonly acts?: Acts
  /** What asks at the spot before it raises. */
  readonly persuade?: Persuade
  /** What holds its raises back, before a site's own. */
  readonly holding: RuleHolding
  /** Never held back. */
  readonly isLifeSafety: boolean
  /** What has a memory and a case of its own. A rule that is told of every message is each device's own. */
  readonly per: 'device' | 'place' | 'site'
  /** Empty: the rule is told whenever a device is heard. */
  readonly wants: readonly QuantityId[]
  /** A device that can say none of these is not looked at. */
  readonly needs: readonly QuantityId[]
  /** Of each of these a site has to be able to say one, where the rule is over the whole site. */
  readonly needsAll: readonly (readonly QuantityId[])[]
  /** What its `while` asks for. */
  readonly asks: readonly QuantityId[]
  appliesTo(siteKind: SiteFile['kind']): boolean
  /** Does it look at devices of this profile? */
  watches(profileId: string): boolean
  watchesZone(zone: Zone): boolean
  /** What is wrong with its `while`, with the limits of these settings. */
  whileComplaints(settings: unknown): readonly string[]
  /** The pack's settings with the numbers of a site in place; sound once `siteSettingMistakes` is empty. */
  settingsFor(site: Pick<SiteFile, 'settings'>): Readonly<Record<string, unknown>>
}

export interface PackContext {
  readonly kinds: RuleKinds
  /** Absent while the catalogue itself is wrong: then classes are not judged. */
  readonly catalogue: Catalogue | undefined
  /** What devices of a profile can say; undefined when there is no such profile. */
  readonly saidBy?: (profileId: string) => ReadonlySet<QuantityId> | undefined
}

/**
 * Reads the pack `id`; `name` is what mistakes call the file.
 * @throws ConfigError with all mistakes; GanglionError `config-missing`.
 */
export async function readPack(
  id: string,
  file: string,
  context: PackContext,
  name = file,
): Promise<readonly LoadedRule[]> {
  // Its tests are read by whoever runs them.
  const yaml = readYamlWithout('tests', file, PackRules, name)
  const rules: LoadedRule[] = []
  const mistakes: Mistake[] = []
  for (const [ruleId, entry] of Object.entries(yaml.value.rules)) {
    const complain = (path: string, text: string): void => {
      mistakes.push(yaml.mistake(`/rules/${ruleId}${path}`, text))
    }
    const { catalogue, kinds } = context
    if (catalogue && !catalogue.classes.has(entry.class)) {
      complain('/class', unknownWord('class', entry.class, [...catalogue.classes.keys()]))
    }
    if (!kinds.known.includes(entry.kind)) {
      complain('/kind', unknownWord('kind', entry.kind, kinds.known))
      continue
    }
    for (const { path, text } of catalogue ? holdingComplaints(entry, entry.class, catalogue) : []) {
      complain(path, text)
    }
    const plain = await kinds.load(entry.kind)
    const during = entry.while === undefined ? undefined : await kinds.whileHolds(plain, entry.while)
    const kind = during?.kind ?? plain
    const wrong = settingComplaints(kind, entry.settings)
    for (const { path, text } of wrong) complain(`/settings${path}`, text)
    for (const text of during?.complaints(entry.settings) ?? []) complain('/while', text)
    for (const { path, text } of wordComplaints(kind, entry)) complain(path, text)
    if (wrong.length === 0) {
      for (const { path, text } of profileComplaints(entry, kind.wants(entry.settings), context))
        complain(path, text)
    }
    const isSharing = (entry.per ?? 'device') !== 'device'
    if (isSharing && wrong.length === 0 && kind.wants(entry.settings).length === 0) {
      complain('/per', `told of every message of a device, it is each device's own; got "${entry.per}"`)
    }
    if (wrong.length === 0) {
      const isLifeSafety = catalogue?.classes.get(entry.class)?.isLifeSafety ?? false
      for (const { path, text } of actComplaints(entry, entry.class, isLifeSafety)) complain(path, text)
      const { act: acts, persuade } = entry
      const asks = { ...(acts && { acts }), ...(persuade && { persuade }) }
      rules.push({ ...toRule(id, ruleId, entry, kind, during), ...asks, holding: entry, isLifeSafety })
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return rules
}

function toRule(
  pack: string,
  id: string,
  entry: RuleEntry,
  kind: AnyRuleKind,
  during: WhileKind | undefined,
): Omit<LoadedRule, 'holding' | 'isLifeSafety'> {
  const { version, class: classId, siteKinds, pictures, settings, title, why } = entry
  const wants = kind.wants(settings)
  return {
    id,
    pack,
    version,
    hash: createHash('sha256').update(JSON.stringify(entry)).digest('hex'),
    kindId: during ? `${entry.kind} while` : entry.kind,
    kind,
    classId,
    text: { title, why },
    pictures: pictures ?? false,
    per: wants.length === 0 ? 'device' : (entry.per ?? 'place'),
    wants,
    needs: kind.needs?.(settings) ?? wants,
    needsAll: kind.needsAll?.(settings) ?? [],
    asks: during?.wants(settings) ?? [],
    appliesTo: (siteKind) => siteKinds?.includes(siteKind) ?? true,
    watches: (profileId) => entry.profiles?.includes(profileId) ?? true,
    watchesZone: ({ use }) => entry.zoneUse?.includes(use ?? 'no-parking') ?? true,
    whileComplaints: (own) => during?.complaints(own) ?? [],
    settingsFor: onceEachSite((site) => withOwn(settings, site.settings?.[id] ?? {})),
  }
}

type SettingsFor = LoadedRule['settingsFor']

/** The same object for all places of a site: what a kind makes of its settings is made once for all of them. */
function onceEachSite(settingsFor: SettingsFor): SettingsFor {
  const made = new WeakMap<object, ReturnType<SettingsFor>>()
  return (site) => {
    const known = made.get(site)
    if (known) return known
    const settings = settingsFor(site)
    made.set(site, settings)
    return settings
  }
}

/** A smoke alarm that is asked for its current would be asked in vain. */
function profileComplaints(
  { profiles = [] }: RuleEntry,
  wants: readonly QuantityId[],
  { saidBy }: PackContext,
): readonly Complaint[] {
  if (!saidBy) return []
  return profiles.flatMap((id, index) => {
    const path = `/profiles/${index}`
    const said = saidBy(id)
    if (!said) return [{ path, text: `there is no profile "${id}"` }]
    if (wants.length === 0 || wants.some((quantity) => said.has(quantity))) return []
    const all = [...said]
    const meant = wants.map((quantity) => nearest(quantity, all)).find((one) => one !== undefined)
    const hint = meant === undefined ? `it says ${all.join(', ')}` : `did you mean "${meant}"?`
    return [{ path, text: `devices of "${id}" never say ${wants.join(' or ')}; ${hint}` }]
  })
}

/** A site names what differs only, also within a part of the settings. */
function withOwn(
  settings: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const merged = Object.entries(own).map(([key, value]): [string, unknown] => {
    const below = Object.hasOwn(settings, key) ? settings[key] : undefined
    return [key, isPart(below) && isPart(value) ? withOwn(below, value) : value]
  })
  return { ...settings, ...Object.fromEntries(merged) }
}

const isPart = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Rules of several packs that share a name: a site could not say which one its numbers are for. */
export function doubleRules(rules: readonly LoadedRule[]): readonly string[] {
  const packOf = new Map<string, string>()
  const texts: string[] = []
  for (const { id, pack } of rules) {
    const first = packOf.get(id)
    if (first !== undefined) texts.push(`rule "${id}" stands in the packs "${first}" and "${pack}"`)
    else packOf.set(id, pack)
  }
  return texts
}

/** What is wrong in the `settings` of a site, judged together with the numbers of the pack that they leave as they are. */
export function siteSettingMistakes(
  site: YamlFile<SiteFile>,
  rules: readonly LoadedRule[],
): readonly Mistake[] {
  const ids = rules.map(({ id }) => id)
  return Object.entries(site.value.settings ?? {}).flatMap(([id, own]) => {
    const rule = rules.find((known) => known.id === id)
    if (!rule) return [site.mistake(`/settings/${id}`, unknownWord('rule', id, ids))]
    const fixed = fixedPaths(own)
    if (fixed.length > 0) {
      return fixed.map((path) => {
        const key = path.slice(path.lastIndexOf('/') + 1)
        return site.mistake(
          `/settings/${id}${path}`,
          `"${key}" is the rule's own; a site sets its numbers only`,
        )
      })
    }
    const settings = rule.settingsFor(site.value)
    const ofWhile = rule.whileComplaints(settings).map((text) => ({ path: '/limits', text }))
    return [...settingComplaints(rule.kind, settings), ...ofWhile].map(({ path, text }) => {
      const isOwn = (path.split('/')[1] ?? '') in own
      return site.mistake(`/settings/${id}${isOwn ? path : ''}`, text)
    })
  })
}

/** What a rule looks at is the same at every site: texts and class were written for it. */
const fixedKeys = ['quantity', 'test', 'when', 'clear', 'take'] as const

function fixedPaths(own: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(own).flatMap(([key, value]) => {
    if (fixedKeys.some((fixed) => fixed === key)) return [`/${key}`]
    return isPart(value) ? fixedPaths(value).map((path) => `/${key}${path}`) : []
  })
}

interface Complaint {
  readonly path: string
  readonly text: string
}

function settingComplaints(kind: AnyRuleKind, settings: unknown): readonly Complaint[] {
  const checked = checker(kind.settings)(settings)
  return checked.ok ? (kind.check?.(checked.value) ?? []) : checked.complaints
}

/** `{valeu}` would stand in a case as it is. */
function wordComplaints(kind: AnyRuleKind, { title, why }: RuleText): readonly Complaint[] {
  const texts = { '/title/zh': title.zh, '/title/en': title.en, '/why/zh': why.zh, '/why/en': why.en }
  return Object.entries(texts).flatMap(([path, text]) =>
    [...text.matchAll(/\{([^{}]*)\}/g)]
      .map((match) => match[1] ?? '')
      .filter((word) => !kind.words.includes(word))
      .map((word) => ({ path, text: unknownWord('word', word, kind.words) })),
  )
}

function unknownWord(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  return `unknown ${what} "${word}"${meant ? `; did you mean "${meant}"?` : `; known are ${known.join(', ')}`}`
}
