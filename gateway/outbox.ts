import type { Clock } from '../base/clock.ts'
import type { Draft } from './draft.ts'
import type { Delivery, DeliveryAnswer, ProofFile } from './ports.ts'
import type { Store } from './store/store.ts'

/** A case revision that waits for one connector. */
export interface Entry {
  readonly seq: number
  readonly key: string
  readonly revision: number
  /** Life-safety goes first. */
  readonly isFirstClass: boolean
  /** Left out in a long backlog, and read from the database when its turn comes. */
  readonly body: string | undefined
}

/** An entry on its way: its case is busy until it is settled or given back. */
export interface Taken extends Delivery, Entry {
  readonly body: string
}

/** Bodies kept in memory per connector; what is beyond is read from the database. */
const BODIES_IN_MEMORY = 4000

/**
 * 发件箱 of one connector: order is kept per case, life-safety goes first, and nothing leaves it but by an answer.
 * The database holds the truth; this is the queue in memory.
 */
export class Outbox {
  readonly connector: string
  readonly #store: Store
  readonly #clock: Clock
  /** The cases whose next revision may go, life-safety in the first; a case with a revision under way is in none. */
  readonly #lanes: readonly [string[], string[]] = [[], []]
  /** The revisions of each case that wait, oldest first. */
  readonly #lines = new Map<string, Entry[]>()
  readonly #uploads = new Map<string, ProofFile>()
  readonly #wakers = new Set<() => void>()
  #bodies = 0
  #waiting = 0
  #refused = 0

  constructor(connector: string, store: Store, clock: Clock) {
    this.connector = connector
    this.#store = store
    this.#clock = clock
  }

  /** Takes over what an earlier run left; what is held for proof is pushed by the case book. */
  load(pathOf: (sha256: string) => string): void {
    const { reader } = this.#store
    const rows = reader
      .prepare(
        'SELECT seq, key, revision, first_class FROM outbox WHERE connector = ? AND refused IS NULL AND held = 0 ORDER BY seq',
      )
      .all(this.connector) as {
      seq: number
      key: string
      revision: number
      first_class: number
    }[] // the columns above
    for (const { seq, key, revision, first_class } of rows) {
      this.push({ seq, key, revision, isFirstClass: first_class === 1, body: undefined })
    }
    const uploads = reader
      .prepare(
        'SELECT u.sha256, e.size, e.media_type AS mediaType FROM uploads u JOIN evidence e USING (sha256) WHERE u.connector = ? AND u.refused IS NULL',
      )
      .all(this.connector) as { sha256: string; size: number; mediaType: string }[] // the columns above
    for (const row of uploads) this.addUpload({ ...row, path: pathOf(row.sha256) })
    const refused = reader
      .prepare('SELECT count(*) FROM outbox WHERE connector = ? AND refused IS NOT NULL')
      .pluck()
    this.#refused = refused.get(this.connector) as number // count(*) is one number
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Cases whose next revision may go at once. */
  get ready(): number {
    return this.#lanes[0].length + this.#lanes[1].length
  }

  get refused(): number {
    return this.#refused
  }

  get uploads(): number {
    return this.#uploads.size
  }

  /** Takes a revision that is stored and may leave. Revisions of one case come in their order. */
  push(entry: Entry): void {
    this.#waiting++
    const isKept = entry.body !== undefined && this.#bodies < BODIES_IN_MEMORY
    if (isKept) this.#bodies++
    const kept = isKept ? entry : { ...entry, body: undefined }
    const line = this.#lines.get(entry.key)
    if (line) {
      line.push(kept)
      return
    }
    this.#lines.set(entry.key, [kept])
    this.#laneOf(entry).push(entry.key)
    this.#wake()
  }

  /** The next entries, at most one of each case. */
  take(most: number): Taken[] {
    const taken: Taken[] = []
    for (const lane of this.#lanes) {
      for (const key of lane.splice(0, most - taken.length)) {
        const entry = this.#lines.get(key)?.shift()
        if (!entry) throw new Error('a case without revisions stands in a lane') // a line leaves its lane when it is taken
        if (entry.body !== undefined) this.#bodies--
        taken.push({ ...entry, body: entry.body ?? this.#storedBody(entry.seq), at: this.#clock.now() })
      }
    }
    return taken
  }

  /** Puts entries back in front, in their order: the connector was away or said later. */
  giveBack(entries: readonly Taken[]): void {
    for (const entry of [...entries].reverse()) {
      this.#bodies++
      this.#lines.get(entry.key)?.unshift(entry)
      this.#laneOf(entry).unshift(entry.key)
    }
    this.#wake()
  }

  /** Taken, or refused for good. The write rides in `draft`; the case's next revision may go at once. */
  settle(entry: Taken, answer: DeliveryAnswer, draft: Draft): void {
    if (answer.is === 'refused') {
      this.#refused++
      draft.add(['refuseOutbox', answer.reason.slice(0, 500), entry.seq])
    } else {
      draft.add(['settleOutbox', entry.seq])
    }
    this.#waiting--
    const next = this.#lines.get(entry.key)?.[0]
    if (!next) {
      this.#lines.delete(entry.key)
      return
    }
    this.#laneOf(next).push(next.key)
    this.#wake()
  }

  #laneOf({ isFirstClass }: Entry): string[] {
    return this.#lanes[isFirstClass ? 0 : 1]
  }

  addUpload(file: ProofFile): void {
    this.#uploads.set(file.sha256, file)
    this.#wake()
  }

  /** The platform wants this one later: the others need not wait for it. */
  postponeUpload(file: ProofFile): void {
    this.#uploads.delete(file.sha256)
    this.#uploads.set(file.sha256, file)
  }

  nextUpload(): ProofFile | undefined {
    return this.#uploads.values().next().value
  }

  async settleUpload(file: ProofFile, answer: DeliveryAnswer): Promise<void> {
    await this.#store.put(
      answer.is === 'refused'
        ? ['refuseUpload', answer.reason.slice(0, 500), this.connector, file.sha256]
        : ['settleUpload', this.connector, file.sha256],
    )
    this.#uploads.delete(file.sha256)
  }

  /** Calls once when there may be something to send; the answer takes the call back. */
  onWork(call: () => void): () => void {
    this.#wakers.add(call)
    return () => this.#wakers.delete(call)
  }

  #wake(): void {
    const wakers = [...this.#wakers]
    this.#wakers.clear()
    for (const wake of wakers) wake()
  }

  #storedBody(seq: number): string {
    this.#bodyQuery ??= this.#store.reader.prepare('SELECT body FROM outbox WHERE seq = ?').pluck()
    return this.#bodyQuery.get(seq) as string // an entry is queued once it is stored and deleted only when settled
  }
  #bodyQuery: ReturnType<Store['reader']['prepare']> | undefined
}
