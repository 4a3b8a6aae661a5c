import { later, type Clock, type Duration, type Instant } from '../../base/clock.ts'
import { targetsOf, type Target } from '../act.ts'
import type { Commanding } from '../commanding.ts'
import type { Raise } from '../rule.ts'
import { slotId, type Slot } from '../slots.ts'
import type { Store } from '../store/store.ts'

/** One pulse follows the other for so long. */
const CLOSELY_FOR_MS: Duration = 600_000
/** A detector that nobody resets must not wear the strike out. */
const LATER_EVERY_MS: Duration = 30_000
const SHORTEST_EVERY_MS: Duration = 1000

export interface FireDoorsContext {
  readonly clock: Clock
  readonly store: Store
  readonly commanding: Commanding
}

interface Standing {
  readonly slot: Slot
  readonly caseKey: string
  readonly since: Instant
  readonly targets: readonly Target[]
  cancels: (() => void)[]
}

/**
 * 火灾开门: while a fire stands whose rule opens doors, their strikes are pulsed again and again; none is ever latched, so
 * that a box that dies leaves a door as its wiring says. It ends when the fire clears or people close its case.
 */
export class FireDoors {
  readonly #context: FireDoorsContext
  readonly #standing = new Map<string, Standing>()
  readonly #hasEnded
  #isStopped = false

  constructor(context: FireDoorsContext) {
    this.#context = context
    this.#hasEnded = context.store.reader.prepare('SELECT ended FROM cases WHERE key = ?').pluck()
  }

  /** The rule itself has asked for the first pulse. */
  raised(slot: Slot, raise: Raise, caseKey: string): void {
    if (!slot.class.isLifeSafety) return
    const targets = (slot.rule.acts ?? [])
      .filter(({ command }) => command === 'open-door')
      .flatMap(({ at = 'same' }) => targetsOf({ command: 'open-door', at }, slot, raise))
    const id = slotId(slot.rule.id, slot.place)
    this.#end(id)
    if (targets.length === 0) return
    const one: Standing = { slot, caseKey, since: this.#context.clock.now(), targets, cancels: [] }
    this.#standing.set(id, one)
    for (const target of targets) this.#wait(one, target)
  }

  cleared(slot: Slot): void {
    this.#end(slotId(slot.rule.id, slot.place))
  }

  /** Fires that an earlier run saw, and that still stand. */
  recall(slotOf: (ruleId: string, place: string) => Slot | undefined): void {
    const rows = this.#context.store.reader
      .prepare("SELECT key, place, standing FROM cases WHERE ended = 0 AND drill = 0 AND standing <> '[]'")
      .all() as { key: string; place: string; standing: string }[] // the columns named
    for (const { key, place, standing } of rows) {
      for (const ruleId of JSON.parse(standing) as string[]) {
        // Written by the case book. Which device began it is not known any more: its rule says where doors are.
        const slot = slotOf(ruleId, place)
        if (slot)
          this.raised(slot, { since: this.#context.clock.now(), drill: false, readings: [], words: {} }, key)
      }
    }
  }

  /** The box has changed: where a rule is gone nobody would say that its fire has ended. */
  replan(slots: readonly Slot[]): void {
    const staying = new Set(slots)
    for (const [id, { slot }] of this.#standing) if (!staying.has(slot)) this.#end(id)
  }

  stop(): void {
    this.#isStopped = true
    for (const id of [...this.#standing.keys()]) this.#end(id)
  }

  #end(id: string): void {
    for (const cancel of this.#standing.get(id)?.cancels ?? []) cancel()
    this.#standing.delete(id)
  }

  #wait(one: Standing, target: Target): void {
    const { clock } = this.#context
    const lastsMs = target.device.commands?.get('open-door')?.command.lastsMs ?? 0
    const isClose = clock.now() < later(one.since, CLOSELY_FOR_MS)
    const wait = isClose ? Math.max(lastsMs, SHORTEST_EVERY_MS) : LATER_EVERY_MS
    one.cancels.push(clock.after(wait, () => void this.#again(one, target)))
    // Those that are past have nothing left to cancel.
    one.cancels = one.cancels.slice(-2 * one.targets.length)
  }

  async #again(one: Standing, target: Target): Promise<void> {
    const { clock, commanding } = this.#context
    const { slot, caseKey } = one
    if (this.#hasEnded.get(caseKey) === 1) {
      this.#end(slotId(slot.rule.id, slot.place))
      return
    }
    const { title } = slot.rule.text
    const begun = commanding.begin({
      requestId: `${caseKey.slice(0, 16)}.${clock.now().toString(36)}.${target.device.id}.${target.part}.open-door`,
      deviceId: target.device.id,
      command: 'open-door',
      part: target.part,
      by: { kind: 'rule', id: slot.rule.id },
      reason: `${title.zh} ${title.en}`,
      caseKey,
      isLifeSafety: true,
    })
    // The store has said what is wrong; the next pulse tries again.
    await begun.catch(() => undefined)
    if (!this.#isStopped && this.#standing.get(slotId(slot.rule.id, slot.place)) === one)
      this.#wait(one, target)
  }
}
