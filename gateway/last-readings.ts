import { instant, type Instant } from '../base/clock.ts'
import type { Device } from './device.ts'
import type { Reading } from './reading.ts'
import type { Change } from './store/schema.ts'
import type { LateRow, Store } from './store/store.ts'

/** The last reading of each point of one device, and when it was last heard. One row of the database. */
class DeviceRow implements LateRow {
  readonly device: Device
  heardAt: Instant
  /** Undefined when it was not heard in this run. */
  heardTicks: number | undefined
  readonly points = new Map<string, Reading>()

  constructor(device: Device, heardAt: Instant) {
    this.device = device
    this.heardAt = heardAt
  }

  toChange(): Change {
    return [
      'putLastReadings',
      this.device.id,
      this.device.siteId,
      this.heardAt,
      JSON.stringify([...this.points.values()]),
    ]
  }
}

/** 最近读数: kept in memory, written with the next group of commits. */
export class LastReadings {
  readonly #store: Store
  readonly #rows = new Map<string, DeviceRow>()

  constructor(store: Store, devices: Iterable<Device>) {
    this.#store = store
    const stored = new Map(
      (store.reader.prepare('SELECT device_id, at, points FROM last_readings').all() as StoredRow[]).map(
        (row) => [row.device_id, row],
      ), // the columns named
    )
    for (const device of devices) {
      const before = stored.get(device.id)
      const row = new DeviceRow(device, instant(before?.at ?? 0))
      for (const reading of before ? (JSON.parse(before.points) as Reading[]) : []) this.#put(row, reading) // written by this class
      this.#rows.set(device.id, row)
    }
  }

  /** The clock's ticks when the device was last heard in this run: the wall clock may have jumped since then. */
  heardTicks(deviceId: string): number | undefined {
    return this.#rows.get(deviceId)?.heardTicks
  }

  of(deviceId: string): readonly Reading[] {
    return [...(this.#rows.get(deviceId)?.points.values() ?? [])]
  }

  heard(deviceId: string, readings: readonly Reading[], now: Instant, ticks: number): void {
    const row = this.#rows.get(deviceId)
    if (!row) return
    row.heardAt = now
    row.heardTicks = ticks
    for (const reading of readings) this.#put(row, reading)
    this.#store.late(row)
  }

  /** The line is lost: every value is bad from now on, never the last value. */
  spoil(deviceId: string): void {
    const row = this.#rows.get(deviceId)
    if (!row) return
    for (const reading of row.points.values()) this.#put(row, { ...reading, quality: 'bad' })
    this.#store.late(row)
  }

  #put(row: DeviceRow, reading: Reading): void {
    row.points.set(reading.part === '' ? reading.quantity : `${reading.part}/${reading.quantity}`, reading)
  }
}

interface StoredRow {
  readonly device_id: string
  readonly at: number
  readonly points: string
}
