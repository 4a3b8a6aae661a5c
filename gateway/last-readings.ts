import { instant, type Clock, type Instant } from '../base/clock.ts'
import type { Device } from './device.ts'
import type { Draft } from './draft.ts'
import { ArrivalLog, type Came } from './history/arrival-log.ts'
import { RETAINED } from './history/recorded.ts'
import { Presence } from './presence.ts'
import type { Reading } from './reading.ts'
import type { Change } from './store/schema.ts'
import type { Store } from './store/store.ts'

/** Arrivals are folded into the last readings so long after the first one. */
const FOLD_AFTER_MS = 10_000
/** Small steps: no commit may wait for a long one. */
const STEP_MS = 250
const DEVICES_A_STEP = 100
const PRUNED_A_STEP = 4000
/** The log is kept for so long, for redeliveries, and never longer than this. */
export const ARRIVALS_KEPT_MS = 10 * 60_000
const MOST_ARRIVALS = 100_000
/** Where history does not follow: it gives way before the database grows without end. */
const MOST_UNMOVED = 300_000

interface DeviceRow {
  device: Device
  heardAt: Instant
  /** As if the clock had run on since an earlier run, as far as the gateway was there; undefined: never heard. */
  heardTicks: number | undefined
  readonly points: Map<string, Point>
}

/**
 * A point that says the same again keeps the reading of before and only the newer time: at thousands of messages a
 * second a new object for each would outlive its first collection, and be most of the garbage of the old generation.
 */
interface Point {
  readonly reading: Reading
  at: Instant
}

/**
 * 最近读数: the last reading of each point. Every message is one appended row of the arrivals log, so that a commit
 * writes few pages however many devices speak; in the background the log is folded into one row a device.
 */
export class LastReadings {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: ArrivalLog
  readonly #movedTo: () => number
  readonly #presence: Presence
  readonly #rows = new Map<string, DeviceRow>()
  readonly #newest
  readonly #prunable
  readonly #foldedOf
  readonly #laterOf
  /** Changed since their last fold. */
  #dirty = new Set<DeviceRow>()
  /** Still to be written in the fold under way, which covers the log up to `#folding`. */
  #left: DeviceRow[] = []
  #folding = 0
  #folded: number
  #cancel: (() => void) | undefined
  #isClosed = false

