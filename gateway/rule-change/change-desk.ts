import { rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isoTime, type Clock, type Instant } from '../../base/clock.ts'
import { GanglionError, messageOf } from '../../base/errors.ts'
import { configHash, type Box } from '../config.ts'
import type { Health } from '../health.ts'
import { replaceWhole } from '../whole-file.ts'
import { fileOn, OWN_PACKS } from '../yaml-shelf.ts'
import {
  changeShown,
  changeToRow,
  isOpen,
  readChanges,
  type ChangeRecord,
  type ChangeShown,
  type ChangeState,
  type Promised,
} from './change-record.ts'
import { baselineOf, ChangeWatch, type Baseline, type WatchContext } from './change-watch.ts'
import { withPack } from './packs-list.ts'
import { putFiles, standingOf, takeFilesBack, textOf, type FileChange } from './staged-files.ts'

const LOOK_EVERY_MS = 1000
/** A box folder that is wrong elsewhere, or a store that refuses: tried again. */
const RETRY_MS = 5000
const MOST_KEPT = 200
/** A gateway that ends so often under a changed pack is taken back to the one of before. */
const MOST_DEATHS = 2

export interface ChangeDeskContext extends WatchContext {
  readonly clock: Clock
  readonly store: WatchContext['store'] & { put: (change: ReturnType<typeof changeToRow>) => Promise<void> }
  readonly health: Pick<Health, 'states' | 'troubles' | 'trouble' | 'state'>
  /** The box that runs. */
  readonly box: { readonly now: Box }
  readonly dataFolder: string
  /** Where the packs lie that ship. */
  readonly shippedPacks: string
  /** Reads the box folder; with files tried in place of packs. @throws ConfigError */
  readonly load: (tried?: ReadonlyMap<string, string>) => Promise<Box>
  readonly takeOver: (next: Box) => Promise<unknown>
}

export interface ChangeWish {
  /** Its id: the name of its file in the box folder. */
  readonly pack: string
  readonly text: string
  /** The pack of the box whose place it takes; none: it comes on top. */
  readonly insteadOf?: string | undefined
  readonly by: string
  readonly minutes: number
  readonly promised: Promised
  readonly times: number
}

interface Watched {
  readonly record: ChangeRecord
  readonly watch: ChangeWatch
  /** The box of before; after a restart it is read from its files. */
  readonly before: Box | undefined
}

/**
 * 规则变更: puts a changed pack in force, watches the box, and takes the pack back by itself when health drops. The row of a
 * change is on the disk before its files are, and each file is the old or the new one: wherever the gateway ends, the
 * next start knows how to go on.
 */
export class ChangeDesk {
  readonly #context: ChangeDeskContext
  #watched: Watched | undefined
  #seq: number
  /** Staging and ending in turn. */
  #last: Promise<unknown> = Promise.resolve()
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(context: ChangeDeskContext) {
    this.#context = context
    this.#seq = readChanges(context.store.reader, 1)[0]?.seq ?? 0
  }

