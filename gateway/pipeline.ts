import { later, type Clock, type Duration, type Instant } from '../base/clock.ts'
import { codeOf, GanglionError, isGanglionError, messageOf } from '../base/errors.ts'
import type { Breach, CaseBook } from './case-book.ts'
import type { Case } from './case.ts'
import { Draft } from './draft.ts'
import type { Drilling } from './drilling.ts'
import type { Doors } from './door/doors.ts'
import type { Health } from './health.ts'
import { asKept } from './history/as-kept.ts'
import type { Holding } from './holding.ts'
import type { LocalActions } from './local-actions.ts'
import type { LastReadings } from './last-readings.ts'
import type { Accepted, Arrival, Intake, Observation, Stranger } from './ports.ts'
import type { OpenCase } from './open-cases.ts'
import { toReadings } from './profile.ts'
import { collectProof, type ProofContext } from './proof.ts'
import type { Reading } from './reading.ts'
import type { Rebound } from './rebind.ts'
import type { Raise, Seen, Step } from './rule.ts'
import type { SeenBefore } from './seen-before.ts'
import { slotId, type DevicePlan, type Plans, type Slot } from './slots.ts'
import { Strangers } from './strangers.ts'
import { judge, showMessage, wakeOf } from './stepping.ts'
import { Wakes } from './wakes.ts'
import { sightFor, type Sight } from './why.ts'

/** A message's own time counts when it lies within this of its arrival. */
const BELIEVED_MS = 24 * 3_600_000
const RETRY_MS = 1000

export interface PipelineContext extends ProofContext {
  readonly clock: Clock
  readonly cases: CaseBook
  readonly holding: Holding
  /** What is done at the spot; a replay does nothing there. */
  readonly actions?: LocalActions
  /** What the box watches at doors; a replay was told it. */
  readonly doors?: Doors
  /** A reader waits for an answer. Never throws. */
  readonly asked?: (arrival: Arrival) => Promise<void>
  /** Which devices practise; in a replay none do. */
  readonly drilling?: Drilling
  /** Somebody looks at what a device says just now. */
  readonly watched?: (arrival: Arrival, readings: readonly Reading[], now: Instant) => void
  readonly health: Health
  readonly lastReadings: LastReadings
  readonly seenBefore: SeenBefore
  readonly plans: Plans
  /** Hears of each case that was stored. */
  readonly onCase?: (stored: Case) => void
}

/**
 * The one path: readings → rules → cases → store. `accept` answers once everything that follows from a message is on
 * the disk, so that a transport acknowledges only then.
 */
export class Pipeline implements Intake {
  readonly #context: PipelineContext
  readonly #startedTicks: number
  readonly #wakes: Wakes<Slot>
  readonly strangers: Strangers
  /** Asked again and again in vain, and not heard since. */
  readonly #unanswered = new Set<string>()
  #plans: Plans
  #messages = 0

  constructor(context: PipelineContext) {
    this.#context = context
    this.#plans = context.plans
    this.strangers = new Strangers(context.clock)
    this.#startedTicks = context.clock.ticks()
    this.#wakes = new Wakes(
      context.clock,
      (slot) => this.#wake(slot),
      (by) => this.#jumped(by),
    )
    this.#recall(this.#plans.slots, context.clock.now())
    context.doors?.start((deviceId, readings) => this.note(deviceId, readings))
    context.actions?.start((draft, breach, raise, sight) => this.#open(draft, breach, raise, sight))
    context.drilling?.start({
      begin: (slots) => {
        for (const slot of slots) this.#wakes.set(slot, context.clock.now())
      },
      inEarnest: (deviceId) => this.#inEarnest(deviceId),
    })
    context.holding.start((draft, breach, raise, sight) => {
      if (context.actions?.holds(draft, breach, raise, sight) !== true)
        this.#open(draft, breach, raise, sight)
    })
  }

  /** Messages taken since the start. */
  get messages(): number {
    return this.#messages
  }

