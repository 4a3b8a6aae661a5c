import { instant, later, type Clock, type Instant } from '../base/clock.ts'
import { codeOf, GanglionError, isGanglionError, messageOf } from '../base/errors.ts'
import type { CaseBook, OpenCase } from './case-book.ts'
import type { Case } from './case.ts'
import { Draft } from './draft.ts'
import type { Health } from './health.ts'
import type { LastReadings } from './last-readings.ts'
import type { Accepted, Arrival, Intake, Observation } from './ports.ts'
import { toReadings } from './profile.ts'
import { collectProof, type ProofContext } from './proof.ts'
import type { Reading } from './reading.ts'
import type { Seen } from './rule.ts'
import type { SeenBefore } from './seen-before.ts'
import { slotId, type DevicePlan, type Plans, type Slot } from './slots.ts'
import { Wakes } from './wakes.ts'
import type { Sight } from './why.ts'

/** A message's own time counts when it lies within this of its arrival. */
const BELIEVED_MS = 24 * 3_600_000
const RETRY_MS = 1000

export interface PipelineContext extends ProofContext {
  readonly clock: Clock
  readonly cases: CaseBook
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
  readonly #startedAt: Instant
  readonly #startedTicks: number
  readonly #wakes: Wakes<Slot>
  #messages = 0

