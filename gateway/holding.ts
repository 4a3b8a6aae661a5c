import { instant, isClockSet, later, type Clock, type Duration, type Instant } from '../base/clock.ts'
import { codeOf, messageOf } from '../base/errors.ts'
import { BreachMemory, type BreachMemo, type HeldBreach, type StandingBreach } from './breach-memory.ts'
import type { Breach, CaseBook } from './case-book.ts'
import type { Box } from './config.ts'
import { Draft } from './draft.ts'
import { FilingLedger } from './filing-ledger.ts'
import type { FilingRate } from './filing-rate.ts'
import type { Health } from './health.ts'
import { holdingLines, type HoldingLine } from './holding-lines.ts'
import { sayHolding } from './holding-notices.ts'
import type { OpenCase } from './open-cases.ts'
import type { Rebound } from './rebind.ts'
import type { Raise } from './rule.ts'
import { RuleModes } from './rule-modes.ts'
import { slotId, type Plans, type Slot } from './slots.ts'
import { isEnded, type StageMove } from './stage.ts'
import type { Reader, Store } from './store/store.ts'
import { Trials } from './trials.ts'
import { Wakes } from './wakes.ts'
import { currentPeriod, whatHolds, type Hold } from './what-holds.ts'
import { sightFor, type Sight } from './why.ts'
import { WouldBeLog } from './would-be.ts'

export interface HoldingContext {
  readonly clock: Clock
  readonly store: Pick<Store, 'commit'> & { readonly reader: Reader }
  readonly cases: CaseBook
  readonly health: Pick<Health, 'trouble' | 'state'>
  readonly box: Pick<Box, 'rules' | 'sites' | 'file'>
  readonly plans: Pick<Plans, 'slots'>
}

/** Makes a case of a raise that nothing holds, or a further revision of one. */
export type OpenBreach = (draft: Draft, breach: Breach, raise: Raise, sight: Sight | undefined) => void

interface Spoken {
  readonly raise: Raise
  readonly sight: Sight | undefined
  readonly follows?: string | undefined
}

const RETRY_MS: Duration = 1000
const LOOK_AT_CLOCK_MS: Duration = 60_000
/** Whoever closes a case may be ahead of the sensor: a breach that still stands after this is a case again. */
export const STILL_STANDS_MS: Duration = 10 * 60_000

/**
 * What stands between a rule's raise and the case. A held raise is remembered durably and becomes a case when what held
 * it ends while the breach still stands; cleared meanwhile, it never does. Memory is undone with the draft.
 */
export class Holding {
  readonly modes: RuleModes
  readonly trials: Trials
  readonly filing: FilingLedger
  #context: HoldingContext
  readonly #memory: BreachMemory
  readonly #log: WouldBeLog
  #lines: readonly HoldingLine[] = []
  #lineOf: ReadonlyMap<Slot, HoldingLine> = new Map()
  #slotOf: ReadonlyMap<string, Slot> = new Map()
  /** By site and class that silences. */
  #silenced: ReadonlyMap<string, readonly { readonly line: HoldingLine }[]> = new Map()
  readonly #wakes: Wakes<Holding>
  #open: OpenBreach | undefined
  #wakeAt = Infinity

  constructor(context: HoldingContext) {
    const { box, cases, clock, plans, store } = context
    this.#context = context
    this.modes = new RuleModes(store.reader)
    this.trials = new Trials(store.reader)
    this.filing = new FilingLedger({
      clock,
      reader: store.reader,
      limits: box.file.filingRate ?? {},
      modes: this.modes,
    })
    this.#memory = new BreachMemory(store.reader, plans.slots)
    this.#log = new WouldBeLog(store.reader)
    this.#bind()
    this.#wakes = new Wakes(
      clock,
      () => this.#look(),
      () => this.#lookAtAll(),
    )
    cases.onMove((draft, moved, move) => this.#moved(draft, moved, move))
  }

