import { isoTime, later, type Duration, type Instant } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { CaseBook } from './case-book.ts'
import type { Case, Why } from './case.ts'
import type { Box } from './config.ts'
import { Draft } from './draft.ts'
import type { Recorded, RecordedMessage } from './history/recorded.ts'
import { Holding } from './holding.ts'
import { ReplayClock } from './replay-clock.ts'
import { ReplayStore } from './replay-store.ts'
import type { Seen } from './rule.ts'
import { bindRules, type Plans, type Slot } from './slots.ts'
import { judge, showMessage, wakeOf } from './stepping.ts'
import { isEnded } from './stage.ts'
import type { Change } from './store/schema.ts'
import { Wakes } from './wakes.ts'

/** What became of a breach in a replay, in the order in which it would have happened. */
export type ReplayLine =
  | {
      readonly is: 'raised' | 'again' | 'cleared' | 'escalated'
      readonly at: string
      readonly case: Case
      /** The rules whose breach stands now, the newest last. */
      readonly standing: readonly string[]
    }
  | {
      readonly is: 'held'
      readonly at: string
      readonly rule: string
      readonly place: string
      readonly siteId: string
      readonly class: string
      readonly drill: boolean
      readonly since: string
      readonly heldBy: string
      readonly why: Why
    }
  | { readonly is: 'failed'; readonly at: string; readonly what: string; readonly example: string }

export interface ReplayOptions {
  readonly box: Box
  readonly from: Instant
  /** Nobody at a platform closes cases in a replay: so long after it has cleared, a case counts as closed. */
  readonly closeAfter?: Duration
  onLine(line: ReplayLine): void
}

const CLOSE_AFTER_MS: Duration = 3_600_000

/**
 * 回放: the box's rules, holding and case book over what was recorded, in virtual time. The same recording gives the
 * same lines, byte for byte, wherever and whenever it runs. Rules begin with an empty memory at `from`.
 */
export class Replay {
  readonly #options: ReplayOptions
  readonly #clock: ReplayClock
  readonly #store: ReplayStore
  readonly #cases: CaseBook
  readonly #holding: Holding
  readonly #plans: Plans
  readonly #heard = new Map<string, number>()
  readonly #unanswered = new Set<string>()
  /** The last revision of each case that is not closed. */
  readonly #known = new Map<string, Case>()
  #wakes: Wakes<Slot>
  #startedTicks = 0

  constructor(options: ReplayOptions) {
    const { box, from } = options
    this.#options = options
    const clock = new ReplayClock(from)
    this.#clock = clock
    const store = new ReplayStore(box.sites, (change) => this.#written(change))
    this.#store = store
    this.#plans = bindRules(box)
    this.#cases = new CaseBook({ boxId: box.id, clock, store, catalogue: box.catalogue, outboxes: [] })
    const trouble = (what: string, example: string): void =>
      options.onLine({ is: 'failed', at: isoTime(clock.now()), what, example })
    const health = { trouble, state: () => undefined }
    this.#holding = new Holding({ clock, store, cases: this.#cases, health, box, plans: this.#plans })
    this.#holding.start((draft, breach, raise, sight) =>
      this.#cases.raise(draft, breach, raise, sight, false),
    )
    this.#wakes = this.#wakeAll()
  }

