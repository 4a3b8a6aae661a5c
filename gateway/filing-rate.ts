import { Type, type Static } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import { instant, type Duration, type Instant } from '../base/clock.ts'
import { isEnded, type Stage } from './stage.ts'
import { Span } from './words.ts'

/** 立案率 below which a rule falls back to shadow; each has a default. */
export const FilingLimits = Type.Object(
  {
    decided: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'cases to be judged by; 10 by default' }),
    ),
    within: Type.Optional(Span),
    limit: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'part of them that was filed; 0.5 by default' }),
    ),
  },
  { additionalProperties: false },
)
export type FilingLimits = Static<typeof FilingLimits>

/** What the platform made of one case. */
export interface Decision {
  readonly key: string
  readonly rule: string
  readonly siteId: string
  readonly outcome: 'filed' | 'refused'
  /** The platform's words for a refusal. */
  readonly reason: string | null
  readonly raisedAt: Instant
  readonly at: Instant
}

export interface Limits {
  readonly decided: number
  readonly within: Duration
  readonly limit: number
}

export interface FilingRate {
  readonly rule: string
  readonly siteId: string
  readonly filed: number
  readonly refused: number
  /** filed / (filed + refused) */
  readonly rate: number
  /** The platform's reasons for refusals, most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly cases: number }[]
}

const MOST_REASONS = 5

export function limitsOf({ decided = 10, within = '30 d', limit = 0.5 }: FilingLimits): Limits {
  return { decided, within: parseDuration(within), limit }
}

/** 不立案 and 撤销 say that it was no case; any stage from 立案 on says that it was one. Before that nothing is decided. */
export function outcomeOf(stage: Stage): Decision['outcome'] | undefined {
  if (stage === 'raised' || stage === 'delivered' || stage === 'accepted') return undefined
  return isEnded(stage) && stage !== 'closed' ? 'refused' : 'filed'
}

/** Of one rule at one site: what was decided within the span before now, of cases raised after `from`. */
export function rateOf(
  of: Pick<FilingRate, 'rule' | 'siteId'>,
  decisions: Iterable<Decision>,
  { within }: Limits,
  now: Instant,
  from: Instant = instant(0),
): FilingRate {
  let filed = 0
  const refusals: Decision[] = []
  for (const decision of decisions) {
    if (decision.at <= now - within || decision.raisedAt < from) continue
    if (decision.outcome === 'filed') filed++
    else refusals.push(decision)
  }
  const byReason = Map.groupBy(refusals, ({ reason }) => reason ?? '')
  const reasons = [...byReason]
    .map(([reason, of]) => ({ reason, cases: of.length }))
    .sort((a, b) => b.cases - a.cases || (a.reason < b.reason ? -1 : 1))
  const refused = refusals.length
  const all = filed + refused
  const rate = all === 0 ? 1 : filed / all
  return { ...of, filed, refused, rate, reasons: reasons.slice(0, MOST_REASONS) }
}

export const isTooLow = ({ filed, refused, rate }: FilingRate, { decided, limit }: Limits): boolean =>
  filed + refused >= decided && rate < limit
