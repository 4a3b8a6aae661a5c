import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyRuleKind } from './rule.ts'

/** The kinds of rules that packs may name. */
export interface RuleKinds {
  readonly known: readonly string[]
  /** Only for a name that is `known`. */
  load(kind: string): Promise<AnyRuleKind>
}

/** Kinds as the files of a folder: the file name is the kind's name, its default export the kind. */
export function ruleKindsIn(folder: string): RuleKinds {
  const known = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
  return {
    known,
    async load(kind) {
      const file = pathToFileURL(join(folder, `${kind}.ts`)).href
      const module = (await import(file)) as { readonly default: AnyRuleKind } // a suite walks the folder
      return module.default
    },
  }
}