  /** From now on raises come, and what was held before is looked at. */
  start(open: OpenBreach): void {
    this.#open = open
    this.#begin()
  }

  /** Goes on with a changed box: what is held or stands at places that stay is remembered. */
  replan(box: HoldingContext['box'], rebound: Rebound): void {
    this.#context = { ...this.#context, box, plans: rebound.plans }
    this.filing.relimit(box.file.filingRate ?? {})
    this.#memory.replan(rebound)
    this.#bind()
    this.#begin()
  }

  stop(): void {
    this.#wakes.stop()
  }

  /** A person has decided something: whatever it held may go. */
  lookAgain(): void {
    const { box, health } = this.#context
    sayHolding(box, this.modes, this.trials, health)
    this.#lookAtAll()
  }

  raise(draft: Draft, slot: Slot, raise: Raise): void {
    const now = this.#context.clock.now()
    const before = this.#memory.get(slot, raise.drill)
    const spoken = { raise, sight: sightFor(raise, slot.sights) }
    const hold = this.#whatHolds(slot, raise.drill, before, now)
    if (!hold) this.#pass(draft, slot, spoken, before, now)
    // A rule that became another kind says again what is part of a case already.
    else if (!this.#standsInCase(slot, raise.drill)) this.#hold(draft, slot, spoken, before, hold, now)
  }

  clear(draft: Draft, slot: Slot, { at, drill }: { readonly at: Instant; readonly drill: boolean }): void {
    const { cases, clock } = this.#context
    const { place, rule, site } = slot
    cases.clear(draft, { rule, site, place, drill }, at)
    const now = clock.now()
    const memo = this.#memory.get(slot, drill)
    if (memo?.is === 'held') this.#log.end(draft, memo.row, 'cleared', now)
    // What never became a case makes no cool-down.
    this.#over(draft, slot, drill, memo?.is === 'held' ? memo.endedAt : now, now)
    this.#lookAtSilenced(draft, slot)
  }

  #bind(): void {
    const { box, plans } = this.#context
    this.#lines = holdingLines(box.rules, plans.slots)
    this.#lineOf = new Map(this.#lines.flatMap((line) => line.slots.map((slot) => [slot, line])))
    this.#slotOf = new Map(plans.slots.map((slot) => [slotId(slot.rule.id, slot.place), slot]))
    const pairs = this.#lines.flatMap((line) =>
      line.silencedBy.map((cls) => ({ line, by: silencerOf(line.site.id, cls) })),
    )
    this.#silenced = Map.groupBy(pairs, ({ by }) => by)
  }

  #begin(): void {
    this.#forgetStrange()
    this.#see(this.#context.clock.now())
    this.lookAgain()
  }

  /** Nobody is left to say that such a breach has ended: it has, as far as anybody can tell. */
  #forgetStrange(): void {
    const draft = new Draft()
    const now = this.#context.clock.now()
    for (const { slot, drill, memo } of this.#memory.strange) {
      if (memo.is === 'held') this.#log.end(draft, memo.row, 'cleared', now)
      this.#over(draft, slot, drill, memo.is === 'standing' ? (memo.ended?.at ?? now) : memo.endedAt, now)
    }
    if (draft.changes.length === 0) return
    this.#commit(draft, () => this.#arm(this.#context.clock.now() + RETRY_MS))
  }

  #whatHolds(slot: Slot, drill: boolean, memo: BreachMemo | undefined, now: Instant): Hold | undefined {
    const { cases } = this.#context
    const { restraints, silencedBy } = this.#need(slot)
    const { class: cls, place, rule, site } = slot
    return whatHolds({
      now,
      restraints,
      isLifeSafety: cls.isLifeSafety,
      isShadow: this.modes.at(rule, site).mode === 'shadow',
      isTrial: this.trials.isTrial(site),
      exemptUntil: site.exemptions.of(rule, now)?.until,
      isInhibited: silencedBy.some((other) => cases.uncleared(site.id, other) !== undefined),
      endedAt: memo && lastEnd(memo),
      quota: this.#memory.period(slot, drill),
      joinsCase: cases.ongoingAt(cls.id, place, drill) !== undefined,
    })
  }

  #pass(draft: Draft, slot: Slot, spoken: Spoken, before: BreachMemo | undefined, now: Instant): void {
    const { raise, sight, follows } = spoken
    const { class: cls, place, rule, site } = slot
    const { drill } = raise
    const { quota } = this.#need(slot).restraints
    if (quota && this.#context.cases.ongoingAt(cls.id, place, drill) === undefined) {
      const period = currentPeriod(this.#memory.period(slot, drill), quota.per, now)
      const beganAt = period?.beganAt ?? now
      this.#memory.putPeriod(draft, slot, drill, { beganAt, cases: (period?.cases ?? 0) + 1 })
    }
    if (before?.is === 'held') this.#log.end(draft, before.row, 'raised', now)
    this.#put(draft, slot, drill, { is: 'standing', seq: this.#memory.nextSeq(), raise, at: now })
    this.#open?.(draft, { rule, site, place, drill, follows }, raise, sight)
    this.#due(this.#need(slot), now + (this.#need(slot).restraints.escalateAfter[0] ?? Infinity))
  }

  #hold(
    draft: Draft,
    slot: Slot,
    { raise, sight, follows }: Spoken,
    before: BreachMemo | undefined,
    hold: Hold,
    now: Instant,
  ): void {
    if (before?.is === 'held') this.#log.end(draft, before.row, 'passed-on', now)
    const row = this.#log.hold(draft, slot, raise, sight, hold.by, now)
    const endedAt = before && lastEnd(before)
    this.#put(draft, slot, raise.drill, {
      is: 'held',
      seq: before?.is === 'held' ? before.seq : this.#memory.nextSeq(),
      raise,
      at: now,
      heldBy: hold.by,
      row,
      ...(sight && { sight }),
      ...(endedAt !== undefined && { endedAt }),
      ...(follows !== undefined && { follows }),
    })
    if (hold.until !== undefined) this.#due(this.#need(slot), hold.until)
  }

  #over(draft: Draft, slot: Slot, drill: boolean, endedAt: Instant | undefined, now: Instant): void {
    const { coolDown } = this.#need(slot).restraints
    if (endedAt === undefined || endedAt + coolDown <= now) {
      this.#memory.forget(draft, slot, drill)
      return
    }
    this.#put(draft, slot, drill, { is: 'over', seq: this.#memory.nextSeq(), endedAt })
    this.#due(this.#need(slot), later(endedAt, coolDown))
  }

  /** What the platform says of a case: it may have decided, or have closed it while the breach still stands. */
  #moved(draft: Draft, moved: OpenCase, move: StageMove): void {
    const { case: found, standing } = moved
    const tooLow = this.filing.moved(draft, found, move)
    if (tooLow) this.#fallBack(draft, tooLow)
    const now = this.#context.clock.now()
    for (const rule of new Set([...standing, found.why.rule])) {
      const slot = this.#slotOf.get(slotId(rule, found.place))
      if (!slot) continue
      const memo = this.#memory.get(slot, found.drill)
      if (isEnded(found.stage)) this.#caseEnded(draft, slot, moved, memo, now)
      else if (memo?.is === 'standing' && memo.ended?.key === found.key) {
        const { is, seq, raise, at } = memo
        this.#put(draft, slot, found.drill, { is, seq, raise, at })
      }
      this.#lookAtSilenced(draft, slot)
    }
  }

  #caseEnded(
    draft: Draft,
    slot: Slot,
    { case: { drill, key, stage }, standing }: OpenCase,
    memo: BreachMemo | undefined,
    now: Instant,
  ): void {
    if (memo?.is !== 'standing') {
      if (memo?.is === 'held') this.#put(draft, slot, drill, { ...memo, endedAt: now })
      else this.#over(draft, slot, drill, now, now)
      return
    }
    if (!standing.includes(slot.rule.id) || this.#standsInCase(slot, drill)) return
    // The platform may say it again, or file away what it has rejected: the first word counts.
    if (memo.ended?.key === key) return
    const isClosed = stage === 'closed'
    this.#put(draft, slot, drill, { ...memo, ended: { key, at: now, isClosed } })
    if (isClosed) this.#due(this.#need(slot), later(now, STILL_STANDS_MS))
  }

  /** 立案率 too low: its cases are only counted from now on, and people are told. */
  #fallBack(draft: Draft, { rule: id, siteId, filed, refused, reasons }: FilingRate): void {
    const { box, clock, health } = this.#context
    const rule = box.rules.find((known) => known.id === id)
    const site = box.sites.find((known) => known.id === siteId)
    if (!rule || !site || rule.isLifeSafety || this.modes.at(rule, site).mode === 'shadow') return
    const most = reasons[0]?.reason ?? ''
    const reason = `the platform filed ${filed} of ${filed + refused} cases${most === '' ? '' : `; mostly: ${most}`}`
    const { version } = rule
    this.modes.decide(draft, {
      rule: id,
      siteId,
      mode: 'shadow',
      version,
      by: 'ganglion',
      at: clock.now(),
      reason,
    })
    draft.afterwards(() => {
      health.trouble(`rule ${id} at ${siteId} fell back to shadow`, reason)
      this.lookAgain()
    })
  }

  #look(): void {
    const now = this.#context.clock.now()
    this.#wakeAt = Infinity
    this.#forgetStrange()
    this.#see(now)
    for (const line of this.#lines) if (line.dueAt <= now) this.#lookAtLine(line, now)
    this.#arm(this.#lines.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity))
  }

  /** A clock that was never set counts no days of a trial: it is asked again. */
  #see(now: Instant): void {
    const unseen = this.#context.box.sites.filter((site) => !this.trials.knows(site))
    if (unseen.length === 0) return
    const draft = new Draft()
    for (const site of unseen) this.trials.see(draft, site, now)
    const again = (): void => this.#arm(this.#context.clock.now() + LOOK_AT_CLOCK_MS)
    if (draft.changes.length > 0) this.#commit(draft, again)
    else again()
  }

  #lookAtLine(line: HoldingLine, now: Instant): void {
    const draft = new Draft()
    line.dueAt = Infinity
    for (const { slot, drill, memo } of this.#memory.of(line.slots)) {
      if (memo.is === 'held') this.#lookAtHeld(draft, slot, drill, memo, now)
      else if (memo.is === 'standing') this.#lookAtStanding(draft, slot, drill, memo, now)
      else this.#lookAtPast(draft, slot, drill, memo.endedAt, now)
    }
    if (draft.changes.length > 0) this.#commit(draft, () => this.#dueSoon(line.slots))
  }

  #lookAtPast(draft: Draft, slot: Slot, drill: boolean, endedAt: Instant, now: Instant): void {
    const until = later(endedAt, this.#need(slot).restraints.coolDown)
    if (endedAt > now || until <= now) this.#memory.forget(draft, slot, drill)
    else this.#due(this.#need(slot), until)
  }

  #lookAtHeld(draft: Draft, slot: Slot, drill: boolean, memo: HeldBreach, now: Instant): void {
    const hold = this.#whatHolds(slot, drill, memo, now)
    const { raise, sight, follows } = memo
    if (!hold) this.#pass(draft, slot, { raise, sight, follows }, memo, now)
    else if (hold.by !== memo.heldBy) this.#hold(draft, slot, { raise, sight, follows }, memo, hold, now)
    else if (hold.until !== undefined) this.#due(this.#need(slot), hold.until)
  }

  #lookAtStanding(draft: Draft, slot: Slot, drill: boolean, memo: StandingBreach, now: Instant): void {
    const { ended } = memo
    const from = ended?.at ?? memo.at
    if (from > now || (isClockSet(now) && !isClockSet(from))) {
      // The clock was set meanwhile: the span begins anew.
      this.#put(draft, slot, drill, { ...memo, at: now, ...(ended && { ended: { ...ended, at: now } }) })
      this.#due(this.#need(slot), now + RETRY_MS)
      return
    }
    if (!ended) {
      this.#escalate(draft, slot, drill, memo, now)
      return
    }
    if (!ended.isClosed) return
    const due = later(ended.at, STILL_STANDS_MS)
    if (now < due) {
      this.#due(this.#need(slot), due)
      return
    }
    const raise = { ...memo.raise, since: ended.at }
    const spoken = { raise, sight: sightFor(raise, slot.sights), follows: ended.key }
    const hold = this.#whatHolds(slot, drill, memo, now)
    if (hold) this.#hold(draft, slot, spoken, memo, hold, now)
    else this.#pass(draft, slot, spoken, memo, now)
  }

  #escalate(draft: Draft, slot: Slot, drill: boolean, memo: StandingBreach, now: Instant): void {
    const { class: cls, place, rule, site } = slot
    const { escalateAfter } = this.#need(slot).restraints
    const step = escalateAfter.filter((span) => memo.at + span <= now).length
    if (step > 0) this.#context.cases.escalate(draft, { rule, site, place, drill }, step)
    const open = this.#context.cases.ongoingAt(cls.id, place, drill)
    const next = open && escalateAfter[Math.max(step, open.case.escalated ?? 0)]
    if (next !== undefined) this.#due(this.#need(slot), later(memo.at, next))
  }

  #standsInCase({ class: cls, place, rule }: Slot, drill: boolean): boolean {
    return this.#context.cases.ongoingAt(cls.id, place, drill)?.standing.includes(rule.id) === true
  }

  /** What was asked for is a time of the old clock when the wall clock has jumped. */
  #lookAtAll(): void {
    const now = this.#context.clock.now()
    for (const line of this.#lines) this.#due(line, now)
  }

  /** Raises that this class silenced may go now, once it is stored that it stands no more. */
  #lookAtSilenced(draft: Draft, { class: cls, site }: Slot): void {
    const silencer = silencerOf(site.id, cls.id)
    if (!this.#silenced.has(silencer)) return
    draft.afterwards(() => {
      for (const { line } of this.#silenced.get(silencer) ?? []) this.#due(line, this.#context.clock.now())
    })
  }

  #put(draft: Draft, slot: Slot, drill: boolean, next: BreachMemo): void {
    this.#memory.put(draft, slot, drill, next)
    // The memory of before may need an earlier look than the one that is taken back.
    draft.onUndo(() => this.#dueSoon([slot]))
  }

  /** Those that are still bound: the box may have changed since. */
  #dueSoon(slots: readonly Slot[]): void {
    const at = later(this.#context.clock.now(), RETRY_MS)
    for (const slot of slots) {
      const line = this.#lineOf.get(slot)
      if (line) this.#due(line, at)
    }
  }

  #due(line: HoldingLine, at: number): void {
    if (at >= line.dueAt) return
    line.dueAt = at
    this.#arm(at)
  }

  #arm(at: number): void {
    if (at >= this.#wakeAt) return
    this.#wakeAt = at
    this.#wakes.set(this, instant(at))
  }

  #commit(draft: Draft, failed: () => void): void {
    const { health, store } = this.#context
    store.commit(draft).then(
      () => draft.stored(),
      (error: unknown) => {
        health.trouble(codeOf(error), messageOf(error))
        failed()
      },
    )
  }

  #need(slot: Slot): HoldingLine {
    const line = this.#lineOf.get(slot)
    if (!line) throw new Error(`the rule ${slot.rule.id} is not bound at ${slot.place}`) // slots come from the plans
    return line
  }
}

/** When the rule began to cool down. */
const lastEnd = (memo: BreachMemo): Instant | undefined =>
  memo.is === 'standing' ? memo.ended?.at : memo.endedAt

const silencerOf = (siteId: string, cls: string): string => `${siteId}\n${cls}`
