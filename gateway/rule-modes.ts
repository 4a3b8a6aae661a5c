import type { Instant } from '../base/clock.ts'
import type { Site } from './config.ts'
import type { Draft } from './draft.ts'
import type { LoadedRule } from './pack.ts'
import type { Reader } from './store/store.ts'

export type RuleMode = 'live' | 'shadow'

/** Who made a rule live or put it into shadow, and why. */
export interface ModeDecision {
  readonly rule: string
  /** Empty: at every site of the box. */
  readonly siteId: string
  readonly mode: RuleMode
  /** The version that was looked at. */
  readonly version: number
  readonly by: string
  readonly at: Instant
  readonly reason: string
}

/** How a rule runs at a site, and who said so; nobody: its files do. */
export interface ModeThere {
  readonly mode: RuleMode
  readonly decision: ModeDecision | undefined
}

/**
 * Which rules are live and which in shadow. The newest decision counts; without one the site file's `shadow` and the
 * pack's `mode`. Whoever promotes a rule has looked at one version: a later one that its pack puts into shadow stays
 * there. What was put into shadow stays there whatever its version.
 */
export class RuleModes {
  readonly #byRule = new Map<string, readonly ModeDecision[]>()
  #seq: number

  constructor(reader: Reader) {
    const rows = reader.prepare('SELECT * FROM rule_modes ORDER BY seq').all() as ModeRow[] // the columns named there
    for (const { decided_by: by, site_id: siteId, ...row } of rows) this.#keep({ ...row, siteId, by })
    this.#seq = rows.at(-1)?.seq ?? 0
  }

  at(rule: LoadedRule, site: Site): ModeThere {
    if (rule.isLifeSafety) return { mode: 'live', decision: undefined }
    const decision = this.#newest(rule.id, site.id)
    if (decision?.mode === 'shadow') return { mode: 'shadow', decision }
    if (decision?.version === rule.version) return { mode: 'live', decision }
    const isShadow = rule.holding.mode === 'shadow' || site.file.shadow?.includes(rule.id) === true
    return { mode: isShadow ? 'shadow' : 'live', decision: undefined }
  }

  /** When the rule was last made live by a person: what was before counts no longer. */
  promotedAt(rule: string, siteId: string): Instant | undefined {
    const all = this.#byRule.get(rule) ?? []
    return all.findLast((one) => one.mode === 'live' && isFor(one, siteId))?.at
  }

  decide(draft: Draft, decision: ModeDecision): void {
    const { rule, siteId, mode, version, by, at, reason } = decision
    this.#keep(decision)
    draft.add(['putRuleMode', ++this.#seq, rule, siteId, mode, version, by, at, reason], () => {
      const left = (this.#byRule.get(rule) ?? []).filter((other) => other !== decision)
      this.#byRule.set(rule, left)
    })
  }

  #keep(decision: ModeDecision): void {
    this.#byRule.set(decision.rule, [...(this.#byRule.get(decision.rule) ?? []), decision])
  }

  #newest(rule: string, siteId: string): ModeDecision | undefined {
    return this.#byRule.get(rule)?.findLast((one) => isFor(one, siteId))
  }
}

interface ModeRow extends Omit<ModeDecision, 'siteId' | 'by'> {
  readonly seq: number
  readonly site_id: string
  readonly decided_by: string
}

const isFor = (decision: ModeDecision, siteId: string): boolean =>
  decision.siteId === '' || decision.siteId === siteId

/** One rule at one site, for people: those in shadow, and those that somebody decided on. */
export interface ModeAt extends ModeThere {
  readonly rule: string
  readonly siteId: string
}

export function modesOf(
  { rules, sites }: { readonly rules: readonly LoadedRule[]; readonly sites: readonly Site[] },
  modes: RuleModes,
): readonly ModeAt[] {
  return sites.flatMap((site) =>
    rules
      .filter((rule) => rule.appliesTo(site.file.kind))
      .map((rule): ModeAt => ({ rule: rule.id, siteId: site.id, ...modes.at(rule, site) }))
      .filter(({ mode, decision }) => mode === 'shadow' || decision !== undefined),
  )
}
