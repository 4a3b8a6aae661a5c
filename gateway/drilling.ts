import { randomUUID } from 'node:crypto'
import { isoTime, later, type Clock, type Duration, type Instant } from '../base/clock.ts'
import { GanglionError, messageOf } from '../base/errors.ts'
import type { CaseBook } from './case-book.ts'
import type { Box } from './config.ts'
import { Draft } from './draft.ts'
import { drillChange, unfinishedDrills, type DrillRecord, type Hops } from './drill-record.ts'
import { drillPlan, type DrillPlan } from './drill-slots.ts'
import type { Health } from './health.ts'
import type { OpenCase } from './open-cases.ts'
import type { DevicePlan, Slot } from './slots.ts'
import type { Store } from './store/store.ts'

export const LONGEST_DRILL_MS: Duration = 4 * 3_600_000
const RETRY_MS = 1000

export interface DrillingContext {
  readonly clock: Clock
  readonly store: Pick<Store, 'commit' | 'reader'>
  readonly cases: CaseBook
  readonly health: Pick<Health, 'state' | 'forget' | 'trouble'>
  readonly box: Pick<Box, 'sites' | 'rules' | 'catalogue' | 'devices'>
}

/** What the path does about it. */
export interface DrillStage {
  /** These rules practise from now on. */
  begin(slots: readonly Slot[]): void
  /** The device speaks in earnest again: what it last said is shown to the rules, so that what still stands is a case. */
  inEarnest(deviceId: string): void
}

interface Practising {
  record: DrillRecord
  bound: DrillPlan
  last: { readonly arrivedAt: Instant; readonly sensorAt?: Instant } | undefined
  cancel: () => void
}

/** 演练: which devices practise just now, and how long the first case of each took to the platform. */
export class Drilling {
  readonly #context: DrillingContext
  readonly #practising = new Map<string, Practising>()
  /** Also of drills that are over: such a rule must never speak in earnest. */
  readonly #slots = new WeakSet<Slot>()
  /** Whose case the platform has not answered yet, by the case's key. */
  readonly #underWay = new Map<string, DrillRecord>()
  #stage: DrillStage | undefined
  #isStopped = false

