import { later, type Instant } from '../base/clock.ts'
import type { Restraints } from './holding-settings.ts'

/** What can hold a raise back. The first two end when a person says so, inhibition with the case that silences. */
export const holders = [
  'shadow',
  'trial',
  'exemption',
  'inhibition',
  'quiet-hours',
  'cool-down',
  'quota',
] as const
export type HeldBy = (typeof holders)[number]

export interface Hold {
  readonly by: HeldBy
  /** When to look again; absent where something else will tell. */
  readonly until?: Instant
}

/** The cases of one rule at one site since a period of its quota began. */
export interface QuotaPeriod {
  readonly beganAt: Instant
  readonly cases: number
}

/** All that a raise is judged by. */
export interface HoldFacts {
  readonly now: Instant
  readonly isLifeSafety: boolean
  readonly isShadow: boolean
  readonly isTrial: boolean
  /** The site has permitted it until then. */
  readonly exemptUntil: Instant | undefined
  /** A case stands at the site whose rule silences this class. */
  readonly isInhibited: boolean
  readonly restraints: Restraints
  /** When the last breach of this rule at this place ended, or its case was closed. */
  readonly endedAt: Instant | undefined
  readonly quota: QuotaPeriod | undefined
  /** The raise would be a further revision of an ongoing case, which costs no quota. */
  readonly joinsCase: boolean
}

/** What holds the raise back now; undefined: it may become a case. Life-safety is never held. */
export function whatHolds(facts: HoldFacts): Hold | undefined {
  const { now, restraints, endedAt } = facts
  if (facts.isLifeSafety) return undefined
  if (facts.isShadow) return { by: 'shadow' }
  if (facts.isTrial) return { by: 'trial' }
  if (facts.exemptUntil !== undefined) return { by: 'exemption', until: facts.exemptUntil }
  if (facts.isInhibited) return { by: 'inhibition' }
  const { quiet, coolDown } = restraints
  if (quiet?.isOpen(now) === true) return withUntil('quiet-hours', quiet.nextChange(now))
  // A clock that was set back makes no cool-down longer.
  if (endedAt !== undefined && endedAt <= now && now < endedAt + coolDown) {
    return { by: 'cool-down', until: later(endedAt, coolDown) }
  }
  if (facts.joinsCase) return undefined
  const period = restraints.quota && currentPeriod(facts.quota, restraints.quota.per, now)
  if (!restraints.quota || !period || period.cases < restraints.quota.cases) return undefined
  return { by: 'quota', until: later(period.beganAt, restraints.quota.per) }
}

/** Undefined when it is over: the next one begins with the next case. */
export function currentPeriod(
  period: QuotaPeriod | undefined,
  per: number,
  now: Instant,
): QuotaPeriod | undefined {
  return period && period.beganAt <= now && now < period.beganAt + per ? period : undefined
}

const withUntil = (by: HeldBy, until: Instant | undefined): Hold =>
  until === undefined ? { by } : { by, until }
