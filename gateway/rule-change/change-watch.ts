import { instant, later, type Clock, type Duration, type Instant } from '../../base/clock.ts'
import type { Health } from '../health.ts'
import { ruleFailure } from '../pipeline.ts'
import type { Reader } from '../store/store.ts'
import type { ChangePlan } from './change-record.ts'

const HOUR_MS: Duration = 3_600_000
const MINUTE_MS: Duration = 60_000
/** So many raises within the hour are never too many, whatever was promised. */
const ALWAYS_RAISES = 10
const storeTroubles = ['store-full', 'store-failed'] as const
const failingWords = ['failed', 'ended'] as const

export interface WatchContext {
  readonly clock: Pick<Clock, 'now' | 'ticks'>
  readonly health: Pick<Health, 'states' | 'troubles'>
  readonly store: { readonly reader: Reader }
  /** The names of the transports that run. */
  readonly transports: () => readonly string[]
}

/** How the box was when a change came into force: what was bad before is not its fault. */
export interface Baseline {
  readonly troubles: ReadonlyMap<string, number>
  /** Transports that ran. */
  readonly running: readonly string[]
}

export function baselineOf({ health, transports }: WatchContext): Baseline {
  const failing = new Set(
    health
      .states()
      .filter(({ word }) => failingWords.some((bad) => bad === word))
      .map(({ subject }) => subject),
  )
  return {
    troubles: new Map(health.troubles().map(({ what, count }) => [what, count])),
    running: transports().filter((name) => !failing.has(name)),
  }
}

/** More raises than this within an hour, or within the watch where that is shorter, are too many. */
export function mostRaises({
  minutes,
  promised,
  times,
}: Pick<ChangePlan, 'minutes' | 'promised' | 'times'>): number {
  const hours = Math.min(1, minutes / 60)
  return promised.atOnce + Math.max(ALWAYS_RAISES, Math.ceil(times * promised.perHour * hours))
}

/** 观察: looks whether health has dropped since a changed pack came into force. */
export class ChangeWatch {
  readonly #context: WatchContext
  readonly #plan: ChangePlan
  readonly #baseline: Baseline
  readonly #since: Instant
  readonly #endTicks: number
  readonly #raised
  readonly #held

  constructor(context: WatchContext, plan: ChangePlan, since: Instant, baseline: Baseline) {
    this.#context = context
    this.#plan = plan
    this.#baseline = baseline
    this.#since = since
    this.#endTicks = context.clock.ticks() + plan.minutes * MINUTE_MS
    const { reader } = context.store
    const ofRules = 'IN (SELECT value FROM json_each(?))'
    this.#raised = reader
      .prepare(
        `SELECT count(*) FROM cases WHERE raised_at >= ? AND json_extract(body, '$.why.rule') ${ofRules}`,
      )
      .pluck()
    // Those that were raised since are cases, and those that were passed on have another row.
    this.#held = reader
      .prepare(
        `SELECT count(*) FROM would_be WHERE at >= ? AND rule ${ofRules} AND (outcome IS NULL OR outcome = 'cleared')`,
      )
      .pluck()
  }

  get isOver(): boolean {
    return this.#context.clock.ticks() >= this.#endTicks
  }

  /** The end, by the clock as it is now. */
  get until(): Instant {
    const { clock } = this.#context
    return later(clock.now(), Math.max(0, this.#endTicks - clock.ticks()))
  }

  /** What has dropped; undefined while all is as well as it was. */
  fault(): string | undefined {
    const now = new Map(this.#context.health.troubles().map((trouble) => [trouble.what, trouble]))
    const isNew = (what: string): boolean =>
      (now.get(what)?.count ?? 0) > (this.#baseline.troubles.get(what) ?? 0)
    const said = (what: string): string => `${what}: ${now.get(what)?.last ?? ''}`
    const brokenRule = this.#plan.rules.map(ruleFailure).find(isNew)
    if (brokenRule !== undefined) return said(brokenRule)
    const refused = storeTroubles.find(isNew)
    if (refused !== undefined) return said(refused)
    const wires = this.#baseline.running.flatMap((name) => failingWords.map((word) => `${name}: ${word}`))
    const brokenWire = wires.find(isNew)
    if (brokenWire !== undefined) return said(brokenWire)
    return this.#tooManyRaises()
  }

  #tooManyRaises(): string | undefined {
    const { promised, rules } = this.#plan
    const from = instant(Math.max(this.#since, this.#context.clock.now() - HOUR_MS))
    const ids = JSON.stringify(rules)
    const raises = Number(this.#raised.get(from, ids)) + Number(this.#held.get(from, ids))
    const most = mostRaises(this.#plan)
    if (raises <= most) return undefined
    const per = promised.perHour.toFixed(1)
    return `its rules raised ${raises} times; the backtest promised ${per} an hour and ${promised.atOnce} at once, the limit is ${most}`
  }
}
