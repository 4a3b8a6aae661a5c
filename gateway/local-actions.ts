import type { Clock } from '../base/clock.ts'
import type { Breach } from './case-book.ts'
import type { Commanding } from './commanding.ts'
import { FireDoors } from './door/fire-doors.ts'
import type { Draft } from './draft.ts'
import type { OpenCase } from './open-cases.ts'
import { Persuasion } from './persuasion.ts'
import type { Reading } from './reading.ts'
import { reflexes } from './reflexes.ts'
import type { Raise } from './rule.ts'
import { slotId, type Slot } from './slots.ts'
import type { Store } from './store/store.ts'
import { sightFor, type Sight } from './why.ts'

export interface LocalActionsContext {
  readonly clock: Clock
  readonly store: Store
  readonly commanding: Commanding
  readonly slots: readonly Slot[]
}

/** Makes a case of a breach: where the path goes on. */
type OpenBreach = (draft: Draft, breach: Breach, raise: Raise, sight: Sight | undefined) => void

/** 就地处置: what the path does at the spot, before a case and with it. */
export class LocalActions {
  readonly #context: LocalActionsContext
  #slots: ReadonlyMap<string, Slot>
  #persuasion: Persuasion | undefined
  readonly #fireDoors: FireDoors

  constructor(context: LocalActionsContext) {
    this.#context = context
    this.#slots = byId(context.slots)
    this.#fireDoors = new FireDoors(context)
  }

  /** @param open for breaches that were asked to end, and stand */
  start(open: OpenBreach): void {
    this.#persuasion = new Persuasion(this.#context, (draft, slot, { raise, sight, follows }) => {
      const { rule, site, place } = slot
      const breach = { rule, site, place, drill: raise.drill, follows }
      // What stands there now proves more than what stood there before it was asked.
      open(draft, breach, raise, sightFor(raise, slot.sights) ?? sight)
    })
    this.#fireDoors.recall((ruleId, place) => this.#slots.get(slotId(ruleId, place)))
  }

  /** The box has changed. */
  replan(slots: readonly Slot[]): void {
    this.#slots = byId(slots)
    this.#persuasion?.replan(slots)
    this.#fireDoors.replan(slots)
  }

  stop(): void {
    this.#persuasion?.stop()
    this.#fireDoors.stop()
  }

  /** True: it is asked to end first, and opened by itself if it does not. */
  holds(draft: Draft, breach: Breach, raise: Raise, sight: Sight | undefined): boolean {
    const slot = this.#slotOf(breach)
    const { follows } = breach
    return slot !== undefined && this.#persuasion?.takes(draft, slot, { raise, sight, follows }) === true
  }

  /** The case is in the draft: what its rule asks for goes out once it is stored. */
  raised(draft: Draft, breach: Breach, raise: Raise, open: OpenCase): void {
    const slot = this.#slotOf(breach)
    if (!slot) return
    reflexes(this.#context.commanding, draft, { slot, raise, open })
    if (raise.drill || draft.isRetained) return
    draft.afterwards(() => this.#fireDoors.raised(slot, raise, open.case.key))
  }

  cleared(draft: Draft, slot: Slot, drill: boolean): void {
    this.#persuasion?.cleared(draft, slot, drill)
    if (!drill) draft.afterwards(() => this.#fireDoors.cleared(slot))
  }

  /** Readings that are stored: they may show that a command was carried out. */
  heard(deviceId: string, readings: readonly Reading[]): void {
    this.#context.commanding.heard(deviceId, readings)
  }

  #slotOf({ rule, place }: Breach): Slot | undefined {
    return this.#slots.get(slotId(rule.id, place))
  }
}

const byId = (slots: readonly Slot[]): ReadonlyMap<string, Slot> =>
  new Map(slots.map((slot) => [slotId(slot.rule.id, slot.place), slot]))