  constructor(context: PipelineContext) {
    this.#context = context
    this.#startedAt = context.clock.now()
    this.#startedTicks = context.clock.ticks()
    this.#wakes = new Wakes(
      context.clock,
      (slot) => this.#wake(slot),
      (by) => this.trouble('clock jumped', `by ${(by / 1000).toFixed(1)} s`),
    )
    this.#recall()
  }

  /** Messages taken since the start. */
  get messages(): number {
    return this.#messages
  }

  async accept(arrival: Arrival): Promise<Accepted> {
    const plan = this.#planOf(arrival.deviceId)
    const { clock, seenBefore, store } = this.#context
    const now = clock.now()
    const mayRepeat =
      arrival.publish?.dup === true || arrival.messageId !== undefined || arrival.time !== undefined
    if (mayRepeat && (await seenBefore.has(arrival, now))) return 'seen-before'
    const at = believed(arrival.time, now)
    const readings = toReadings(plan.device.profile, arrival.fields, at)
    const draft = new Draft()
    if (!seenBefore.remember(draft, arrival, plan.site.id, now)) {
      await store.settled()
      return 'seen-before'
    }
    this.#countBad(arrival.deviceId, readings)
    this.#context.lastReadings.heard(draft, arrival.deviceId, readings, now, arrival.publish)
    await this.#take(draft, plan, readings, now, undefined)
    return 'taken'
  }

  async observe(observation: Observation): Promise<void> {
    const plan = this.#planOf(observation.deviceId)
    const now = this.#context.clock.now()
    const draft = new Draft()
    this.#context.lastReadings.heard(draft, observation.deviceId, observation.readings, now)
    await this.#take(draft, plan, observation.readings, now, observation)
  }

  lost(deviceId: string, reason: string): void {
    this.#context.lastReadings.spoil(deviceId)
    this.state(deviceId, 'lost', reason)
  }

  trouble(what: string, example: string): void {
    this.#context.health.trouble(what, example)
  }

  state(subject: string, word: string, detail?: string): void {
    this.#context.health.state(subject, word, detail)
  }

  stop(): void {
    this.#wakes.stop()
    this.#context.seenBefore.stop()
  }

  #planOf(deviceId: string): DevicePlan {
    const plan = this.#context.plans.byDevice.get(deviceId)
    if (!plan) throw new GanglionError('device-unknown', `the device "${deviceId}" is in no site of this box`)
    return plan
  }

  /**
   * Rule memory of an earlier run, then one wake for every rule at every place. Another kind could not read it; a
   * new version of the rule goes on with it, since what it remembers still stands.
   */
  #recall(): void {
    const { plans, store } = this.#context
    const bySlot = new Map(plans.slots.map((slot) => [slotId(slot.rule.id, slot.place), slot]))
    const rows = store.reader.prepare('SELECT rule, place, kind, state FROM rule_memory').all() as {
      rule: string
      place: string
      kind: string
      state: string
    }[] // the columns named
    for (const row of rows) {
      const slot = bySlot.get(slotId(row.rule, row.place))
      if (slot?.rule.kindId === row.kind) slot.state = JSON.parse(row.state)
    }
    for (const slot of plans.slots) this.#wakes.set(slot, this.#startedAt)
  }

  async #take(
    draft: Draft,
    plan: DevicePlan,
    readings: readonly Reading[],
    now: Instant,
    observation: Observation | undefined,
  ): Promise<void> {
    const { device } = plan
    this.#messages++
    try {
      for (const slot of plan.onHeard) this.#step(draft, slot, { kind: 'heard', deviceId: device.id }, now)
      for (const [slot, shown] of shownTo(plan, readings)) {
        if (observation) slot.sight = sightOf(observation, shown) ?? slot.sight
        const stays = observation?.stays ?? []
        this.#step(draft, slot, { kind: 'readings', deviceId: device.id, readings: shown, stays }, now)
      }
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

  #wake(slot: Slot): void {
    const draft = new Draft()
    const now = this.#context.clock.now()
    this.#step(draft, slot, { kind: 'wake', lastHeard: this.#lastHeard(slot) }, now)
    if (draft.changes.length === 0) return
    this.#commit(draft).then(
      () => draft.stored(),
      () => this.#wakes.set(slot, later(this.#context.clock.now(), RETRY_MS)), // counted there
    )
  }

  /**
   * The gateway's own absence is not the device's silence, and neither is a wall clock that jumps: silence is measured
   * by ticks.
   */
  #lastHeard(slot: Slot): Instant {
    const { clock, lastReadings } = this.#context
    const heard = [...slot.devices.keys()].map((id) => lastReadings.heardTicks(id) ?? this.#startedTicks)
    const silentFor = clock.ticks() - Math.max(this.#startedTicks, ...heard)
    return instant(clock.now() - Math.round(silentFor))
  }

  #step(draft: Draft, slot: Slot, seen: Seen, now: Instant): void {
    let step
    try {
      step = slot.step(slot.state, seen, now)
    } catch (error) {
      // A rule that breaks must not take the message with it.
      this.trouble(`rule ${slot.rule.id} failed`, messageOf(error))
      return
    }
    if (step.state !== slot.state) this.#keep(draft, slot, step.state)
    if (step.wakeAt !== undefined) {
      this.#wakes.set(slot, step.wakeAt)
      // The memory of before may need an earlier look than the one that is taken back.
      draft.onUndo(() => this.#wakes.set(slot, later(this.#context.clock.now(), RETRY_MS)))
    }
    const { cases } = this.#context
    const breach = (drill: boolean) => ({ rule: slot.rule, site: slot.site, place: slot.place, drill })
    if (step.clear) cases.clear(draft, breach(step.clear.drill || isDrillOnly(slot)), step.clear.at)
    if (step.raise) {
      const sight = slot.sight
      const awaitProof = slot.rule.pictures && sight !== undefined && this.#context.pictures !== undefined
      const drill = step.raise.drill || isDrillOnly(slot)
      const open = cases.raise(draft, breach(drill), step.raise, sight, awaitProof)
      this.#afterRaise(draft, open, awaitProof ? sight : undefined)
    }
  }

  #keep(draft: Draft, slot: Slot, state: unknown): void {
    const before = slot.state
    slot.state = state
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

function believed(own: Instant | undefined, now: Instant): Instant {
  return own !== undefined && Math.abs(now - own) <= BELIEVED_MS ? own : now
}

/** Each slot with the readings that it asked for. */
function shownTo(plan: DevicePlan, readings: readonly Reading[]): Map<Slot, Reading[]> {
  const shown = new Map<Slot, Reading[]>()
  for (const reading of readings) {
    for (const slot of plan.onReading.get(reading.quantity)?.get(reading.part) ?? []) {
      const own = shown.get(slot)
      if (own) own.push(reading)
      else shown.set(slot, [reading])
    }
  }
  return shown
}

function sightOf(
  { deviceId, stays, model, thresholds }: Observation,
  shown: readonly Reading[],
): Sight | undefined {
  const zone = shown[0]?.part ?? ''
  const tracks = stays.filter((stay) => stay.zone === zone).flatMap((stay) => stay.tracks)
  return tracks.length === 0 ? undefined : { deviceId, zone, tracks, model, thresholds }
}

const isDrillOnly = (slot: Slot): boolean => [...slot.devices.values()].every((device) => device.drillOnly)

/** Is this a refusal of the store, after which the sender should try again? */
export const isStoreRefusal = (error: unknown): boolean =>
  isGanglionError(error, 'store-full') || isGanglionError(error, 'store-failed')
