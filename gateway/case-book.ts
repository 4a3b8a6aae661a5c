import { isoTime, later, type Clock, type Instant } from '../base/clock.ts'
import { caseKey, type Case, type CaseIdentity, type Proof, type Why } from './case.ts'
import type { Catalogue, CaseClass } from './catalogue.ts'
import type { Site } from './config.ts'
import type { Draft } from './draft.ts'
import { firstRevision } from './first-revision.ts'
import { toWhy, type Sight } from './why.ts'
import type { Entry, Outbox } from './outbox.ts'
import type { LoadedRule } from './pack.ts'
import type { ProofFile } from './ports.ts'
import { isDone, OpenCases, slotOf, type OpenCase } from './open-cases.ts'
import type { Raise } from './rule.ts'
import { isEnded, type StageMove } from './stage.ts'
import type { Reader } from './store/store.ts'

/** What a rule found at a place. */
export interface Breach {
  readonly rule: LoadedRule
  readonly site: Site
  readonly place: string
  /** Drills are cases of their own, beside a real one at the same place. */
  readonly drill: boolean
  /** The key of the case that was closed while this breach stood. */
  readonly follows?: string | undefined
}

export type MoveListener = (draft: Draft, moved: OpenCase, move: StageMove) => void

/** A proof file that lies whole in the evidence folder. */
export interface StoredProof {
  readonly proof: Proof
  readonly path: string
}

export interface CaseBookContext {
  readonly boxId: string
  readonly clock: Clock
  readonly store: { readonly reader: Reader }
  readonly catalogue: Catalogue
  readonly outboxes: readonly Outbox[]
}

/** 案件簿: the ongoing cases of the box, one for each class, place and drill or real. */
export class CaseBook {
  readonly #context: CaseBookContext
  #catalogue: Catalogue
  readonly #open = new OpenCases()
  readonly #listeners: MoveListener[] = []
  readonly #deliveryListeners: ((draft: Draft, key: string) => void)[] = []
  readonly #owedProof = new Set<OpenCase>()
  readonly #find
  #seq: number

  constructor(context: CaseBookContext) {
    this.#context = context
    this.#catalogue = context.catalogue
    const { reader } = context.store
    this.#seq = reader.prepare('SELECT ifnull(max(seq), 0) FROM outbox').pluck().get() as number // one integer
    this.#find = reader.prepare('SELECT body, standing FROM cases WHERE key = ?')
    const rows = reader
      .prepare(`SELECT body, standing FROM cases WHERE ended = 0 OR standing <> '[]'`)
      .all() as CaseRow[] // the columns named
    for (const row of rows) this.#open.keep(toOpenCase(row))
    const held = reader
      .prepare('SELECT seq, connector, body FROM outbox WHERE held = 1 ORDER BY seq')
      .all() as {
      seq: number
      connector: string
      body: string
    }[] // the columns named
    for (const { seq, connector, body } of held) {
      const revision = JSON.parse(body) as Case // written by this class
      const open = this.#openCase(revision.key)
      if (!open) continue
      open.held = [...open.held, { seq, connector, case: revision }]
      this.#owedProof.add(open)
    }
  }

  get ongoing(): number {
    return this.#open.ongoing
  }

  /** The case that a further raise of this class at the place would join. */
  ongoingAt(cls: string, place: string, drill: boolean): Readonly<OpenCase> | undefined {
    return this.#open.ongoingAt(slotOf(cls, place, drill))
  }

  /** A real case of this class at the site that is ongoing and has not cleared. */
  uncleared(siteId: string, cls: string): Case | undefined {
    return this.#open.uncleared(siteId, cls)
  }

  /** Cases that are opened from now on are of this catalogue. */
  recatalogue(catalogue: Catalogue): void {
    this.#catalogue = catalogue
  }

  /** Hears of each move of the platform that counts; what it writes rides in the same draft. */
  onMove(listener: MoveListener): void {
    this.#listeners.push(listener)
  }

