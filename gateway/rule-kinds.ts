import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { QuantityId } from './quantity.ts'
import type { AnyRuleKind } from './rule.ts'

/** The kinds of rules that packs may name. */
export interface RuleKinds {
  readonly known: readonly string[]
  /** Only for a name that is `known`. */
  load(kind: string): Promise<AnyRuleKind>
  /** The kind, judged only while a condition holds. */
  whileHolds(kind: AnyRuleKind, condition: string): Promise<WhileKind>
}

/** 前提: a kind with a condition before it. Settings may set the condition's named limits. */
export interface WhileKind {
  readonly kind: AnyRuleKind
  /** What the condition asks for, beside what the kind wants. */
  wants(settings: unknown): readonly QuantityId[]
  /** What is wrong with the condition. */
  complaints(settings: unknown): readonly string[]
}

/**
 * Kinds as the files of a folder: the file name is the kind's name, its default export the kind. What puts a condition
 * before a kind lies beside the folder.
 */
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
    async whileHolds(kind, condition) {
      const file = pathToFileURL(join(folder, '..', 'while.ts')).href
      const module = (await import(file)) as {
        readonly default: (kind: AnyRuleKind, condition: string) => WhileKind
      } // its only export
      return module.default(kind, condition)
    },
  }
}
