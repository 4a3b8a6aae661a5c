import type { Static, TSchema } from 'typebox'
import { Ajv, type ErrorObject } from 'ajv'

/** One thing that is wrong in a value: where (JSON pointer) and what was wanted. */
export interface Complaint {
  readonly path: string
  readonly text: string
}

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly complaints: readonly Complaint[] }

// Nothing is deleted, coerced or filled in on the way: what came is what is judged.
const ajv = new Ajv({
  removeAdditional: false,
  coerceTypes: false,
  useDefaults: false,
  allErrors: true,
  strict: false,
  verbose: true,
  validateFormats: false,
})

/** Compiles a TypeBox schema on first use; the answer checks values and says everything that is wrong at once. */
export function checker<S extends TSchema>(schema: S): (value: unknown) => Checked<Static<S>> {
  let validate: ReturnType<typeof ajv.compile> | undefined
  return (value) => {
    validate ??= ajv.compile(schema)
    if (validate(value)) return { ok: true, value: value as Static<S> } // checked by the line above
    return { ok: false, complaints: readable(validate.errors ?? []) }
  }
}

/** Unions report each branch that failed; the reader wants the deepest ones, once. */
function readable(errors: readonly ErrorObject[]): Complaint[] {
  const seen = new Map<string, Complaint>()
  const deepest = errors.reduce((most, { instancePath }) => Math.max(most, instancePath.length), 0)
  for (const error of errors) {
    const isBranch = error.keyword === 'anyOf' || error.keyword === 'oneOf' || error.keyword === 'if'
    if (isBranch && error.instancePath.length < deepest) continue
    const complaint = toComplaint(error)
    seen.set(`${complaint.path} ${complaint.text}`, complaint)
  }
  return [...seen.values()]
}

function toComplaint(error: ErrorObject): Complaint {
  const path = error.instancePath
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty'])
      return { path: `${path}/${escaped(key)}`, text: unknownKey(key, error.parentSchema ?? {}) }
    }
    case 'required':
      return { path, text: `"${String(params['missingProperty'])}" is missing` }
    case 'enum':
    case 'const': {
      const wanted =
        error.keyword === 'enum' ? (params['allowedValues'] as unknown[]) : [params['allowedValue']]
      const meant = nearest(String(error.data), wanted.map(String))
      return {
        path,
        text: `wanted one of ${wanted.join(', ')}; got ${shown(error.data)}${meant ? `; did you mean "${meant}"?` : ''}`,
      }
    }
    default:
      return { path, text: `${error.message ?? 'is wrong'}; got ${shown(error.data)}` }
  }
}

function unknownKey(key: string, schema: Readonly<Record<string, unknown>>): string {
  const known = Object.keys(schema['properties'] ?? {})
  const said = `unknown key ${shown(key)}`
  const [pattern] = Object.keys(schema['patternProperties'] ?? {})
  if (pattern !== undefined) return `${said}; wanted one that fits ${pattern}`
  // Nobody means a known word by a text this long, and the distance would take long to count.
  const meant = key.length <= 60 ? nearest(key, known) : undefined
  return `${said}${meant ? `; did you mean "${meant}"?` : `; known are ${known.join(', ')}`}`
}

/** A key as a part of a JSON pointer (RFC 6901). */
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

function shown(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) return 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** The known word that is at most two slips away, if any. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((other) => ({ other, slips: slips(word.toLowerCase(), other.toLowerCase()) }))
  ranked.sort((a, b) => a.slips - b.slips)
  const best = ranked[0]
  return best && best.slips <= Math.min(2, Math.ceil(word.length / 3)) ? best.other : undefined
}

/** Levenshtein distance, in which two letters that changed places are one slip. */
function slips(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const other = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Infinity
      next.push(Math.min(other, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