  /** Hears of each revision that a platform has taken. */
  onDelivered(listener: (draft: Draft, key: string) => void): void {
    this.#deliveryListeners.push(listener)
  }

  /** Cases whose pictures were asked for before the gateway stopped. */
  heldFromBefore(): readonly OpenCase[] {
    return [...this.#owedProof]
  }

  /** Opens a case, or adds a revision to the ongoing one. With `awaitProof` it leaves the box only after `settleProof`. */
  raise(draft: Draft, breach: Breach, raise: Raise, sight: Sight | undefined, awaitProof: boolean): OpenCase {
    const { rule, place, drill } = breach
    const why = toWhy(rule, raise, sight)
    const source = sourceOf(breach.site, raise)
    const ongoing = this.#open.ongoingAt(slotOf(rule.classId, place, drill))
    if (ongoing) {
      const before = ongoing.case
      const next: Case = {
        ...before,
        revision: before.revision + 1,
        clearedAt: null,
        count: before.count + 1,
        source: before.source === source ? before.source : 'both',
        why: addTo(before.why, why),
      }
      this.#write(draft, ongoing, next, withRule(ongoing.standing, rule.id), awaitProof)
      return ongoing
    }
    const { boxId, clock } = this.#context
    const cls = this.#classOf(rule.classId)
    const since = this.#unused({ class: cls.id, place, since: raise.since, drill }).since
    const first = firstRevision({ boxId, breach, cls, since, now: clock.now(), why, source })
    const opened: OpenCase = { case: first, standing: [], held: [] }
    this.#open.keep(opened)
    draft.onUndo(() => {
      if (opened.case === first) this.#open.forget(opened)
    })
    this.#write(draft, opened, first, [rule.id], awaitProof)
    return opened
  }

  /**
   * The rule's breach has ended; the platform hears of it when no other rule still sees one. Also of a case that was
   * closed or reopened meanwhile: whoever reads it later wants to know until when the breach stood.
   */
  clear(draft: Draft, breach: Breach, at: Instant): void {
    const { rule, place, drill } = breach
    for (const open of this.#open.at(slotOf(rule.classId, place, drill))) {
      if (open.case.clearedAt === null && open.standing.includes(rule.id))
        this.#end(draft, open, [rule.id], at)
    }
  }

  /** Takes out rules that can no longer say that their breach has ended: they became another rule, or are gone. */
  letGo(draft: Draft, isOrphan: (rule: string, stands: Case) => boolean, at: Instant): void {
    for (const open of [...this.#open.all()]) {
      const orphans = open.standing.filter((rule) => isOrphan(rule, open.case))
      if (orphans.length > 0) this.#end(draft, open, orphans, at)
    }
  }

  #end(draft: Draft, open: OpenCase, rules: readonly string[], at: Instant): void {
    const standing = open.standing.filter((other) => !rules.includes(other))
    if (standing.length > 0 || open.case.clearedAt !== null) {
      this.#store(draft, open, open.case, standing)
      return
    }
    const next: Case = { ...open.case, revision: open.case.revision + 1, clearedAt: isoTime(at) }
    this.#write(draft, open, next, standing, false)
    draft.afterwards(() => this.#forgetIfDone(open))
  }

  /** The breach still stands after the rule's n-th span; false when there is nobody left to tell, or they know. */
  escalate(draft: Draft, breach: Breach, step: number): boolean {
    const { rule, place, drill } = breach
    const open = this.#open.ongoingAt(slotOf(rule.classId, place, drill))
    if (!open?.standing.includes(rule.id)) return false
    if ((open.case.escalated ?? 0) >= step) return false
    const next: Case = { ...open.case, revision: open.case.revision + 1, escalated: step }
    this.#write(draft, open, next, open.standing, false)
    return true
  }

  /** The pictures lie whole on the disk, or `missing` says why there are none: the held revisions may leave. */
  settleProof(draft: Draft, open: OpenCase, stored: readonly StoredProof[], missing: string | null): void {
    const withProof = (revision: Case): Case => ({
      ...revision,
      proof: [...revision.proof, ...stored.map(({ proof }) => proof)].slice(0, 20),
      proofMissing: missing,
    })
    const held = open.held
    open.held = []
    draft.onUndo(() => (open.held = held))
    const next = withProof(open.case)
    // Its revision left with the pictures of the raise before: these are news to the platform.
    const isNews = held.length === 0 && stored.length > 0
    if (isNews) this.#write(draft, open, { ...next, revision: next.revision + 1 }, open.standing, false)
    else this.#store(draft, open, next, open.standing)
    const { key, siteId } = open.case
    const entries = held.map((revision) => {
      const body = JSON.stringify(withProof(revision.case))
      draft.add(['releaseOutbox', body, revision.seq])
      return { connector: revision.connector, entry: this.#entry(revision.seq, revision.case, body) }
    })
    for (const { proof } of stored) {
      draft.add([
        'putEvidence',
        proof.sha256,
        siteId,
        key,
        proof.size,
        proof.mediaType,
        proof.keep,
        Date.parse(proof.takenAt),
      ])
    }
    const toSend = stored.filter(({ proof }) => proof.keep === 'sent')
    for (const outbox of this.#context.outboxes) {
      for (const { proof } of toSend) draft.add(['putUpload', outbox.connector, proof.sha256, siteId, key])
      draft.afterwards(() => {
        for (const { connector, entry } of entries) if (connector === outbox.connector) outbox.push(entry)
        for (const file of toSend) outbox.addUpload(toFile(file))
      })
    }
  }

  /** The platform has the case. */
  delivered(draft: Draft, key: string): void {
    for (const listener of this.#deliveryListeners) listener(draft, key)
    const open = this.#open.get(key)
    if (open?.case.stage !== 'raised') return
    this.#store(draft, open, { ...open.case, stage: 'delivered' }, open.standing)
  }

  /** Applies what the platform says of a case; `unknown` when the box never had it, `old` when it is late or a repeat. */
  move(draft: Draft, move: StageMove): 'moved' | 'old' | 'unknown' {
    const open = this.#openCase(move.key)
    if (!open) return 'unknown'
    const next = movedCase(open.case, move)
    if (next === open.case) return 'old'
    // Kept also when it is done, until this is stored: a second move may ride in the same draft.
    if (!this.#open.has(next.key)) {
      this.#open.keep(open)
      draft.onUndo(() => this.#forgetIfDone(open))
    }
    this.#store(draft, open, next, open.standing)
    draft.afterwards(() => this.#forgetIfDone(open))
    for (const listener of this.#listeners) listener(draft, open, move)
    return 'moved'
  }

  /**
   * A device whose clock stands gives every breach the same time: the key of a case that has ended would be taken
   * by the platform for that case, and the new one be lost.
   */
  #unused(identity: CaseIdentity): CaseIdentity {
    return this.#openCase(caseKey(identity)) === undefined
      ? identity
      : this.#unused({ ...identity, since: later(identity.since, 1) })
  }

  /** Stores the case and puts its new revision into every outbox. */
  #write(draft: Draft, open: OpenCase, next: Case, standing: readonly string[], awaitProof: boolean): void {
    const body = this.#store(draft, open, next, standing)
    const isHeld = awaitProof || open.held.length > 0
    for (const outbox of this.#context.outboxes) {
      const seq = ++this.#seq
      const entry = this.#entry(seq, next, body)
      const first = entry.isFirstClass ? 1 : 0
      draft.add([
        'putOutbox',
        seq,
        outbox.connector,
        next.siteId,
        next.key,
        next.revision,
        first,
        isHeld ? 1 : 0,
        body,
      ])
      if (!isHeld) {
        draft.afterwards(() => outbox.push(entry))
        continue
      }
      const before = open.held
      open.held = [...before, { seq, connector: outbox.connector, case: next }]
      draft.onUndo(() => (open.held = before))
    }
  }

  #entry(seq: number, { key, revision, severity }: Case, body: string): Entry {
    return { seq, key, revision, isFirstClass: severity === 'life-safety', body }
  }

  #store(draft: Draft, open: OpenCase, next: Case, standing: readonly string[]): string {
    const before = { case: open.case, standing: open.standing }
    open.case = next
    open.standing = standing
    if (next.severity === 'life-safety') draft.lifeSafety = true
    const body = JSON.stringify(next)
    draft.add(
      [
        'putCase',
        next.key,
        next.siteId,
        next.class,
        next.place,
        next.drill ? 1 : 0,
        next.stage,
        isEnded(next.stage) ? 1 : 0,
        Date.parse(next.raisedAt),
        JSON.stringify(standing),
        body,
      ],
      () => {
        // A life-safety unit on top of this one may have been stored from the reserve: then that stands.
        if (open.case === next) Object.assign(open, before)
      },
    )
    const hasEnded = isEnded(next.stage)
    if (hasEnded !== isEnded(before.case.stage)) draft.add(['endCase', hasEnded ? 1 : 0, next.key])
    return body
  }

  #forgetIfDone(open: OpenCase): void {
    if (isDone(open)) this.#open.forget(open)
  }

  #openCase(key: string): OpenCase | undefined {
    const known = this.#open.get(key)
    if (known) return known
    const row = this.#find.get(key) as CaseRow | undefined // the columns named
    return row && toOpenCase(row)
  }

  #classOf(id: string): CaseClass {
    const cls = this.#catalogue.classes.get(id)
    if (!cls) throw new Error(`class ${id} is in no catalogue`) // packs are checked against it when loaded
    return cls
  }
}

