import { restraintsOf, type Restraints } from './holding-settings.ts'
import type { Site } from './config.ts'
import type { LoadedRule } from './pack.ts'
import type { Slot } from './slots.ts'

/** One rule at one site: what holds it back there is the same at all its places. */
export interface HoldingLine {
  readonly rule: LoadedRule
  readonly site: Site
  readonly slots: readonly Slot[]
  readonly restraints: Restraints
  /** While a case of one of these classes stands at the site, it raises nothing. */
  readonly silencedBy: readonly string[]
  /** When one of its breaches is to be looked at. */
  dueAt: number
}

/** In the order of the slots, so that a restart looks at them as before. */
export function holdingLines(rules: readonly LoadedRule[], slots: readonly Slot[]): readonly HoldingLine[] {
  const bySite = Map.groupBy(slots, ({ site }) => site)
  return [...bySite].flatMap(([site, there]) =>
    [...Map.groupBy(there, ({ rule }) => rule)].map(([rule, own]): HoldingLine => ({
      rule,
      site,
      slots: own,
      restraints: restraintsOf(
        rule.holding,
        site.file.holding?.[rule.id],
        site.file.timeZone ?? 'Asia/Shanghai',
      ),
      silencedBy: silencersOf(rule, site, rules),
      dueAt: Infinity,
    })),
  )
}

function silencersOf(rule: LoadedRule, site: Site, rules: readonly LoadedRule[]): readonly string[] {
  if (rule.isLifeSafety) return []
  const silencers = rules.filter(
    (other) => other.appliesTo(site.file.kind) && other.holding.inhibits?.includes(rule.classId) === true,
  )
  return [...new Set(silencers.map(({ classId }) => classId))]
}