  async accept(arrival: Arrival): Promise<Accepted> {
    this.#planOf(arrival.deviceId)
    this.#wakes.look()
    const { clock, seenBefore, store } = this.#context
    const now = clock.now()
    const mayRepeat =
      arrival.publish?.dup === true || arrival.messageId !== undefined || arrival.time !== undefined
    if (mayRepeat && (await seenBefore.has(arrival, now))) return 'seen-before'
    // The box may have changed meanwhile.
    const plan = this.#planOf(arrival.deviceId)
    const at = believed(arrival.time, now)
    const said = toReadings(plan.device.profile, arrival.fields, at)
    const draft = new Draft()
    if (!seenBefore.remember(draft, arrival, plan.site.id, now)) {
      await store.settled()
      return 'seen-before'
    }
    this.#countBad(arrival.deviceId, said)
    this.#context.drilling?.heard(arrival.deviceId, arrival.time, now)
    this.#context.watched?.(arrival, said, now)
    if (arrival.retained) {
      draft.isRetained = true
      this.#context.lastReadings.retained(draft, arrival.deviceId, said, now)
      await this.#take(draft, { ...plan, onHeard: [] }, said, now, undefined)
      return 'taken'
    }
    const { doors } = this.#context
    const readings = [...said, ...(doors?.follow(draft, arrival.deviceId, said) ?? [])]
    this.#context.lastReadings.heard(draft, arrival.deviceId, readings, now, { publish: arrival.publish })
    await this.#take(draft, plan, readings, now, undefined)
    if (arrival.presented) await this.#context.asked?.(arrival)
    return 'taken'
  }

  /** What the hub itself makes of what a device said before: rules are shown it, and it is no sign of life. */
  async note(deviceId: string, readings: readonly Reading[]): Promise<void> {
    const plan = this.#planOf(deviceId)
    this.#wakes.look()
    const now = this.#context.clock.now()
    const draft = new Draft()
    this.#context.lastReadings.noted(draft, deviceId, readings, now)
    await this.#show(draft, { ...plan, onHeard: [] }, readings, now, undefined)
  }

  async observe(seen: Observation): Promise<void> {
    const observation = asKept(seen)
    const plan = this.#planOf(observation.deviceId)
    this.#wakes.look()
    const now = this.#context.clock.now()
    const draft = new Draft()
    this.#context.drilling?.heard(observation.deviceId, observation.at, now)
    this.#context.lastReadings.heard(draft, observation.deviceId, observation.readings, now, { observation })
    await this.#take(draft, plan, observation.readings, now, observation)
  }

  lost(deviceId: string, reason: string): void {
    this.#context.lastReadings.spoil(deviceId)
    this.#context.doors?.lost(deviceId)
    this.state(deviceId, 'lost', reason)
  }

  unanswered(deviceId: string, reason: string): void {
    const plan = this.#context.drilling?.planOf(deviceId) ?? this.#plans.byDevice.get(deviceId)
    if (!plan) return
    this.#unanswered.add(deviceId)
    this.state(deviceId, 'missing', reason)
    this.#wakes.look()
    const draft = new Draft()
    const { clock, lastReadings } = this.#context
    lastReadings.unanswered(draft, deviceId, clock.now())
    // Counted there; what rules make of it is stored by itself.
    this.#commit(draft).catch(() => undefined)
    for (const slot of plan.onHeard) this.#wake(slot)
  }

  trouble(what: string, example: string): void {
    this.#context.health.trouble(what, example)
  }

  state(subject: string, word: string, detail?: string): void {
    this.#context.health.state(subject, word, detail)
  }

  stranger(stranger: Stranger): void {
    this.strangers.saw(stranger)
  }

  stop(): void {
    this.#wakes.stop()
    this.#context.holding.stop()
    this.#context.actions?.stop()
    this.#context.doors?.stop()
    this.#context.seenBefore.stop()
  }