interface CaseRow {
  readonly body: string
  readonly standing: string
}

function toOpenCase({ body, standing }: CaseRow): OpenCase {
  return { case: JSON.parse(body) as Case, standing: JSON.parse(standing) as string[], held: [] } // written by this class
}

/** Told by who said the readings: a picture may be missing, and a sensor may watch a camera's zone. */
function sourceOf(site: Site, { readings }: Raise): Case['source'] {
  const cameras = new Set(site.devices.filter(({ zones }) => zones.length > 0).map(({ id }) => id))
  const byCamera = readings.filter(({ deviceId }) => cameras.has(deviceId)).length
  if (byCamera === 0) return 'sensor'
  return byCamera === readings.length ? 'camera' : 'both'
}

const withRule = (standing: readonly string[], rule: string): readonly string[] =>
  standing.includes(rule) ? standing : [...standing, rule]

/** The first rule's sentence stays; readings and detections of later raises are added, newest kept. */
function addTo(before: Why, added: Why): Why {
  if (before.rule === added.rule) return added
  return {
    ...before,
    readings: [...before.readings, ...added.readings].slice(-50),
    detections: [...before.detections, ...added.detections].slice(-50),
  }
}

/** The same case object when the move is late, a repeat, or would lead out of the closed file. */
export function movedCase(before: Case, move: StageMove): Case {
  if (move.version <= before.stageVersion || move.stage === 'raised') return before
  if (before.stage === 'closed' && move.stage !== 'reopened' && move.stage !== 'closed') return before
  return {
    ...before,
    stage: move.stage,
    stageVersion: move.version,
    platformStage: move.platformStage ?? before.platformStage,
    platformCase: move.platformCase ?? before.platformCase,
    complete: before.complete || move.complete === true,
  }
}

function toFile({ proof, path }: StoredProof): ProofFile {
  return { sha256: proof.sha256, size: proof.size, mediaType: proof.mediaType, path }
}
