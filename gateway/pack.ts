import { Type, type Static } from 'typebox'
import { checker, nearest } from '../base/schema.ts'
import { ConfigError, readYaml, type Mistake, type YamlFile } from '../base/yaml.ts'
import type { Catalogue } from './catalogue.ts'
import type { QuantityId } from './quantity.ts'
import type { RuleKinds } from './rule-kinds.ts'
import type { AnyRuleKind, RuleText } from './rule.ts'
import { SiteFile } from './site-file.ts'
import { Bilingual, Id } from './words.ts'

const closed = { additionalProperties: false } as const

const RuleEntry = Type.Object(
  {
    version: Type.Integer({ minimum: 1, description: 'grows when the rule judges differently' }),
    kind: Id,
    /** A class of the catalogue. */
    class: Id,
    /** Only at sites of these kinds; everywhere by default. */
    siteKinds: Type.Optional(Type.Array(SiteFile.properties.kind, { minItems: 1, uniqueItems: true })),
    /** Take pictures of what is seen as proof. */
    pictures: Type.Optional(Type.Boolean()),
    /** Where the numbers come from: a standard and its clause, or "default". */
    source: Type.String({ minLength: 1, maxLength: 300 }),
    /** Obeys the kind's own schema; every number may be set per site. */
    settings: Type.Record(Type.String(), Type.Unknown()),
    title: Bilingual,
    why: Bilingual,
  },
  closed,
)
type RuleEntry = Static<typeof RuleEntry>

/** 规则包: the rules of one field of duty. The file name is its id. */
export const PackFile = Type.Object(
  { name: Bilingual, rules: Type.Record(Id, RuleEntry, { ...closed, minProperties: 1, maxProperties: 200 }) },
  { ...closed, $id: 'pack', title: 'A pack of rules: kinds, settings, case classes and texts' },
)
export type PackFile = Static<typeof PackFile>

/** A rule of a pack, ready to be given to the places of sites. */
export interface LoadedRule {
  /** Unique in a box: sites name it in `settings`. */
  readonly id: string
  readonly pack: string
  readonly version: number
  readonly kindId: string
  readonly kind: AnyRuleKind
  readonly classId: string
  readonly text: RuleText
  readonly pictures: boolean
  /** Empty: the rule is told whenever a device is heard. */
  readonly wants: readonly QuantityId[]
  appliesTo(siteKind: SiteFile['kind']): boolean
  /** The pack's settings with the numbers of a site in place; sound once `siteSettingMistakes` is empty. */
  settingsFor(site: Pick<SiteFile, 'settings'>): Readonly<Record<string, unknown>>
}

export interface PackContext {
  readonly kinds: RuleKinds
  /** Absent while the catalogue itself is wrong: then classes are not judged. */
  readonly catalogue: Catalogue | undefined
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
  const yaml = readYaml(file, PackFile, name)
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
    const kind = await kinds.load(entry.kind)
    const wrong = settingComplaints(kind, entry.settings)
    for (const { path, text } of wrong) complain(`/settings${path}`, text)
    for (const { path, text } of wordComplaints(kind, entry)) complain(path, text)
    if (wrong.length === 0) rules.push(toRule(id, ruleId, entry, kind))
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return rules
}

function toRule(pack: string, id: string, entry: RuleEntry, kind: AnyRuleKind): LoadedRule {
  const { version, kind: kindId, class: classId, siteKinds, pictures, settings, title, why } = entry
  return {
    id,
    pack,
    version,
    kindId,
    kind,
    classId,
    text: { title, why },
    pictures: pictures ?? false,
    wants: kind.wants(settings),
    appliesTo: (siteKind) => siteKinds?.includes(siteKind) ?? true,
    settingsFor: (site) => ({ ...settings, ...site.settings?.[id] }),
  }
}

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
    const fixed = fixedKeys.filter((key) => key in own)
    if (fixed.length > 0) {
      return fixed.map((key) =>
        site.mistake(`/settings/${id}/${key}`, `"${key}" is the rule's own; a site sets its numbers only`),
      )
    }
    return settingComplaints(rule.kind, rule.settingsFor(site.value)).map(({ path, text }) => {
      const isOwn = (path.split('/')[1] ?? '') in own
      return site.mistake(`/settings/${id}${isOwn ? path : ''}`, text)
    })
  })
}

/** What a rule looks at is the same at every site: texts and class were written for it. */
const fixedKeys = ['quantity', 'test'] as const

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
