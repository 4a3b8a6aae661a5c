import { Type, type Static } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import type { Catalogue } from './catalogue.ts'
import { openingHours, type OpeningHours } from './opening-hours.ts'
import { Hours, Id, Span } from './words.ts'

const closed = { additionalProperties: false } as const

/** What a site may set in place of the pack's: when a rule waits before it speaks, and when it speaks up. */
const perSite = {
  /** After a breach has ended or its case was closed, no new raise of this rule at this place for so long. */
  coolDown: Type.Optional(Span),
  /** In these hours of the site no raise; what still stands at their end is raised then. */
  quietHours: Type.Optional(Hours),
  /** At most so many cases of this rule at one site within the period, which begins with the first of them. */
  quota: Type.Optional(
    Type.Object({ cases: Type.Integer({ minimum: 1, maximum: 100_000 }), per: Span }, closed),
  ),
  /** Still open and still true after this: a revision with `escalated`, once for each of the spans. */
  escalate: Type.Optional(
    Type.Object({ after: Type.Union([Span, Type.Array(Span, { minItems: 1, maxItems: 10 })]) }, closed),
  ),
}

export const SiteHolding = Type.Object(perSite, closed)
export type SiteHolding = Static<typeof SiteHolding>

/** The keys of a rule in a pack that say what holds its raises back. */
export const holdingKeys = {
  ...perSite,
  /** While a case of this rule's class stands at a site, these classes raise nothing there. */
  inhibits: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 100, uniqueItems: true })),
  /** In `shadow` its would-be cases are counted and shown, and none is raised. */
  mode: Type.Optional(Type.Enum(['live', 'shadow'] as const)),
}

export const RuleHolding = Type.Object(holdingKeys, closed)
export type RuleHolding = Static<typeof RuleHolding>

/** The same with spans in milliseconds and hours in the site's time zone. */
export interface Restraints {
  readonly coolDown: Duration
  readonly quiet: OpeningHours | undefined
  readonly quota: { readonly cases: number; readonly per: Duration } | undefined
  /** Ascending: the n-th step is due this long after the raise. */
  readonly escalateAfter: readonly Duration[]
}

/** What is stated at the site goes before what the pack says. */
export function restraintsOf(rule: RuleHolding, site: SiteHolding | undefined, timeZone: string): Restraints {
  const { coolDown, quietHours, quota, escalate } = { ...rule, ...site }
  return {
    coolDown: coolDown === undefined ? 0 : parseDuration(coolDown),
    quiet: quietHours === undefined ? undefined : openingHours(quietHours, timeZone),
    quota: quota && { cases: quota.cases, per: parseDuration(quota.per) },
    escalateAfter: escalate === undefined ? [] : spansOf(escalate.after),
  }
}

const spansOf = (after: string | readonly string[]): readonly Duration[] =>
  (typeof after === 'string' ? [after] : after).map(parseDuration)

interface Complaint {
  readonly path: string
  readonly text: string
}

/** A fire is never silenced, by nobody. */
const neverHeld = ['coolDown', 'quietHours', 'quota'] as const

/** What is wrong with them beyond their schema. */
export function holdingComplaints(
  holding: RuleHolding,
  classId: string,
  catalogue: Catalogue,
): readonly Complaint[] {
  const isLifeSafety = catalogue.classes.get(classId)?.isLifeSafety === true
  const complaints = [...sharedComplaints(holding, classId, isLifeSafety)]
  if (isLifeSafety && holding.mode === 'shadow') {
    complaints.push({
      path: '/mode',
      text: `class "${classId}" is life-safety: its rules are always live; try the rule with "ganglion rules backtest"`,
    })
  }
  for (const [index, name] of (holding.inhibits ?? []).entries()) {
    const text = inhibitComplaint(name, classId, catalogue)
    if (text !== undefined) complaints.push({ path: `/inhibits/${index}`, text })
  }
  return complaints
}

/** What is wrong with what a site says of a rule. */
export const siteHoldingComplaints = (
  holding: SiteHolding,
  classId: string,
  isLifeSafety: boolean,
): readonly Complaint[] => sharedComplaints(holding, classId, isLifeSafety)

function sharedComplaints(
  holding: SiteHolding,
  classId: string,
  isLifeSafety: boolean,
): readonly Complaint[] {
  const complaints: Complaint[] = []
  if (isLifeSafety) {
    for (const key of neverHeld) {
      if (holding[key] === undefined) continue
      const text = `class "${classId}" is life-safety: it ignores cool-down, quiet hours and quota; remove "${key}"`
      complaints.push({ path: `/${key}`, text })
    }
  }
  const { quietHours, quota, escalate } = holding
  if (quietHours !== undefined && isWholeDay(quietHours)) {
    complaints.push({
      path: '/quietHours',
      text: `wanted hours that end; got "${quietHours}": to keep a rule quiet for good say "mode: shadow"`,
    })
  }
  if (quota !== undefined && parseDuration(quota.per) === 0) {
    complaints.push({ path: '/quota/per', text: `wanted a span above zero; got "${quota.per}"` })
  }
  const steps = escalate === undefined ? [] : spansOf(escalate.after)
  if (steps.some((step, index) => step <= (steps[index - 1] ?? 0))) {
    complaints.push({
      path: '/escalate/after',
      text: 'wanted spans above zero, each longer than the one before',
    })
  }
  return complaints
}

function isWholeDay(hours: string): boolean {
  const [from, to] = hours.split('-')
  return from === to || (from === '00:00' && to === '24:00')
}

function inhibitComplaint(name: string, classId: string, catalogue: Catalogue): string | undefined {
  const target = catalogue.classes.get(name)
  if (!target) return `unknown class "${name}"; known are ${[...catalogue.classes.keys()].join(', ')}`
  if (name === classId) return `a class cannot silence itself: "${name}" is the class of this rule`
  if (target.isLifeSafety) return `class "${name}" is life-safety: nothing silences it; remove it here`
  return undefined
}
