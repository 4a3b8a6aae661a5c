import { parseDuration } from '../base/amount.ts'
import { isoTime, type Clock, type Instant } from '../base/clock.ts'
import type { Persuade } from './act.ts'
import type { Commanding } from './commanding.ts'
import { Draft } from './draft.ts'
import { askFor } from './reflexes.ts'
import type { Raise } from './rule.ts'
import { slotId, type Slot } from './slots.ts'
import type { Store } from './store/store.ts'
import type { Sight } from './why.ts'

const RETRY_MS = 1000
const MOST_KEPT = 10_000

export interface PersuasionContext {
  readonly clock: Clock
  readonly store: Store
  readonly commanding: Commanding
  readonly slots: readonly Slot[]
}

/** What becomes a case once it was asked for in vain. */
export interface Spoken {
  readonly raise: Raise
  readonly sight: Sight | undefined
  readonly follows?: string | undefined
}

/** A breach that was asked to end, at the spot. */
interface Persuaded {
  readonly seq: number
  readonly slot: Slot
  readonly beganAt: Instant
  readonly spoken: Spoken
  /** The request ids of each step. */
  steps: readonly (readonly string[])[]
  cancel: () => void
}

/** Heeded: it ended by itself. */
type End = 'heeded' | 'raised'

/**
 * 劝导: before a parking or storefront case a voice or a lamp at the spot asks for it to end. Each time is counted, and
 * only a breach that outlasts them all is raised. Never for life and limb, never for a drill, and not where the site
 * enables nothing that could speak.
 */
export class Persuasion {
  readonly #context: PersuasionContext
  readonly #standing = new Map<string, Persuaded>()
  readonly #raise: (draft: Draft, slot: Slot, spoken: Spoken) => void
  #seq: number

  /** @param raise what becomes of a breach that was not moved */
  constructor(context: PersuasionContext, raise: (draft: Draft, slot: Slot, spoken: Spoken) => void) {
    this.#context = context
    this.#raise = raise
    const { reader } = context.store
    this.#seq = reader.prepare('SELECT ifnull(max(seq), 0) FROM persuasions').pluck().get() as number // one integer
    this.#recall()
  }

  /** True: the raise waits. */
  takes(draft: Draft, slot: Slot, spoken: Spoken): boolean {
    const persuade = slot.rule.persuade
    if (!persuade || spoken.raise.drill || slot.class.isLifeSafety || draft.isRetained) return false
    const id = idOf(slot)
    if (this.#standing.has(id)) return true
    const beganAt = this.#context.clock.now()
    const one: Persuaded = {
      seq: this.#seq + 1,
      slot,
      beganAt,
      spoken,
      steps: [],
      cancel: () => undefined,
    }
    if (!this.#ask(draft, one, persuade)) return false
    this.#seq++
    this.#standing.set(id, one)
    this.#write(draft, one, undefined, () => this.#standing.delete(id))
    draft.afterwards(() => this.#wait(one, parseDuration(persuade.wait)))
    return true
  }

  /** The breach has ended: nothing is raised. */
  cleared(draft: Draft, slot: Slot, drill: boolean): void {
    const id = idOf(slot)
    const one = this.#standing.get(id)
    if (!one || drill) return
    this.#standing.delete(id)
    this.#write(draft, one, 'heeded', () => this.#standing.set(id, one))
    draft.afterwards(() => one.cancel())
  }

  /** The box has changed: where a rule is gone or begins anew nobody would say that its breach has ended. */
  replan(slots: readonly Slot[]): void {
    const staying = new Set(slots)
    for (const [id, one] of this.#standing) {
      if (staying.has(one.slot)) continue
      one.cancel()
      this.#standing.delete(id)
      this.#drop(one.seq)
    }
  }

  stop(): void {
    for (const one of this.#standing.values()) one.cancel()
  }

  /** The next step, or the raise after the last one. */
  #due(one: Persuaded): void {
    const id = idOf(one.slot)
    if (this.#standing.get(id) !== one) return
    const draft = new Draft()
    const { persuade } = one.slot.rule
    const before = one.steps
    const goesOn = persuade !== undefined && before.length < persuade.times && this.#ask(draft, one, persuade)
    if (goesOn) {
      this.#write(draft, one, undefined, () => (one.steps = before))
      draft.afterwards(() => this.#wait(one, parseDuration(persuade.wait)))
    } else {
      this.#standing.delete(id)
      this.#write(draft, one, 'raised', () => this.#standing.set(id, one))
      const { raise, ...spoken } = one.spoken
      this.#raise(draft, one.slot, { ...spoken, raise: { ...raise, reminders: this.#counted(one) } })
    }
    this.#context.store.commit(draft).then(
      () => draft.stored(),
      () => this.#wait(one, RETRY_MS), // undone, and the store has said what is wrong
    )
  }

  /** False when there is nothing at the spot that may speak now. */
  #ask(draft: Draft, one: Persuaded, { command, at = 'place' }: Persuade): boolean {
    const { slot, spoken, steps, seq } = one
    const asked = { command, at, id: `persuade-${seq}.${steps.length + 1}` }
    const records = askFor(this.#context.commanding, draft, { slot, raise: spoken.raise, asked })
    const said = records.filter(({ outcome }) => outcome !== 'refused').map(({ requestId }) => requestId)
    if (said.length === 0) return false
    one.steps = [...steps, said]
    return true
  }

  /** What could not be said does not count. */
  #counted({ steps }: Persuaded): number {
    const wasSaid = (id: string): boolean => {
      const outcome = this.#context.commanding.find(id)?.outcome
      return outcome !== undefined && outcome !== 'failed' && outcome !== 'refused'
    }
    return steps.filter((ids) => ids.some(wasSaid)).length
  }

  #wait(one: Persuaded, wait: number): void {
    one.cancel = this.#context.clock.after(wait, () => this.#due(one))
  }

  #write(draft: Draft, one: Persuaded, outcome: End | undefined, undo: () => void): void {
    const { seq, slot, beganAt, spoken, steps } = one
    const { rule, place, site } = slot
    const body = JSON.stringify({ spoken, steps })
    const endedAt = outcome === undefined ? null : this.#context.clock.now()
    draft.add(
      ['putPersuasion', seq, rule.id, place, site.id, rule.classId, beganAt, body, outcome ?? null, endedAt],
      undo,
    )
  }

  /** What cannot be stored now is dropped by the next start. */
  #drop(seq: number): void {
    const { clock, store } = this.#context
    void store.put(['dropPersuasion', clock.now(), seq]).catch(() => undefined)
  }

