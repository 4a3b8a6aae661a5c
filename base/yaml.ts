import { readFileSync } from 'node:fs'
import type { Static, TSchema } from 'typebox'
import { LineCounter, parseDocument, type Document } from 'yaml'
import { GanglionError, codeOf } from './errors.ts'
import { checker, type Complaint } from './schema.ts'

/** One mistake in a file, in the form people can act on. */
export interface Mistake {
  readonly file: string
  readonly line: number
  readonly path: string
  readonly text: string
}

/** All mistakes of all files that were read, so that one run shows them all. */
export class ConfigError extends GanglionError {
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map((m) => `${m.file}:${m.line} ${m.path === '' ? '/' : m.path}: ${m.text}`)
    super('config-invalid', lines.join('\n'))
    this.mistakes = mistakes
  }
}

/** A file that was read and obeys its schema; `lineOf` finds the line of a path for later complaints. */
export interface YamlFile<T> {
  readonly file: string
  readonly value: T
  lineOf(path: string): number
  mistake(path: string, text: string): Mistake
}

/** Configuration is written by hand: a file beyond this is not one. */
const LARGEST_FILE = 4 * 1024 * 1024

/**
 * Reads one YAML file strictly: duplicate and unknown keys, aliases that explode and wrong types are mistakes.
 * @throws ConfigError with every mistake of the file; GanglionError `config-missing` when it is not there.
 */
export function readYaml<S extends TSchema>(file: string, schema: S, name = file): YamlFile<Static<S>> {
  return parseYaml(textOf(file, name), schema, name)
}

/**
 * As `readYaml`, without what stands below one key of the file: the parsed text of a hundred tests would stay in the
 * memory of a box that never runs them. Lines keep their numbers.
 */
export function readYamlWithout<S extends TSchema>(
  leftOut: string,
  file: string,
  schema: S,
  name = file,
): YamlFile<Static<S>> {
  let isLeftOut = false
  const lines = textOf(file, name)
    .split('\n')
    .map((line) => {
      if (/^[^\s#-]/.test(line)) isLeftOut = line.startsWith(`${leftOut}:`)
      return isLeftOut ? '' : line
    })
  return parseYaml(lines.join('\n'), schema, name)
}

/** As `readYaml`, from text. */
export function parseYaml<S extends TSchema>(text: string, schema: S, name: string): YamlFile<Static<S>> {
  const { yaml, mistakes } = judgeYaml(text, schema, name)
  if (!yaml || mistakes.length > 0) throw new ConfigError(mistakes)
  return yaml
}

/** What a file says and what is wrong with it. */
export interface JudgedYaml<T> {
  /** Without the keys that are wrong, so that the rest can be judged in the same run; undefined when too little is left. */
  readonly yaml: YamlFile<T> | undefined
  readonly mistakes: readonly Mistake[]
}

/**
 * As `readYaml` for those who go on looking for mistakes.
 * @throws ConfigError when it is no YAML; GanglionError `config-missing` when it is not there.
 */
export function readYamlWithMistakes<S extends TSchema>(
  file: string,
  schema: S,
  name = file,
): JudgedYaml<Static<S>> {
  return judgeYaml(textOf(file, name), schema, name)
}

function textOf(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new GanglionError('config-missing', `${name}: cannot be read (${codeOf(error)})`, {
      hint: 'Check the path and that this user may read it.',
      cause: error,
    })
  }
}

function judgeYaml<S extends TSchema>(text: string, schema: S, name: string): JudgedYaml<Static<S>> {
  if (text.length > LARGEST_FILE) {
    throw new ConfigError([{ file: name, line: 1, path: '', text: `larger than ${LARGEST_FILE} characters` }])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' })
  const wrong = [...document.errors, ...document.warnings]
  if (wrong.length > 0) {
    throw new ConfigError(
      wrong.map((error) => ({
        file: name,
        line: lines.linePos(error.pos[0]).line,
        path: '',
        text: error.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? 'is not YAML',
      })),
    )
  }
  const lineOf = (path: string): number => lineOfPath(document, lines, path)
  const mistake = (path: string, complaint: string): Mistake => ({
    file: name,
    line: lineOf(path),
    path,
    text: complaint,
  })
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new ConfigError([mistake('', error instanceof Error ? error.message : 'cannot be read')])
  }
  const check = checker(schema)
  const checked = check(value)
  const complaints = checked.ok ? [] : checked.complaints
  const rest = checked.ok ? checked : check(without(value, complaints))
  return {
    yaml: rest.ok ? { file: name, value: rest.value, lineOf, mistake } : undefined,
    mistakes: complaints.map((complaint) => mistake(complaint.path, complaint.text)),
  }
}

/** Takes out the keys that are complained of; entries of lists stay, since paths count them. */
function without(value: unknown, complaints: readonly Complaint[]): unknown {
  const rest: unknown = structuredClone(value)
  for (const { path } of complaints) {
    const keys = keysOf(path)
    const last = keys.pop()
    let at = rest
    for (const key of keys) {
      at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined // by the test before
    }
    if (last === undefined || typeof at !== 'object' || at === null || Array.isArray(at)) continue
    Reflect.deleteProperty(at, last)
  }
  return rest
}

/** The keys of a JSON pointer (RFC 6901). */
const keysOf = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))

/** The line of the deepest part of a JSON pointer that exists. */
function lineOfPath(document: Document, lines: LineCounter, path: string): number {
  const keys = keysOf(path)
  for (let depth = keys.length; depth > 0; depth--) {
    const wanted = keys.slice(0, depth)
    const last = wanted[wanted.length - 1] ?? ''
    const parent = depth === 1 ? document.contents : document.getIn(wanted.slice(0, -1), true)
    for (const item of itemsOf(parent)) {
      if (item.key === last && item.offset !== undefined) return lines.linePos(item.offset).line
    }
  }
  return 1
}

/** The entries of a YAML mapping or list with where they stand, whatever node class holds them. */
function itemsOf(node: unknown): { key: string; offset: number | undefined }[] {
  if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return []
  return node.items.map((item: unknown, index) => {
    const pair = item as { key?: { value?: unknown; range?: readonly number[] }; range?: readonly number[] }
    const { key } = pair
    return {
      key: key ? String(key.value) : String(index),
      offset: (key ? key.range : pair.range)?.[0],
    }
  })
}
