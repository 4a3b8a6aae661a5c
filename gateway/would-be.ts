import { isoTime, type Instant } from '../base/clock.ts'
import type { Why } from './case.ts'
import type { Draft } from './draft.ts'
import type { Raise } from './rule.ts'
import type { Slot } from './slots.ts'
import type { Reader } from './store/store.ts'
import type { HeldBy } from './what-holds.ts'
import { toWhy, type Sight } from './why.ts'

/** How it went on with a raise that was held back. `passed-on`: something else held it from then on, see the next row. */
export type Outcome = 'raised' | 'cleared' | 'passed-on'

/** 拟立案件: a raise that something held back, as people and the API read it. */
export interface WouldBe {
  readonly rule: string
  readonly place: string
  readonly siteId: string
  readonly class: string
  readonly drill: boolean
  readonly since: string
  /** When it would have been raised. */
  readonly at: string
  readonly heldBy: HeldBy
  readonly why: Why
  /** Null while it is held. */
  readonly outcome: Outcome | null
  readonly endedAt: string | null
}

export interface WouldBeCount {
  readonly rule: string
  readonly siteId: string
  readonly heldBy: HeldBy
  readonly count: number
  /** Held now. */
  readonly held: number
}

/** The oldest rows go when there are more. */
const MOST_ROWS = 100_000
const PRUNE_EVERY = 1000

/** Writes the rows of held raises. */
export class WouldBeLog {
  #seq: number

  constructor(reader: Reader) {
    this.#seq = reader.prepare('SELECT ifnull(max(seq), 0) FROM would_be').pluck().get() as number // one integer
  }

  /** The answer names the row. */
  hold(
    draft: Draft,
    slot: Slot,
    raise: Raise,
    sight: Sight | undefined,
    heldBy: HeldBy,
    now: Instant,
  ): number {
    const seq = ++this.#seq
    const why = JSON.stringify(toWhy(slot.rule, raise, sight))
    const { rule, place, site } = slot
    const drill = raise.drill ? 1 : 0
    draft.add([
      'putWouldBe',
      seq,
      rule.id,
      place,
      site.id,
      slot.class.id,
      drill,
      raise.since,
      now,
      heldBy,
      why,
    ])
    if (seq % PRUNE_EVERY === 0) draft.add(['pruneWouldBe', seq - MOST_ROWS])
    return seq
  }

  end(draft: Draft, row: number, outcome: Outcome, now: Instant): void {
    draft.add(['endWouldBe', outcome, now, row])
  }
}

export interface WouldBeWish {
  readonly rule?: string | undefined
  readonly siteId?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function readWouldBe(reader: Reader, { rule, siteId, limit }: WouldBeWish): readonly WouldBe[] {
  const rows = reader
    .prepare(
      `SELECT * FROM would_be WHERE (@rule IS NULL OR rule = @rule) AND (@siteId IS NULL OR site_id = @siteId) ORDER BY seq DESC LIMIT @limit`,
    )
    .all({ rule: rule ?? null, siteId: siteId ?? null, limit }) as WouldBeRow[] // the columns named there
  return rows.map((row) => ({
    rule: row.rule,
    place: row.place,
    siteId: row.site_id,
    class: row.class,
    drill: row.drill === 1,
    since: isoTime(row.since),
    at: isoTime(row.at),
    heldBy: row.held_by,
    why: JSON.parse(row.why) as Why, // written by `hold`
    outcome: row.outcome,
    endedAt: row.ended_at === null ? null : isoTime(row.ended_at),
  }))
}

/** What was passed on counts where it went. */
export function countWouldBe(
  reader: Reader,
  { rule, siteId }: Omit<WouldBeWish, 'limit'>,
): readonly WouldBeCount[] {
  return reader
    .prepare(
      `SELECT rule, site_id AS siteId, held_by AS heldBy, count(*) AS count, count(*) FILTER (WHERE outcome IS NULL) AS held
       FROM would_be
       WHERE outcome IS NOT 'passed-on' AND (@rule IS NULL OR rule = @rule) AND (@siteId IS NULL OR site_id = @siteId)
       GROUP BY rule, site_id, held_by ORDER BY count DESC, rule, site_id, held_by`,
    )
    .all({ rule: rule ?? null, siteId: siteId ?? null }) as WouldBeCount[] // the columns named
}

interface WouldBeRow {
  readonly rule: string
  readonly place: string
  readonly site_id: string
  readonly class: string
  readonly drill: number
  readonly since: Instant
  readonly at: Instant
  readonly held_by: HeldBy
  readonly why: string
  readonly outcome: Outcome | null
  readonly ended_at: Instant | null
}