  /** Those of an earlier run go on with a whole wait: whether the breach ended meanwhile must be seen first. */
  #recall(): void {
    const { store, slots } = this.#context
    const rows = store.reader
      .prepare(
        `SELECT seq, rule, place, began_at AS beganAt, body,
           (SELECT kind FROM breaches b WHERE b.rule = p.rule AND b.place = p.place AND b.drill = 0) AS kind
         FROM persuasions p WHERE outcome IS NULL`,
      )
      .all() as PersuasionRow[] // the columns named
    for (const { seq, rule, place, beganAt, body, kind } of rows) {
      const slot = slots.find((known) => idOf(known) === slotId(rule, place))
      // Nobody judges this place by this rule any more: should it come back, the breach is not the old one.
      if (!slot || (kind !== null && kind !== slot.rule.kindId)) {
        this.#drop(seq)
        continue
      }
      const { spoken, steps } = JSON.parse(body) as Pick<Persuaded, 'spoken' | 'steps'> // written by `#write`
      const one: Persuaded = { seq, slot, beganAt, spoken, steps, cancel: () => undefined }
      this.#standing.set(idOf(slot), one)
      this.#wait(one, parseDuration(slot.rule.persuade?.wait ?? '60 s'))
    }
    void store.put(['prunePersuasions', this.#seq - MOST_KEPT]).catch(() => undefined) // tried again at the next start
  }
}

interface PersuasionRow {
  readonly seq: number
  readonly rule: string
  readonly place: string
  readonly beganAt: Instant
  readonly body: string
  /** Of the rule when it raised. */
  readonly kind: string | null
}

/** As the API shows what became of asking at the spot; the newest first. */
export function persuasionsShown(store: Store, limit: number): readonly object[] {
  const rows = store.reader.prepare('SELECT * FROM persuasions ORDER BY seq DESC LIMIT ?').all(limit) as {
    rule: string
    place: string
    site_id: string
    class: string
    began_at: Instant
    body: string
    outcome: string | null
    ended_at: Instant | null
  }[] // the columns of the table
  return rows.map((row) => ({
    rule: row.rule,
    place: row.place,
    siteId: row.site_id,
    class: row.class,
    beganAt: isoTime(row.began_at),
    steps: (JSON.parse(row.body) as Pick<Persuaded, 'steps'>).steps, // written by `#write`
    outcome: row.outcome ?? 'under-way',
    endedAt: row.ended_at === null ? null : isoTime(row.ended_at),
  }))
}

const idOf = ({ rule, place }: Slot): string => slotId(rule.id, place)