  /** Entries come in the order in which they were recorded. */
  async show(recorded: Recorded): Promise<void> {
    const clock = this.#clock
    switch (recorded.is) {
      case 'start':
        this.#leap(recorded.at)
        this.#wakes.stop()
        // What a camera last saw is no part of a rule's memory.
        for (const slot of this.#plans.slots) slot.sights.clear()
        this.#unanswered.clear()
        this.#wakes = this.#wakeAll()
        return
      case 'stop':
        await this.until(recorded.at)
        return
      case 'jump':
        await this.until(later(recorded.at, -recorded.by))
        clock.jump(recorded.at)
        return
      case 'unanswered':
        await this.until(recorded.at)
        this.#wakes.look()
        this.#unanswered.add(recorded.deviceId)
        for (const slot of this.#plans.byDevice.get(recorded.deviceId)?.onHeard ?? []) this.#wake(slot)
        return
      case 'message':
        await this.until(recorded.at)
        // A clock that is being adjusted goes back a little without a jump.
        clock.jump(recorded.at)
        this.#wakes.look()
        this.#take(recorded)
        if (this.#store.hasNews) await this.#settle()
    }
  }

  /** Time passes, and whoever asked is woken in it. */
  async until(at: Instant): Promise<void> {
    while (this.#clock.step(at)) if (this.#store.hasNews) await this.#settle()
  }

  /** The gateway was away, which is no silence of the devices. */
  #leap(to: Instant): void {
    const before = this.#clock.ticks()
    this.#clock.leap(to)
    const away = this.#clock.ticks() - before
    for (const [id, ticks] of this.#heard) this.#heard.set(id, ticks + away)
  }

  stop(): void {
    this.#wakes.stop()
    this.#holding.stop()
    this.#store.close()
  }

  /** Those who wait for a commit go on before time does. */
  async #settle(): Promise<void> {
    this.#store.hasNews = false
    await Promise.resolve()
  }

  #wakeAll(): Wakes<Slot> {
    this.#startedTicks = this.#clock.ticks()
    const wakes = new Wakes<Slot>(
      this.#clock,
      (slot) => this.#wake(slot),
      (by) => {
        for (const slot of this.#plans.slots) this.#wake(slot, by)
      },
    )
    for (const slot of this.#plans.slots) wakes.set(slot, this.#clock.now())
    return wakes
  }

  #take({ deviceId, readings, observation, notSaid }: RecordedMessage): void {
    const plan = this.#plans.byDevice.get(deviceId)
    if (!plan) return
    if (!notSaid) {
      this.#heard.set(deviceId, this.#clock.ticks())
      this.#unanswered.delete(deviceId)
    }
    const draft = new Draft()
    const shown = notSaid ? { ...plan, onHeard: [] } : plan
    showMessage(shown, readings, observation, (slot, seen) => this.#step(draft, slot, seen))
    this.#stored(draft)
  }

  #wake(slot: Slot, jumpedBy = 0): void {
    const draft = new Draft()
    const known = {
      startedTicks: this.#startedTicks,
      heardTicks: (id: string): number | undefined => this.#heard.get(id),
      isUnanswered: (id: string): boolean => this.#unanswered.has(id),
      jumpedBy,
    }
    this.#step(draft, slot, wakeOf(slot, this.#clock, known))
    this.#stored(draft)
  }

  #step(draft: Draft, slot: Slot, seen: Seen): void {
    const now = this.#clock.now()
    let step
    try {
      step = judge(slot, seen, now)
    } catch (error) {
      const what = `rule ${slot.rule.id} failed`
      this.#options.onLine({ is: 'failed', at: isoTime(now), what, example: messageOf(error) })
      return
    }
    slot.state = step.state
    if (step.wakeAt !== undefined) this.#wakes.set(slot, step.wakeAt)
    if (step.clear) this.#holding.clear(draft, slot, step.clear)
    if (step.raise) this.#holding.raise(draft, slot, step.raise)
  }

  #stored(draft: Draft): void {
    if (draft.changes.length > 0) this.#store.take(draft.changes)
    draft.stored()
  }

  #written(change: Change): void {
    if (change[0] === 'putCase')
      // The book's own JSON.
      this.#caseWritten(
        JSON.parse(String(change.at(-1))) as Case,
        JSON.parse(String(change.at(-2))) as string[],
      )
    else if (change[0] === 'putWouldBe') this.#held(change)
  }

  #caseWritten(next: Case, standing: readonly string[]): void {
    const before = this.#known.get(next.key)
    if (isEnded(next.stage)) {
      this.#known.delete(next.key)
      return
    }
    this.#known.set(next.key, next)
    const at = isoTime(this.#clock.now())
    if (!before) this.#options.onLine({ is: 'raised', at, case: next, standing })
    else if (next.revision === before.revision) return
    else if (next.count > before.count) this.#options.onLine({ is: 'again', at, case: next, standing })
    else if (next.clearedAt !== null) this.#options.onLine({ is: 'cleared', at, case: next, standing })
    else this.#options.onLine({ is: 'escalated', at, case: next, standing })
    if (next.clearedAt !== null) this.#closeLater(next)
  }

  #closeLater({ key, revision }: Case): void {
    this.#clock.after(this.#options.closeAfter ?? CLOSE_AFTER_MS, () => {
      // Raised again meanwhile: then its next end counts.
      if (this.#known.get(key)?.revision !== revision) return
      const draft = new Draft()
      const at = isoTime(this.#clock.now())
      this.#cases.move(draft, { key, stage: 'closed', version: 1, at })
      this.#stored(draft)
    })
  }

  #held([, , rule, place, siteId, cls, drill, since, at, heldBy, why]: Change): void {
    this.#options.onLine({
      is: 'held',
      at: isoTime(at as Instant), // as would-be.ts writes it, and those below
      rule: String(rule),
      place: String(place),
      siteId: String(siteId),
      class: String(cls),
      drill: drill === 1,
      since: isoTime(since as Instant),
      heldBy: String(heldBy),
      why: JSON.parse(String(why)) as Why,
    })
  }
}

/** All lines of a recording: `from` belongs to it, and time goes on until `to`. */
export async function replay(
  box: Box,
  recording: Iterable<Recorded>,
  span: { readonly from: Instant; readonly to: Instant; readonly closeAfter?: Duration },
): Promise<readonly ReplayLine[]> {
  const lines: ReplayLine[] = []
  const { from, to, closeAfter } = span
  const run = new Replay({
    box,
    from,
    ...(closeAfter !== undefined && { closeAfter }),
    onLine: (line) => lines.push(line),
  })
  try {
    for (const recorded of recording) await run.show(recorded)
    await run.until(to)
    return lines
  } finally {
    run.stop()
  }
}