  #planOf(deviceId: string): DevicePlan {
    const plan = this.#context.drilling?.planOf(deviceId) ?? this.#plans.byDevice.get(deviceId)
    if (!plan) throw new GanglionError('device-unknown', `the device "${deviceId}" is in no site of this box`)
    return plan
  }

  /**
   * Goes on with a changed box, as a new start would, but for what stays: its memory, and the messages that are under
   * way. All that was given to the store before is stored.
   */
  replan({ plans, fresh, anew }: Rebound): void {
    this.#plans = plans
    for (const id of this.#unanswered) if (!plans.byDevice.has(id)) this.#unanswered.delete(id)
    const staying = new Set(plans.slots)
    this.#wakes.keep((slot) => staying.has(slot))
    const beginning = new Set(anew)
    const going = fresh.filter((slot) => !beginning.has(slot))
    this.#recall(going, this.#context.clock.now(), anew)
    this.#context.drilling?.replan()
  }

  /**
   * Rule memory of an earlier run, then one wake for every rule at every place. Another kind could not read it; a
   * new version of the rule goes on with it, since what it remembers still stands.
   */
  #recall(known: readonly Slot[], now: Instant, anew: readonly Slot[] = []): void {
    const { store } = this.#context
    const { slots } = this.#plans
    const remembering = new Set(known)
    const bySlot = new Map(slots.map((slot) => [slotId(slot.rule.id, slot.place), slot]))
    const rows = store.reader.prepare('SELECT rule, place, kind, state FROM rule_memory').all() as {
      rule: string
      place: string
      kind: string
      state: string
    }[] // the columns named
    for (const row of rows) {
      const slot = bySlot.get(slotId(row.rule, row.place))
      if (slot?.rule.kindId === row.kind && remembering.has(slot)) slot.state = JSON.parse(row.state)
    }
    for (const slot of slots) this.#wakes.set(slot, now)
    const kinds = new Map(rows.map(({ rule, place, kind }) => [slotId(rule, place), kind]))
    const draft = new Draft()
    for (const { rule, place } of anew) draft.add(['deleteMemory', rule.id, place])
    this.#letGo(draft, bySlot, kinds, now)
  }

  /** What stands because of a rule that is another one now, or not at all at this place, would never be cleared. */
  #letGo(
    draft: Draft,
    bySlot: ReadonlyMap<string, Slot>,
    kinds: ReadonlyMap<string, string>,
    now: Instant,
  ): void {
    const isOrphan = (rule: string, { class: cls, place }: Case): boolean => {
      const id = slotId(rule, place)
      const slot = bySlot.get(id)
      if (slot?.class.id === cls && (kinds.get(id) ?? slot.rule.kindId) === slot.rule.kindId) return false
      // It says anew what stands.
      if (slot) slot.state = slot.rule.kind.start
      draft.add(['deleteMemory', rule, place])
      return true
    }
    this.#context.cases.letGo(draft, isOrphan, now)
    if (draft.changes.length === 0) return
    // Where it cannot be stored it is counted, and the next start tries again.
    void this.#commit(draft).then(
      () => draft.stored(),
      () => undefined,
    )
  }

  async #take(
    draft: Draft,
    plan: DevicePlan,
    readings: readonly Reading[],
    now: Instant,
    observation: Observation | undefined,
  ): Promise<void> {
    this.#messages++
    if (!draft.isRetained) this.#unanswered.delete(plan.device.id)
    await this.#show(draft, plan, readings, now, observation)
    if (!draft.isRetained) this.#context.actions?.heard(plan.device.id, readings)
  }

  async #show(
    draft: Draft,
    plan: DevicePlan,
    readings: readonly Reading[],
    now: Instant,
    observation: Observation | undefined,
  ): Promise<void> {
    try {
      showMessage(plan, readings, observation, (slot, seen) => this.#step(draft, slot, seen, now))
    } catch (error) {
      draft.undo()
      throw error
    }
    await this.#commit(draft)
    draft.stored()
  }

  /** Counted whoever tries again. @throws GanglionError `store-failed` or `store-full`. */
  async #commit(draft: Draft): Promise<void> {
    try {
      await this.#context.store.commit(draft)
    } catch (error) {
      this.trouble(codeOf(error), messageOf(error))
      throw error
    }
  }

  /** Wrong types and values that nobody can believe. */
  #countBad(deviceId: string, readings: readonly Reading[]): void {
    const bad = readings.find(({ quality }) => quality === 'bad')
    if (!bad) return
    const name = bad.part === '' ? bad.quantity : `${bad.part}/${bad.quantity}`
    this.trouble(`payload-invalid (${deviceId})`, `${name}: ${JSON.stringify(bad.value)} is not believed`)
  }

  /** Every rule hears of it, also one that waits for nothing: what it remembers was timed by the old clock. */
  #jumped(by: Duration): void {
    this.trouble('clock jumped', `by ${(by / 1000).toFixed(1)} s`)
    for (const slot of this.#plans.slots) this.#wake(slot, by)
  }

  #wake(slot: Slot, jumpedBy = 0): void {
    const draft = new Draft()
    const { clock, lastReadings } = this.#context
    const known = {
      startedTicks: this.#startedTicks,
      heardTicks: (id: string): number | undefined => lastReadings.heardTicks(id),
      isUnanswered: (id: string): boolean => this.#unanswered.has(id),
      jumpedBy,
    }
    this.#step(draft, slot, wakeOf(slot, clock, known), clock.now())
    if (draft.changes.length === 0) return
    this.#commit(draft).then(
      () => draft.stored(),
      () => this.#wakes.set(slot, later(this.#context.clock.now(), RETRY_MS)), // counted there
    )
  }

  #step(draft: Draft, slot: Slot, seen: Seen, now: Instant): void {
    const { drilling } = this.#context
    if (drilling?.isMuted(slot) === true) return
    let step
    try {
      step = judge(slot, seen, now)
    } catch (error) {
      // A rule that breaks must not take the message with it.
      this.trouble(ruleFailure(slot.rule.id), messageOf(error))
      return
    }
    if (step.state !== slot.state) this.#keep(draft, slot, step.state)
    if (step.wakeAt !== undefined) {
      this.#wakes.set(slot, step.wakeAt)
      // The memory of before may need an earlier look than the one that is taken back.
      draft.onUndo(() => this.#wakes.set(slot, later(this.#context.clock.now(), RETRY_MS)))
    }
    if (drilling?.isPractice(slot) === true) {
      this.#practise(draft, slot, step, drilling)
      return
    }
    const { holding } = this.#context
    if (step.clear) {
      this.#context.actions?.cleared(draft, slot, step.clear.drill)
      holding.clear(draft, slot, step.clear)
    }
    if (step.raise) holding.raise(draft, slot, step.raise)
  }

  /** A drill walks the whole chain: nothing holds it back, and nothing is done at the spot. */
  #practise(draft: Draft, slot: Slot, { clear, raise }: Step<unknown>, drilling: Drilling): void {
    const { cases, pictures } = this.#context
    const { rule, site, place } = slot
    const breach = { rule, site, place, drill: true }
    if (clear) cases.clear(draft, breach, clear.at)
    if (!raise) return
    const sight = sightFor(raise, slot.sights)
    const awaitProof = rule.pictures && sight !== undefined && pictures !== undefined
    const open = cases.raise(draft, breach, raise, sight, awaitProof)
    drilling.raised(draft, slot, open)
    this.#afterRaise(draft, open, awaitProof ? sight : undefined)
  }

  /** Its drill is over: whatever it said last is true in earnest, and what waited meanwhile is looked at. */
  #inEarnest(deviceId: string): void {
    const plan = this.#plans.byDevice.get(deviceId)
    if (!plan) return
    const now = this.#context.clock.now()
    const readings = this.#context.lastReadings.of(deviceId)
    const draft = new Draft()
    this.#show(draft, { ...plan, onHeard: [] }, readings, now, undefined).catch(() => undefined) // counted there
    for (const slot of this.#plans.slots) if (slot.devices.has(deviceId)) this.#wakes.set(slot, now)
  }

  #open(draft: Draft, breach: Breach, raise: Raise, sight: Sight | undefined): void {
    const { cases, pictures } = this.#context
    const awaitProof = breach.rule.pictures && sight !== undefined && pictures !== undefined
    const open = cases.raise(draft, breach, raise, sight, awaitProof)
    this.#context.actions?.raised(draft, breach, raise, open)
    this.#afterRaise(draft, open, awaitProof ? sight : undefined)
  }

  #keep(draft: Draft, slot: Slot, state: unknown): void {
    const before = slot.state
    slot.state = state
    // A drill is over with the run: the next one begins anew.
    if (this.#context.drilling?.isPractice(slot) === true) {
      draft.onUndo(() => {
        if (slot.state === state) slot.state = before
      })
      return
    }
    if (slot.class.isLifeSafety) draft.lifeSafety = true
    const { rule, place, site } = slot
    draft.add(['putMemory', rule.id, place, rule.kindId, site.id, JSON.stringify(state)], () => {
      // A life-safety unit on top of this one may have been stored from the reserve: then that stands.
      if (slot.state === state) slot.state = before
    })
  }

  #tell(stored: Case): void {
    try {
      this.#context.onCase?.(stored)
    } catch (error) {
      // It looks on; the case is stored and must leave.
      this.trouble('an onlooker failed', messageOf(error))
    }
  }

  #afterRaise(draft: Draft, open: OpenCase, sight: Sight | undefined): void {
    draft.afterwards(() => {
      this.#tell(open.case)
      if (!sight) return
      collectProof(this.#context, open, sight).catch((error: unknown) => {
        this.trouble('proof could not be stored', messageOf(error))
      })
    })
  }
}

/** How health names the trouble. */
export const ruleFailure = (rule: string): string => `rule ${rule} failed`

function believed(own: Instant | undefined, now: Instant): Instant {
  return own !== undefined && Math.abs(now - own) <= BELIEVED_MS ? own : now
}

/** Is this a refusal of the store, after which the sender should try again? */
export const isStoreRefusal = (error: unknown): boolean =>
  isGanglionError(error, 'store-full') || isGanglionError(error, 'store-failed')
