import type { Instant } from '../base/clock.ts'
import type { Draft } from './draft.ts'
import type { Rebound } from './rebind.ts'
import type { Raise } from './rule.ts'
import { slotId, type Slot } from './slots.ts'
import type { Reader } from './store/store.ts'
import type { HeldBy, QuotaPeriod } from './what-holds.ts'
import type { Sight } from './why.ts'

/** A raise that waits; it becomes a case when nothing holds it any more. */
export interface HeldBreach {
  readonly is: 'held'
  /** In the order in which they were held or raised. */
  readonly seq: number
  readonly raise: Raise
  readonly at: Instant
  readonly heldBy: HeldBy
  /** Its row in `would_be`. */
  readonly row: number
  /** What a camera saw when the rule spoke. */
  readonly sight?: Sight
  /** As below: it may have been held before. */
  readonly endedAt?: Instant
  /** The case that it follows, which was closed while the breach stood. */
  readonly follows?: string
}

/** A breach that is part of a case, or was until the platform ended that case. */
export interface StandingBreach {
  readonly is: 'standing'
  readonly seq: number
  readonly raise: Raise
  /** When it was raised. */
  readonly at: Instant
  /** The platform ended its case though the breach stands. */
  readonly ended?: CaseEnd
}

export interface CaseEnd {
  readonly key: string
  readonly at: Instant
  /** Closed: what still stands after a while is a case again. Rejected or withdrawn: it is none. */
  readonly isClosed: boolean
}

/** Kept for as long as the rule cools down. */
export interface PastBreach {
  readonly is: 'over'
  readonly seq: number
  /** When the last breach ended, or its case was closed. */
  readonly endedAt: Instant
}

/** What became of the last breach of a rule at a place. Drills and real ones are remembered apart. */
export type BreachMemo = HeldBreach | StandingBreach | PastBreach

export interface Remembered {
  readonly slot: Slot
  readonly drill: boolean
  readonly memo: BreachMemo
}

/** The breaches that holding has to know of, in memory and in the database; undone with the draft that wrote them. */
export class BreachMemory {
  readonly #bySlot = new Map<Slot, Map<boolean, Remembered>>()
  readonly #periods = new Map<string, QuotaPeriod>()
  readonly #all
  #strange: readonly Remembered[] = []
  #seq: number

  constructor(reader: Reader, slots: readonly Slot[]) {
    this.#all = reader.prepare('SELECT * FROM breaches ORDER BY seq')
    this.#seq = this.#load(slots)
    const periods = reader.prepare('SELECT * FROM quota_periods').all() as PeriodRow[] // the columns named there
    for (const { rule, site_id, drill, began_at, cases } of periods) {
      this.#periods.set(periodId(rule, site_id, drill === 1), { beganAt: began_at, cases })
    }
  }

  /** Of rules that have become other ones since: they begin anew, and say by themselves what stands. */
  get strange(): readonly Remembered[] {
    return this.#strange.filter((one) => this.get(one.slot, one.drill) === one.memo)
  }

  /** The box has changed. What is remembered of the fresh ones is read again; all that was written before is stored. */
  replan({ plans, fresh, anew }: Rebound): void {
    const staying = new Set(plans.slots)
    for (const slot of this.#bySlot.keys()) if (!staying.has(slot)) this.#bySlot.delete(slot)
    if (fresh.length > 0) this.#load(fresh, new Set(anew))
  }

  get(slot: Slot, drill: boolean): BreachMemo | undefined {
    return this.#bySlot.get(slot)?.get(drill)?.memo
  }

  /** Of these slots, in the order in which they were held or raised. */
  of(slots: Iterable<Slot>): readonly Remembered[] {
    const found = [...slots].flatMap((slot) => [...(this.#bySlot.get(slot)?.values() ?? [])])
    return found.sort((a, b) => a.memo.seq - b.memo.seq)
  }

  nextSeq(): number {
    return ++this.#seq
  }

  put(draft: Draft, slot: Slot, drill: boolean, next: BreachMemo): void {
    const { rule, place, site } = slot
    const before = this.get(slot, drill)
    this.#set(slot, drill, next)
    this.#write(draft, slot, () => {
      if (this.get(slot, drill) === next) this.#set(slot, drill, before)
    })
    draft.add([
      'putBreach',
      rule.id,
      place,
      drill ? 1 : 0,
      rule.kindId,
      site.id,
      next.seq,
      JSON.stringify(next),
    ])
  }

  forget(draft: Draft, slot: Slot, drill: boolean): void {
    const before = this.get(slot, drill)
    if (!before) return
    this.#set(slot, drill, undefined)
    this.#write(draft, slot, () => {
      if (this.get(slot, drill) === undefined) this.#set(slot, drill, before)
    })
    draft.add(['deleteBreach', slot.rule.id, slot.place, drill ? 1 : 0])
  }

  period({ rule, site }: Slot, drill: boolean): QuotaPeriod | undefined {
    return this.#periods.get(periodId(rule.id, site.id, drill))
  }

  putPeriod(draft: Draft, { rule, site }: Slot, drill: boolean, next: QuotaPeriod): void {
    const id = periodId(rule.id, site.id, drill)
    const before = this.#periods.get(id)
    this.#periods.set(id, next)
    draft.add(['putQuotaPeriod', rule.id, site.id, drill ? 1 : 0, next.beganAt, next.cases], () => {
      if (this.#periods.get(id) !== next) return
      if (before) this.#periods.set(id, before)
      else this.#periods.delete(id)
    })
  }

  /** Answers with the newest of all. */
  #load(slots: readonly Slot[], anew: ReadonlySet<Slot> = new Set()): number {
    const slotOf = new Map(slots.map((slot) => [slotId(slot.rule.id, slot.place), slot]))
    const rows = this.#all.all() as BreachRow[] // the columns named there
    const strange = [...this.strange]
    for (const { rule, place, drill, kind, body } of rows) {
      const slot = slotOf.get(slotId(rule, place))
      if (!slot) continue // kept for the day when its place is back
      const memo = JSON.parse(body) as BreachMemo // written by `put`
      this.#set(slot, drill === 1, memo)
      const isStrange = memo.is !== 'over' && (kind !== slot.rule.kindId || anew.has(slot))
      if (isStrange) strange.push({ slot, drill: drill === 1, memo })
    }
    this.#strange = strange
    return rows.at(-1)?.seq ?? 0
  }

  #write(draft: Draft, slot: Slot, undo: () => void): void {
    if (slot.class.isLifeSafety) draft.lifeSafety = true
    draft.onUndo(undo)
  }

  #set(slot: Slot, drill: boolean, memo: BreachMemo | undefined): void {
    const own = this.#bySlot.get(slot) ?? new Map<boolean, Remembered>()
    if (memo) own.set(drill, { slot, drill, memo })
    else own.delete(drill)
    if (own.size > 0) this.#bySlot.set(slot, own)
    else this.#bySlot.delete(slot)
  }
}

const periodId = (rule: string, siteId: string, drill: boolean): string =>
  `${rule}\n${siteId}\n${drill ? 'drill' : ''}`

interface BreachRow {
  readonly rule: string
  readonly place: string
  readonly drill: number
  readonly kind: string
  readonly seq: number
  readonly body: string
}

interface PeriodRow {
  readonly rule: string
  readonly site_id: string
  readonly drill: number
  readonly began_at: Instant
  readonly cases: number
}
