import { isoTime, type Clock, type Instant } from '../../base/clock.ts'
import type { CaseData, CaseEvent, Fact, PlatformCase, ReceivedRevision } from './received.ts'
import type { StageMove } from './stage-feed.ts'
import { nextStage, ownWords, StageWalk, type StepMs } from './stage-walk.ts'

export interface CaseBookOptions {
  readonly clock: Clock
  /** Nothing: cases stay where they are. */
  readonly stepMs: StepMs | undefined
  readonly remember: number
  readonly keepData: boolean
  /** Are the bytes with this hash here? */
  readonly isVerified: (sha256: string) => boolean
  readonly onMove: (boxId: string, move: StageMove) => void
  readonly onFact: (fact: Fact) => void
}

interface OnFile {
  readonly key: string
  readonly boxId: string
  readonly number: string
  readonly firstAt: Instant
  readonly walked: string[]
  readonly revisions: Map<number, Mutable<ReceivedRevision>>
  class: string
  place: string
  drill: boolean
  hasCleared: boolean
  /** All is done but to close it, and it still stands. */
  waitsForClear: boolean
  newest: number
  stage: string
  version: number
  /** Hashes of the proof that is to be sent. */
  proofs: readonly string[]
  isComplete: boolean
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Every case that came, by key: which revisions, where it stands, which proof it waits for. Bounded: the oldest go first. */
export class CaseBook {
  readonly #options: CaseBookOptions
  readonly #cases = new Map<string, OnFile>()
  readonly #walk: StageWalk | undefined
  #numbers = 0
  #revisions = 0
  #repeats = 0

  constructor(options: CaseBookOptions) {
    this.#options = options
    const { clock, stepMs } = options
    this.#walk = stepMs === undefined ? undefined : new StageWalk(clock, stepMs, (key) => this.#step(key))
  }

  get revisions(): number {
    return this.#revisions
  }

  get repeats(): number {
    return this.#repeats
  }

  /** Takes a revision once; the answer is what was noted of it, now or before. */
  take({ data }: CaseEvent): Mutable<ReceivedRevision> {
    const known = this.#cases.get(data.key)
    const onFile = known ?? this.#open(data)
    const before = onFile.revisions.get(data.revision)
    if (before) {
      this.#repeats++
      before.repeats++
      return before
    }
    this.#revisions++
    const received = this.#note(onFile, data)
    onFile.revisions.set(data.revision, received)
    // An older revision that comes late is kept, and says nothing new.
    if (data.revision > onFile.newest) this.#renew(onFile, data)
    if (!known && this.#walk) this.#enter(onFile, nextStage(onFile.stage, onFile.drill))
    this.#options.onFact({
      is: 'arrival',
      at: received.at,
      data,
      stage: onFile.stage,
      proofs: this.#proofsOf(onFile),
    })
    return received
  }

  /** The bytes with this hash are here: cases that waited for them alone are complete. */
  verified(sha256: string): void {
    for (const onFile of this.#cases.values()) {
      if (!onFile.proofs.includes(sha256) || onFile.isComplete) continue
      onFile.isComplete = this.#isComplete(onFile)
      if (onFile.isComplete && onFile.walked.length > 0) this.#move(onFile)
    }
  }

  received(): readonly ReceivedRevision[] {
    return [...this.#cases.values()].flatMap(({ revisions }) => [...revisions.values()])
  }

  cases(): readonly PlatformCase[] {
    return [...this.#cases.values()].map((onFile) => ({
      key: onFile.key,
      class: onFile.class,
      place: onFile.place,
      drill: onFile.drill,
      hasCleared: onFile.hasCleared,
      stages: [...onFile.walked],
      proofs: this.#proofsOf(onFile),
      isComplete: onFile.isComplete,
      firstAt: onFile.firstAt,
      revisions: onFile.revisions.size,
    }))
  }

  stop(): void {
    this.#walk?.stop()
  }

  #open(data: CaseData): OnFile {
    const onFile: OnFile = {
      key: data.key,
      boxId: data.boxId,
      number: `P-${String(++this.#numbers).padStart(6, '0')}`,
      firstAt: this.#options.clock.now(),
      walked: [],
      revisions: new Map(),
      class: data.class,
      place: data.place,
      drill: data.drill,
      hasCleared: false,
      waitsForClear: false,
      newest: 0,
      // A case that another run of this platform knew goes on from where it stood.
      stage: data.stage,
      version: 0,
      proofs: [],
      isComplete: false,
    }
    this.#cases.set(data.key, onFile)
    for (const oldest of this.#cases.keys()) {
      if (this.#cases.size <= this.#options.remember) break
      this.#cases.delete(oldest)
    }
    return onFile
  }

  #note(onFile: OnFile, data: CaseData): Mutable<ReceivedRevision> {
    return {
      key: onFile.key,
      revision: data.revision,
      class: data.class,
      place: data.place,
      since: data.since,
      clearedAt: data.clearedAt,
      drill: data.drill,
      at: this.#options.clock.now(),
      answeredAt: undefined,
      repeats: 0,
      data: this.#options.keepData ? data : undefined,
    }
  }

  #renew(onFile: OnFile, data: CaseData): void {
    onFile.newest = data.revision
    onFile.hasCleared = data.clearedAt !== null
    onFile.drill = data.drill
    onFile.proofs = data.proof.filter(({ keep }) => keep === 'sent').map(({ sha256 }) => sha256)
    onFile.isComplete = this.#isComplete(onFile)
    if (!onFile.waitsForClear || !onFile.hasCleared) return
    onFile.waitsForClear = false
    this.#walk?.entered(onFile.key, onFile.stage)
  }

  #step(key: string): void {
    const onFile = this.#cases.get(key)
    if (!onFile) return
    const next = nextStage(onFile.stage, onFile.drill)
    // Nobody closes a file while the alarm in it still stands.
    if (next === 'closed' && !onFile.hasCleared) onFile.waitsForClear = true
    else this.#enter(onFile, next)
  }

  #enter(onFile: OnFile, stage: string | undefined): void {
    if (stage === undefined) return
    onFile.stage = stage
    onFile.walked.push(stage)
    this.#move(onFile)
    this.#walk?.entered(onFile.key, stage)
  }

  #move(onFile: OnFile): void {
    const { clock, onMove, onFact } = this.#options
    const now = clock.now()
    // Times as versions keep growing when this platform, which forgets everything, is started again.
    onFile.version = Math.max(onFile.version + 1, now)
    const { key, stage, version, number, isComplete } = onFile
    onMove(onFile.boxId, {
      key,
      stage,
      version,
      at: isoTime(now),
      platformStage: ownWords[stage] ?? stage,
      platformCase: number,
      ...(isComplete ? { complete: true } : {}),
    })
    onFact({ is: 'move', key, stage, complete: isComplete })
  }

  #isComplete(onFile: OnFile): boolean {
    return onFile.proofs.every((sha256) => this.#options.isVerified(sha256))
  }

  #proofsOf(onFile: OnFile): number {
    return onFile.proofs.filter((sha256) => this.#options.isVerified(sha256)).length
  }
}