  constructor(context: DrillingContext) {
    this.#context = context
    const now = context.clock.now()
    for (const record of unfinishedDrills(context.store.reader)) {
      if (record.hops) this.#underWay.set(record.hops.caseKey, record)
      if (record.endedAt !== undefined) continue
      // A clock that was set back while the gateway was away must not make it longer.
      const left = Math.min(record.until - now, record.until - record.beganAt)
      // The box that it was begun in had the device.
      if (!this.#join(record, left)) this.#commit(() => draftOf({ ...record, endedAt: now }))
    }
    context.cases.onDelivered((draft, key) => {
      this.#passed(
        draft,
        key,
        (hops) => hops.deliveredAt === undefined && { deliveredAt: context.clock.now() },
      )
    })
    context.cases.onMove((draft, moved, { platformStage, stage }) => {
      const answeredAt = context.clock.now()
      this.#passed(draft, moved.case.key, ({ deliveredAt = answeredAt }) => ({
        deliveredAt,
        answeredAt,
        answer: platformStage ?? stage,
      }))
    })
  }

  start(stage: DrillStage): void {
    this.#stage = stage
    for (const { bound } of this.#practising.values()) stage.begin(bound.slots)
  }

  stop(): void {
    this.#isStopped = true
    for (const { cancel } of this.#practising.values()) cancel()
  }

  /** The rules that a message of the device goes to while it practises. */
  planOf(deviceId: string): DevicePlan | undefined {
    return this.#practising.get(deviceId)?.bound.plan
  }

  isPractice(slot: Slot): boolean {
    return this.#slots.has(slot)
  }

  /** Nothing may come of it now: its drill is over, or all that watch its place practise. */
  isMuted(slot: Slot): boolean {
    if (this.#practising.size === 0) return this.#slots.has(slot)
    const ids = [...slot.devices.keys()]
    if (!this.#slots.has(slot)) return ids.every((id) => this.#practising.has(id))
    return !ids.some((id) => this.#practising.get(id)?.bound.slots.includes(slot))
  }

  heard(deviceId: string, sensorAt: Instant | undefined, arrivedAt: Instant): void {
    const practising = this.#practising.get(deviceId)
    if (practising) practising.last = { arrivedAt, ...(sensorAt !== undefined && { sensorAt }) }
  }

  /** The first case of a drill is the one whose way is measured. */
  raised(draft: Draft, slot: Slot, { case: { class: cls, key } }: OpenCase): void {
    const [deviceId = ''] = slot.devices.keys()
    const practising = this.#practising.get(deviceId)
    if (!practising || practising.record.hops) return
    const before = practising.record
    const hops = { caseKey: key, class: cls, ...practising.last, raisedAt: this.#context.clock.now() }
    practising.record = { ...before, hops }
    this.#underWay.set(key, practising.record)
    draft.add(drillChange(practising.record), () => {
      practising.record = before
      this.#underWay.delete(key)
    })
    draft.afterwards(() => {
      const storedAt = this.#context.clock.now()
      this.#commit(() => {
        const stored = new Draft()
        this.#passed(stored, key, () => ({ storedAt }))
        return stored
      })
    })
  }

  /** @throws GanglionError `device-unknown`, `not-allowed`, `store-full`, `store-failed` */
  async begin(deviceId: string, span: Duration, by: string): Promise<DrillRecord> {
    const { box, clock } = this.#context
    const siteId = box.devices.get(deviceId)?.siteId
    if (siteId === undefined)
      throw new GanglionError('device-unknown', `no site of this box has a device "${deviceId}"`)
    const running = this.#practising.get(deviceId)?.record
    if (running) {
      const text = `"${deviceId}" is in a drill of ${running.by} until ${isoTime(running.until)}`
      throw new GanglionError('not-allowed', text, { hint: 'Wait for its end, or end it.' })
    }
    const beganAt = clock.now()
    const record: DrillRecord = {
      id: randomUUID(),
      deviceId,
      siteId,
      beganAt,
      until: later(beganAt, Math.min(span, LONGEST_DRILL_MS)),
      by,
      endedAt: undefined,
      hops: undefined,
    }
    const practising = this.#join(record, record.until - beganAt)
    const draft = new Draft()
    draft.add(drillChange(record), () => {
      this.#leave(deviceId)
      this.#stage?.inEarnest(deviceId)
    })
    await this.#context.store.commit(draft)
    if (practising && this.#practising.get(deviceId) === practising)
      this.#stage?.begin(practising.bound.slots)
    return record
  }

  /** Before its time is over. @throws GanglionError `not-allowed` when it does not practise. */
  async end(deviceId: string): Promise<DrillRecord> {
    const practising = this.#practising.get(deviceId)
    if (!practising) throw new GanglionError('not-allowed', `"${deviceId}" is in no drill`)
    const ended = this.#over(practising)
    const draft = ended()
    try {
      await this.#context.store.commit(draft)
      draft.stored()
    } catch (error) {
      this.#commit(ended)
      throw error
    }
    return this.#endedOf(practising)
  }

  /** The box has changed: devices that stay go on practising, with the rules as they are now. */
  replan(): void {
    for (const practising of [...this.#practising.values()]) {
      const { deviceId } = practising.record
      const bound = drillPlan(this.#context.box, deviceId)
      if (!bound) {
        this.#commit(this.#over(practising))
        continue
      }
      practising.bound = bound
      for (const slot of bound.slots) this.#slots.add(slot)
      this.#stage?.begin(bound.slots)
    }
  }

  /** Those that run. */
  running(): readonly DrillRecord[] {
    return [...this.#practising.values()].map(({ record }) => record)
  }

  #join(record: DrillRecord, left: Duration): Practising | undefined {
    const { box, clock, health } = this.#context
    const { by, deviceId, until } = record
    const bound = drillPlan(box, deviceId)
    if (!bound) return undefined
    for (const slot of bound.slots) this.#slots.add(slot)
    const end = (): void => {
      const running = this.#practising.get(deviceId)
      if (running?.record.id === record.id) this.#commit(this.#over(running))
    }
    const cancel = clock.after(Math.max(left, 0), end)
    const practising = { record, bound, last: undefined, cancel }
    this.#practising.set(deviceId, practising)
    health.state(subjectOf(deviceId), 'practising', `until ${isoTime(until)}, by ${by}`)
    return practising
  }

  /** In memory it is over at once, whatever the disk says: a fire must not be taken for a drill. */
  #over(practising: Practising): () => Draft {
    const { cases, clock } = this.#context
    const now = clock.now()
    const { hops, deviceId } = practising.record
    practising.record = { ...practising.record, endedAt: now }
    if (hops && this.#underWay.has(hops.caseKey)) this.#underWay.set(hops.caseKey, practising.record)
    this.#leave(deviceId)
    this.#stage?.inEarnest(deviceId)
    return () => {
      const draft = draftOf(this.#endedOf(practising))
      for (const { rule, site, place } of practising.bound.slots)
        cases.clear(draft, { rule, site, place, drill: true }, now)
      return draft
    }
  }

  /** The platform may have answered meanwhile. */
  #endedOf({ record }: Practising): DrillRecord {
    return this.#underWay.get(record.hops?.caseKey ?? '') ?? record
  }

  #leave(deviceId: string): void {
    this.#practising.get(deviceId)?.cancel()
    this.#practising.delete(deviceId)
    this.#context.health.forget((subject) => subject === subjectOf(deviceId))
  }

  #passed(draft: Draft, key: string, more: (hops: Hops) => Partial<Hops> | false): void {
    const before = this.#underWay.get(key)
    const added = before?.hops && more(before.hops)
    if (!before?.hops || !added) return
    const next = { ...before, hops: { ...before.hops, ...added } }
    this.#know(next)
    draft.add(drillChange(next), () => this.#know(before))
    if (next.hops.answeredAt !== undefined) draft.afterwards(() => this.#underWay.delete(key))
  }

  #know(record: DrillRecord): void {
    if (record.hops) this.#underWay.set(record.hops.caseKey, record)
    const practising = this.#practising.get(record.deviceId)
    if (practising?.record.id === record.id) practising.record = record
  }

  /** What could not be stored is tried again: it is said of what has happened. */
  #commit(make: () => Draft): void {
    const { clock, health, store } = this.#context
    const draft = make()
    store.commit(draft).then(
      () => draft.stored(),
      (error: unknown) => {
        health.trouble('a drill could not be noted', messageOf(error))
        if (!this.#isStopped) clock.after(RETRY_MS, () => this.#commit(make))
      },
    )
  }
}

function draftOf(record: DrillRecord): Draft {
  const draft = new Draft()
  draft.add(drillChange(record))
  return draft
}

const subjectOf = (deviceId: string): string => `drill ${deviceId}`
