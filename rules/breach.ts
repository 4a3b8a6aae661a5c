import { instant, later, type Duration, type Instant } from '../base/clock.ts'
import type { Value } from '../gateway/reading.ts'
import type { Judged } from './condition-nodes.ts'
import type { Newest } from './newest.ts'

/** 越限: since when something is over its limit, and whether that was raised. */
export interface Breach {
  readonly part: string
  readonly since: Instant
  /** When the reading of `since` arrived: a wait is measured from it. */
  readonly from: Instant
  /** What was there then. */
  readonly value: Value
  readonly isAtLimit: boolean
  /** In how many readings so far. */
  readonly polls: number
  readonly isRaised: boolean
}

/** A breach, if there is one, with what the devices of the place last said where that has to be remembered. */
export interface WhenMemo extends Partial<Breach> {
  readonly newest?: Newest
  /** Raised as a drill: one of those who proved it is a device of drills. */
  readonly drill?: true
}

export const isBreach = (memo: WhenMemo): memo is WhenMemo & Breach => memo.since !== undefined

/** How long and how often it has to be so before it is raised. */
export interface Patience {
  readonly wait: Duration
  readonly polls: number
}

/** What one look came to. */
export interface Verdict extends Pick<Breach, 'part' | 'value' | 'isAtLimit'> {
  readonly at: Instant
  /** Unknown changes nothing. */
  readonly over: Judged
  /** On the far side of the hysteresis. */
  readonly back: Judged
}

/** What is left of a breach after a look; undefined when there is none. */
export function afterLook(
  breach: Breach | undefined,
  look: Verdict,
  patience: Patience,
  now: Instant,
): Breach | undefined {
  if (breach?.isRaised) return look.back === true ? undefined : breach
  if (look.over === 'unknown') return breach
  if (!look.over) return undefined
  if (breach) return breach.polls < patience.polls ? { ...breach, polls: breach.polls + 1 } : breach
  const { at, part, value, isAtLimit } = look
  return { part, since: at, from: now, value, isAtLimit, polls: 1, isRaised: false }
}

/** Long enough by the times of the readings, or by how long ago the first one came. */
export function isRipe(
  breach: Breach,
  { wait, polls }: Patience,
  newest: Instant | undefined,
  now: Instant,
): boolean {
  if (breach.isRaised || breach.polls < polls) return false
  return now >= later(breach.from, wait) || (newest !== undefined && newest >= later(breach.since, wait))
}

export const dueOf = ({ isRaised, polls, from }: Breach, patience: Patience): Instant | undefined =>
  isRaised || polls < patience.polls || patience.wait === 0 ? undefined : later(from, patience.wait)

/** A wait that the old clock began goes on by the new one, and none may begin in the future. */
export function byNewClock(breach: Breach, jumpedBy: Duration, now: Instant): Breach {
  if (breach.isRaised) return breach
  const from = Math.min(breach.from + jumpedBy, now)
  return from === breach.from ? breach : { ...breach, from: instant(from) }
}