  /** `movedTo`: rows of the log up to here lie in the history too; without a history the log forgets them. */
  constructor(store: Store, clock: Clock, devices: Iterable<Device>, movedTo = (): number => Infinity) {
    this.#store = store
    this.#clock = clock
    this.#movedTo = movedTo
    this.#log = new ArrivalLog(clock)
    this.#presence = new Presence(store, clock)
    const { reader } = store
    this.#newest = reader.prepare('SELECT ifnull(max(seq), 0) FROM arrivals').pluck()
    this.#prunable = reader.prepare('SELECT seq, at FROM arrivals ORDER BY seq LIMIT 1 OFFSET ?')
    this.#folded = Number(reader.prepare("SELECT value FROM meta WHERE key = 'folded'").pluck().get() ?? 0)
    this.#foldedOf = reader.prepare(
      'SELECT device_id, at, points AS readings FROM last_readings WHERE device_id IN (SELECT value FROM json_each(?))',
    )
    this.#laterOf = reader.prepare(
      `SELECT device_id, at, readings FROM arrivals
       WHERE seq > ? AND beside IS NOT '${RETAINED}' AND device_id IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    )
    for (const device of devices) this.#rows.set(device.id, emptyRow(device))
    const folded = reader.prepare('SELECT device_id, at, points AS readings FROM last_readings')
    const later = reader.prepare(
      `SELECT device_id, at, readings FROM arrivals WHERE seq > ? AND beside IS NOT '${RETAINED}' ORDER BY seq`,
    )
    for (const row of folded.iterate() as Iterable<StoredRow>) this.#restore(row) // the columns named
    for (const row of later.iterate(this.#folded) as Iterable<StoredRow>) this.#restore(row) // the columns named
    const startedTicks = clock.ticks()
    for (const row of this.#rows.values())
      if (row.heardAt > 0) row.heardTicks = startedTicks - this.#presence.silenceSince(row.heardAt)
  }

  /**
   * The clock's ticks when the device was last heard: the wall clock may have jumped since then. Below those of the start
   * where it was silent in earlier runs; their time counts and that between them does not.
   */
  heardTicks(deviceId: string): number | undefined {
    return this.#rows.get(deviceId)?.heardTicks
  }

  /**
   * The box has changed. The silence of a device that is new, or back, is counted from now on. All that was given to the
   * store before is stored.
   */
  replan(devices: ReadonlyMap<string, Device>): void {
    for (const id of this.#rows.keys()) if (!devices.has(id)) this.#rows.delete(id)
    const added: DeviceRow[] = []
    for (const device of devices.values()) {
      const row = this.#rows.get(device.id)
      if (row) row.device = device
      else added.push(emptyRow(device))
    }
    if (added.length === 0) return
    for (const row of added) this.#rows.set(row.device.id, row)
    const ids = JSON.stringify(added.map(({ device }) => device.id))
    for (const row of this.#foldedOf.all(ids) as StoredRow[]) this.#restore(row) // the columns named
    for (const row of this.#laterOf.all(this.#folded, ids) as StoredRow[]) this.#restore(row) // the columns named
    for (const row of added) row.heardTicks = this.#clock.ticks()
  }

  of(deviceId: string): readonly Reading[] {
    const row = this.#rows.get(deviceId)
    return row ? readingsOf(row) : []
  }

  heard(draft: Draft, deviceId: string, readings: readonly Reading[], now: Instant, came: Came = {}): void {
    const row = this.#rows.get(deviceId)
    if (!row) return
    row.heardAt = now
    row.heardTicks = this.#clock.ticks()
    for (const reading of readings) put(row, reading)
    this.#log.add(draft, row.device, readings, now, came)
    this.#touch(row)
  }

  /** What the hub itself makes of what a device said: no sign of life. */
  noted(draft: Draft, deviceId: string, readings: readonly Reading[], now: Instant): void {
    const row = this.#rows.get(deviceId)
    if (!row) return
    for (const reading of readings) put(row, reading)
    this.#log.add(draft, row.device, readings, now, { notSaid: 'noted' })
    this.#touch(row)
  }

  /** Rules are shown it, but nobody said it just now. */
  retained(draft: Draft, deviceId: string, readings: readonly Reading[], now: Instant): void {
    const row = this.#rows.get(deviceId)
    if (row) this.#log.add(draft, row.device, readings, now, { notSaid: 'retained' })
  }

  unanswered(draft: Draft, deviceId: string, now: Instant): void {
    this.#log.unanswered(draft, deviceId, now)
  }

  /** The line is lost: every value is bad from now on, never the last value. */
  spoil(deviceId: string): void {
    const row = this.#rows.get(deviceId)
    if (!row) return
    for (const reading of readingsOf(row)) put(row, { ...reading, quality: 'bad' })
    this.#touch(row)
  }

  /** Folds what is left, so that the next start has little to read. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel?.()
    const rows = [...new Set([...this.#left, ...this.#dirty])]
    try {
      await this.#store.put(...this.#log.stop(), this.#presence.stop())
      if (rows.length === 0) return
      await this.#store.put(...rows.map(toChange), ['putMeta', 'folded', String(this.#newest.get())])
    } catch {
      // The store has said what is wrong. The log has what the rows have not, and the stop goes on.
    }
  }

  #touch(row: DeviceRow): void {
    this.#dirty.add(row)
    if (this.#cancel === undefined && !this.#isClosed) this.#later(FOLD_AFTER_MS)
  }

  #later(wait: number): void {
    this.#cancel = this.#clock.after(wait, () => {
      this.#step().then(
        (isDone) => {
          this.#cancel = undefined
          if (this.#isClosed) return
          if (!isDone) this.#later(STEP_MS)
          else if (this.#dirty.size > 0) this.#later(FOLD_AFTER_MS)
        },
        // The store has said what is wrong; the fold begins anew.
        () => {
          this.#dirty = new Set([...this.#left, ...this.#dirty])
          this.#left = []
          if (!this.#isClosed) this.#later(FOLD_AFTER_MS)
        },
      )
    })
  }

  /** One small step of folding and pruning; true when the fold is done and nothing more is to be pruned. */
  async #step(): Promise<boolean> {
    if (this.#left.length === 0) {
      // What the log holds up to here is in memory already, and so in the rows that are written from now on.
      this.#folding = this.#newest.get() as number // one integer
      this.#left = [...this.#dirty]
      this.#dirty.clear()
    }
    const rows = this.#left.slice(0, DEVICES_A_STEP)
    const isLast = rows.length === this.#left.length
    const changes: Change[] = rows.map(toChange)
    if (isLast) changes.push(['putMeta', 'folded', String(this.#folding)])
    const prune = this.#pruneTo()
    if (prune !== undefined) changes.push(['pruneArrivals', prune])
    await this.#store.put(...changes)
    this.#left = this.#left.slice(rows.length)
    if (isLast) this.#folded = this.#folding
    return isLast && prune === undefined
  }

  #pruneTo(): number | undefined {
    const row = this.#prunable.get(PRUNED_A_STEP) as { seq: number; at: number } | undefined // the columns named
    if (!row || row.seq >= this.#folded) return undefined
    if (row.seq > this.#movedTo() && this.#folded - row.seq <= MOST_UNMOVED) return undefined
    const isOld = row.at < this.#clock.now() - ARRIVALS_KEPT_MS
    return isOld || this.#folded - row.seq > MOST_ARRIVALS ? row.seq : undefined
  }

  #restore({ device_id, at, readings }: StoredRow): void {
    const row = this.#rows.get(device_id)
    if (!row) return
    row.heardAt = instant(at)
    for (const reading of JSON.parse(readings) as Reading[]) put(row, reading) // written by this class
  }
}

const emptyRow = (device: Device): DeviceRow => ({
  device,
  heardAt: instant(0),
  heardTicks: undefined,
  points: new Map(),
})

function put(row: DeviceRow, reading: Reading): void {
  const key = reading.part === '' ? reading.quantity : `${reading.part}/${reading.quantity}`
  const before = row.points.get(key)
  if (before && saysTheSame(before.reading, reading)) before.at = reading.at
  else row.points.set(key, { reading, at: reading.at })
}

const saysTheSame = (a: Reading, b: Reading): boolean =>
  a.value === b.value && a.quality === b.quality && a.lastsMs === b.lastsMs

const readingsOf = ({ points }: DeviceRow): readonly Reading[] =>
  [...points.values()].map(({ reading, at }) => (reading.at === at ? reading : { ...reading, at }))

function toChange(row: DeviceRow): Change {
  const { device, heardAt } = row
  return ['putLastReadings', device.id, device.siteId, heardAt, JSON.stringify(readingsOf(row))]
}

interface StoredRow {
  readonly device_id: string
  readonly at: number
  readonly readings: string
}
