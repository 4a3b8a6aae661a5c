import { instant, type Clock, type Instant } from '../base/clock.ts'
import type { Case } from './case.ts'
import type { Draft } from './draft.ts'
import {
  isTooLow,
  limitsOf,
  outcomeOf,
  rateOf,
  type Decision,
  type FilingLimits,
  type FilingRate,
  type Limits,
} from './filing-rate.ts'
import type { RuleModes } from './rule-modes.ts'
import type { StageMove } from './stage.ts'
import type { Reader } from './store/store.ts'

export interface FilingContext {
  readonly clock: Pick<Clock, 'now'>
  readonly reader: Reader
  readonly limits: FilingLimits
  readonly modes: RuleModes
}

/** 立案台账: what the platform made of the real cases of each rule at each site. */
export class FilingLedger {
  #limits: Limits
  readonly #context: FilingContext
  /** By rule and site, then by the case's key: the platform may think again. */
  readonly #decisions = new Map<string, Map<string, Decision>>()

  constructor(context: FilingContext) {
    this.#context = context
    this.#limits = limitsOf(context.limits)
    const since = context.clock.now() - this.#limits.within
    const rows = context.reader.prepare('SELECT * FROM filing WHERE at > ?').all(since) as FilingRow[] // the columns named there
    for (const { site_id: siteId, raised_at, at, ...row } of rows) {
      const decision = { ...row, siteId, raisedAt: instant(raised_at), at: instant(at) }
      this.#of(decision).set(decision.key, decision)
    }
  }

  get limits(): Limits {
    return this.#limits
  }

  /** Decisions that a shorter span has let go are not looked for again before the next start. */
  relimit(limits: FilingLimits): void {
    this.#limits = limitsOf(limits)
  }

  /** Notes what a move decides; the answer is the rate of the rule there when it has become too low. */
  moved(draft: Draft, moved: Case, move: StageMove): FilingRate | undefined {
    const outcome = moved.drill ? undefined : outcomeOf(moved.stage)
    if (outcome === undefined) return undefined
    const now = this.#context.clock.now()
    const decision: Decision = {
      key: moved.key,
      rule: moved.why.rule,
      siteId: moved.siteId,
      outcome,
      reason: outcome === 'refused' ? (move.reason ?? move.platformStage ?? null) : null,
      raisedAt: instant(Date.parse(moved.raisedAt)),
      at: now,
    }
    if (this.#of(decision).get(moved.key)?.outcome === outcome) return undefined
    this.#note(draft, decision)
    const rate = this.#rate(decision.rule, decision.siteId, now)
    return isTooLow(rate, this.limits) ? rate : undefined
  }

  /** Each rule at each site with a decision within the span. */
  rates(): readonly FilingRate[] {
    const now = this.#context.clock.now()
    return [...this.#decisions.values()].flatMap((byKey) => {
      const [first] = byKey.values()
      if (!first) return []
      const rate = this.#rate(first.rule, first.siteId, now)
      return rate.filed + rate.refused === 0 ? [] : [rate]
    })
  }

  #rate(rule: string, siteId: string, now: Instant): FilingRate {
    const decisions = this.#of({ rule, siteId }).values()
    const from = this.#context.modes.promotedAt(rule, siteId)
    return rateOf({ rule, siteId }, decisions, this.limits, now, from)
  }

  #note(draft: Draft, decision: Decision): void {
    const { key, rule, siteId, outcome, reason, raisedAt, at } = decision
    const own = this.#of(decision)
    for (const old of own.values()) if (old.at <= at - this.limits.within) own.delete(old.key)
    const before = own.get(key)
    own.set(key, decision)
    draft.add(['putFiling', key, rule, siteId, outcome, reason, raisedAt, at], () => {
      if (own.get(key) !== decision) return
      if (before) own.set(key, before)
      else own.delete(key)
    })
    draft.add(['pruneFiling', at - this.limits.within])
  }

  #of({ rule, siteId }: Pick<Decision, 'rule' | 'siteId'>): Map<string, Decision> {
    const id = `${rule}\n${siteId}`
    const known = this.#decisions.get(id)
    if (known) return known
    const made = new Map<string, Decision>()
    this.#decisions.set(id, made)
    return made
  }
}

interface FilingRow {
  readonly key: string
  readonly rule: string
  readonly site_id: string
  readonly outcome: Decision['outcome']
  readonly reason: string | null
  readonly raised_at: number
  readonly at: number
}