  /** The newest first. */
  list(limit: number): readonly ChangeShown[] {
    return readChanges(this.#context.store.reader, limit).map(changeShown)
  }

  /** The end of the watch, while there is one. */
  get until(): Instant | undefined {
    return this.#watched?.watch.until
  }

  /** A reload now would take over what nobody watches. @throws GanglionError `not-allowed` */
  refuseWhileWatching(): void {
    if (!this.#watched) return
    const { record, watch } = this.#watched
    throw new GanglionError(
      'not-allowed',
      `the change of ${record.pack} by ${record.by} is watched until ${isoTime(watch.until)}`,
      { hint: 'End the watch first: ganglion rules change --keep, or --undo' },
    )
  }

  /**
   * Answers once the pack is in force and watched.
   * @throws ConfigError when it is wrong, GanglionError `not-allowed` when it must wait or cannot be; then nothing has changed.
   */
  stage(wish: ChangeWish): Promise<ChangeShown> {
    return this.#inTurn(async () => {
      this.refuseWhileWatching()
      const { box, clock } = this.#context
      if (configHash(box.now.folder) !== box.now.hash) {
        throw new GanglionError('not-allowed', 'the box folder has changes that were not taken over yet', {
          hint: 'Take them over first: ganglion reload. A changed pack is tried from a copy outside the box folder.',
        })
      }
      const { pack, insteadOf = null, by, minutes, promised, times } = wish
      const files = await this.#filesOf(wish)
      const rules = await this.#try(wish)
      const plan = { files, rules, minutes, promised, times, deaths: 0, isStopped: false }
      const at = clock.now()
      const record = { seq: ++this.#seq, pack, insteadOf, by, at, detail: '', endedAt: null, plan }
      await this.#layBy(files)
      return changeShown(await this.#putInForce({ ...record, state: 'staged' }))
    })
  }

  /** A person ends the watch. @throws GanglionError `not-allowed` when there is none. */
  end(word: 'keep' | 'undo', by: string): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#watched) throw new GanglionError('not-allowed', 'no change is watched')
      if (word === 'keep') await this.#keep(`by ${by}`)
      else await this.#rollBack(`by ${by}`)
    })
  }

  /** Goes on with what an earlier run left open. */
  async resume(): Promise<void> {
    const [record] = readChanges(this.#context.store.reader, 1)
    if (!record || !isOpen(record)) return
    await this.#inTurn(() => this.#resume(record))
  }

  /** The gateway is stopped by somebody: the watch goes on with the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancel?.()
    await this.#last
    if (!this.#watched) return
    const { record } = this.#watched
    // A store that cannot take it has said so; then it counts as a death.
    await this.#write({ ...record, plan: { ...record.plan, isStopped: true } }).catch(() => undefined)
  }

  async #filesOf({ pack, text, insteadOf }: ChangeWish): Promise<readonly FileChange[]> {
    const { box, shippedPacks } = this.#context
    const { folder, file } = box.now
    const shelves = { shipped: shippedPacks, boxFolder: folder, own: OWN_PACKS } as const
    const wrong = (message: string, hint: string): GanglionError =>
      new GanglionError('not-allowed', message, { hint })
    if (insteadOf !== undefined && !file.packs.includes(insteadOf))
      throw wrong(`the box has no pack "${insteadOf}"`, `It has ${file.packs.join(', ')}.`)
    const known = fileOn(shelves, pack)
    if (known?.isOwn === false)
      throw wrong(
        `a pack named "${pack}" ships with Ganglion`,
        'Give the changed one a file name of its own.',
      )
    const name = `${OWN_PACKS}/${pack}.yaml`
    const changed = { name, before: await textOf(join(folder, name)), after: text }
    if (insteadOf === pack) return [changed]
    if (file.packs.includes(pack))
      throw wrong(
        `the box has a pack "${pack}" already`,
        `Change it with: --as ${pack}, or give another name.`,
      )
    const before = await textOf(join(folder, 'box.yaml'))
    const after = before === null ? undefined : withPack(before, pack, insteadOf)
    if (before === null || after === undefined)
      throw wrong(
        '"packs" of box.yaml is not written as a plain list',
        'Name the pack there by hand and reload.',
      )
    return [changed, { name: 'box.yaml', before, after }]
  }

  /** Everything that can be wrong with it is found before a file is touched. Answers with its rules. */
  async #try({ pack, text, insteadOf }: ChangeWish): Promise<readonly string[]> {
    const folder = join(this.#context.dataFolder, 'tried')
    const file = join(folder, `${pack}.yaml`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(file, text)
    try {
      const tried = insteadOf ?? pack
      const { rules } = await this.#context.load(new Map([[tried, file]]))
      return rules.filter((rule) => rule.pack === tried).map(({ id }) => id)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** For people: the rows have it too. */
  async #layBy(files: readonly FileChange[]): Promise<void> {
    const folder = join(this.#context.dataFolder, 'last-good')
    for (const { name, before } of files) if (before !== null) await replaceWhole(join(folder, name), before)
  }

  async #putInForce(staged: ChangeRecord): Promise<ChangeRecord> {
    const { box, clock, load, takeOver } = this.#context
    const before = box.now
    const baseline = baselineOf(this.#context)
    await this.#write(staged)
    try {
      await putFiles(before.folder, staged.plan.files)
      await takeOver(await load())
    } catch (error) {
      await takeFilesBack(before.folder, staged.plan.files)
      await this.#write(ended(staged, 'refused', messageOf(error), clock.now()))
      throw error
    }
    const since = clock.now()
    const record: ChangeRecord = { ...staged, state: 'watched', plan: { ...staged.plan, since } }
    this.#begin(record, before, baseline)
    // In force it is either way, and a next start knows it by its files.
    await this.#write(record).catch((error: unknown) =>
      this.#context.health.trouble('rule change', messageOf(error)),
    )
    return record
  }

  #begin(record: ChangeRecord, before: Box | undefined, baseline: Baseline): void {
    const { clock, health } = this.#context
    const { plan, pack, by } = record
    const watch = new ChangeWatch(this.#context, plan, plan.since ?? clock.now(), baseline)
    this.#watched = { record, watch, before }
    health.state(subjectOf(pack), 'watched', `${plan.minutes} min, changed by ${by}`)
    this.#lookLater(LOOK_EVERY_MS)
  }

  #lookLater(wait: number): void {
    if (this.#isStopped) return
    this.#cancel = this.#context.clock.after(wait, () => {
      this.#inTurn(() => this.#look()).then(
        () => {
          if (this.#watched) this.#lookLater(LOOK_EVERY_MS)
        },
        (error: unknown) => {
          // What was begun is ended by the next look.
          this.#context.health.trouble('rule change', messageOf(error))
          this.#lookLater(RETRY_MS)
        },
      )
    })
  }

  async #look(): Promise<void> {
    if (!this.#watched || this.#isStopped) return
    const { watch, record } = this.#watched
    const fault = watch.fault()
    if (fault !== undefined) await this.#rollBack(fault)
    else if (watch.isOver) await this.#keep(`${record.plan.minutes} min without a drop`)
  }

  async #keep(detail: string): Promise<void> {
    if (!this.#watched) return
    await this.#finish(ended(this.#watched.record, 'kept', detail, this.#context.clock.now()))
  }

  /** In the running box and file by file; tried again from the beginning where it breaks off. */
  async #rollBack(reason: string): Promise<void> {
    if (!this.#watched) return
    const { box, clock, load, takeOver } = this.#context
    const { record, before } = this.#watched
    // The running box first: its folder may refuse.
    if (before) await takeOver(before)
    const left = await takeFilesBack(box.now.folder, record.plan.files)
    if (!before) await takeOver(await load())
    const detail =
      left.length === 0 ? reason : `${reason}; ${left.join(', ')} was changed meanwhile and stays as it is`
    await this.#finish(ended(record, 'rolled-back', detail, clock.now()))
  }

  async #finish(record: ChangeRecord): Promise<void> {
    const { health } = this.#context
    await this.#write(record)
    this.#watched = undefined
    this.#cancel?.()
    health.state(subjectOf(record.pack), record.state, record.detail)
    if (record.state === 'rolled-back')
      health.trouble(`rule change of ${record.pack} rolled back`, record.detail)
  }

  async #resume(record: ChangeRecord): Promise<void> {
    const { box, clock, load, takeOver } = this.#context
    const { plan, state } = record
    const now = clock.now()
    const standing = await standingOf(box.now.folder, plan.files)
    if (standing === 'after') {
      const deaths = plan.deaths + (plan.isStopped || state === 'staged' ? 0 : 1)
      const since = plan.since ?? now
      const going: ChangeRecord = {
        ...record,
        state: 'watched',
        plan: { ...plan, since, deaths, isStopped: false },
      }
      this.#begin(going, undefined, baselineOf(this.#context))
      if (deaths >= MOST_DEATHS)
        await this.#rollBack(`the gateway ended ${deaths} times while it was watched`)
      else await this.#write(going)
      return
    }
    if (standing === 'mixed') {
      await takeFilesBack(box.now.folder, plan.files)
      await takeOver(await load())
    }
    const [word, detail]: readonly [ChangeState, string] =
      standing === 'other'
        ? ['superseded', 'its files were changed by hand while the gateway was away']
        : state === 'staged'
          ? ['refused', 'the gateway ended before it was in force']
          : ['rolled-back', 'the gateway ended while it was rolled back']
    await this.#finish(ended(record, word, detail, now))
  }

  async #write(record: ChangeRecord): Promise<void> {
    const { store } = this.#context
    await store.put(changeToRow(record))
    if (this.#watched?.record.seq === record.seq) this.#watched = { ...this.#watched, record }
    if (record.state === 'staged') await store.put(['pruneRuleChanges', record.seq - MOST_KEPT])
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work)
    this.#last = turn.catch(() => undefined) // whoever asked hears of it
    return turn
  }
}

const subjectOf = (pack: string): string => `rule change of ${pack}`

const ended = (record: ChangeRecord, state: ChangeState, detail: string, at: Instant): ChangeRecord => ({
  ...record,
  state,
  detail: detail.slice(0, 500),
  endedAt: at,
})
