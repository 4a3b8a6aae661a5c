import type { Case } from './case.ts'
import { isEnded } from './stage.ts'

export interface HeldRevision {
  readonly seq: number
  readonly connector: string
  readonly case: Case
}

/** A case that may still change. */
export interface OpenCase {
  case: Case
  /** Rules whose breach still stands; the case is cleared when none is left. */
  standing: readonly string[]
  /** Revisions that wait for proof. */
  held: readonly HeldRevision[]
}

export const slotOf = (cls: string, place: string, drill: boolean): string =>
  `${cls}\n${place}\n${drill ? 'drill' : ''}`

/** Nothing can happen to it any more but a move of the platform: it lies in the database only. */
export const isDone = (open: OpenCase): boolean => isEnded(open.case.stage) && open.standing.length === 0

/** The cases that the book keeps in mind: those that are ongoing, and ended ones whose breach still stands. */
export class OpenCases {
  /** In the order in which they were raised: more than one where the platform reopened or closed an old one. */
  readonly #bySlot = new Map<string, readonly OpenCase[]>()
  readonly #byKey = new Map<string, OpenCase>()

  get ongoing(): number {
    let count = 0
    for (const open of this.#byKey.values()) if (!isEnded(open.case.stage)) count++
    return count
  }

  get(key: string): OpenCase | undefined {
    return this.#byKey.get(key)
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  all(): Iterable<OpenCase> {
    return this.#byKey.values()
  }

  /** Oldest first. */
  at(slot: string): readonly OpenCase[] {
    return this.#bySlot.get(slot) ?? []
  }

  /** The newest: a reopened case does not push out the one that began meanwhile. */
  ongoingAt(slot: string): OpenCase | undefined {
    return this.#bySlot.get(slot)?.findLast((open) => !isEnded(open.case.stage))
  }

  /** A real case of this class at the site that is ongoing and has not cleared. */
  uncleared(siteId: string, cls: string): Case | undefined {
    for (const { case: found } of this.#byKey.values()) {
      if (found.class !== cls || found.siteId !== siteId || found.drill) continue
      if (found.clearedAt === null && !isEnded(found.stage)) return found
    }
    return undefined
  }

  keep(open: OpenCase): void {
    const { class: cls, place, drill, key } = open.case
    this.#byKey.set(key, open)
    const slot = slotOf(cls, place, drill)
    const all = [...(this.#bySlot.get(slot) ?? []), open]
    this.#bySlot.set(
      slot,
      all.sort((a, b) => Date.parse(a.case.raisedAt) - Date.parse(b.case.raisedAt)),
    )
  }

  forget(open: OpenCase): void {
    const { class: cls, place, drill, key } = open.case
    this.#byKey.delete(key)
    const slot = slotOf(cls, place, drill)
    const left = this.#bySlot.get(slot)?.filter((other) => other !== open) ?? []
    if (left.length > 0) this.#bySlot.set(slot, left)
    else this.#bySlot.delete(slot)
  }
}
