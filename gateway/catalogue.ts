import { Type, type Static } from 'typebox'
import { ConfigError, readYaml, type YamlFile } from '../base/yaml.ts'
import { Severity } from './case.ts'
import { Bilingual, Id, Span } from './words.ts'

const closed = { additionalProperties: false } as const

const Source = Type.String({
  minLength: 1,
  maxLength: 300,
  description: 'where the number or wording comes from: a standard and its clause, or "default"',
})

const ClassEntry = Type.Object(
  {
    code: Type.String({
      pattern: '^([0-9]{4}|[0-9]{10}|[A-Z][A-Z0-9-]{1,38})$',
      description: '大类+小类 such as "0504" (in quotes), or the own code of the city where there is none',
    }),
    local: Type.Optional(Type.Boolean({ description: 'true: no national number exists for it' })),
    name: Bilingual,
    /** What the same thing is called elsewhere. */
    aliases: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { maxItems: 10 })),
    severity: Severity,
    /** 立案标准: when it is a case at all. */
    filing: Bilingual,
    /** 结案标准: when it counts as dealt with. */
    closing: Bilingual,
    /** 处置时限 */
    timeLimit: Type.Optional(
      Type.Object(
        {
          span: Span,
          calendar: Type.Enum(['always', 'working'] as const, { description: '紧急时限 or 工作时' }),
        },
        closed,
      ),
    ),
    source: Source,
  },
  closed,
)

/** 事项清单: the case classes of one city. The file name is its id. */
export const CatalogueFile = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    name: Bilingual,
    classes: Type.Record(Id, ClassEntry, { ...closed, minProperties: 1, maxProperties: 1000 }),
  },
  { ...closed, $id: 'catalogue', title: 'Case classes with codes, severity, time limits, closing standard' },
)
export type CatalogueFile = Static<typeof CatalogueFile>

/** 案件类别: one class of cases, as a city names and numbers it. */
export interface CaseClass extends Omit<Static<typeof ClassEntry>, 'local' | 'aliases'> {
  readonly id: string
  readonly local: boolean
  readonly aliases: readonly string[]
  /** Goes first on every wire, is never withdrawn by the box and is stored on the reserve of a full disk. */
  readonly isLifeSafety: boolean
}

export interface Catalogue {
  readonly version: number
  readonly name: Bilingual
  readonly classes: ReadonlyMap<string, CaseClass>
}

/**
 * Reads a catalogue; `name` is what mistakes call the file.
 * @throws ConfigError with all mistakes; GanglionError `config-missing`.
 */
export function readCatalogue(file: string, name = file): Catalogue {
  const yaml = readYaml(file, CatalogueFile, name)
  requireOwnCodes(yaml)
  const { version, name: title, classes } = yaml.value
  const entries = Object.entries(classes).map(([id, entry]): [string, CaseClass] => [
    id,
    {
      ...entry,
      id,
      local: entry.local ?? false,
      aliases: entry.aliases ?? [],
      isLifeSafety: entry.severity === 'life-safety',
    },
  ])
  return { version, name: title, classes: new Map(entries) }
}

/** The platform knows a class by its code alone: two classes of one code could not be told apart there. */
function requireOwnCodes(yaml: YamlFile<CatalogueFile>): void {
  const mistakes = []
  const firstOf = new Map<string, string>()
  for (const [id, { code, local }] of Object.entries(yaml.value.classes)) {
    const path = `/classes/${id}/code`
    const first = firstOf.get(code)
    if (first === undefined) firstOf.set(code, id)
    else {
      const line = yaml.lineOf(`/classes/${first}/code`)
      mistakes.push(
        yaml.mistake(path, `code "${code}" is that of "${first}" in line ${line} already; codes are unique`),
      )
    }
    if (/^[A-Z]/.test(code) !== (local ?? false)) {
      mistakes.push(yaml.mistake(path, `"local: true" and a code of letters belong together; got "${code}"`))
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
}
