import type { Clock, Duration } from '../../base/clock.ts'
import type { Device } from '../device.ts'
import type { Draft } from '../draft.ts'
import type { QuantityId } from '../quantity.ts'
import { toReading, type Reading, type Value } from '../reading.ts'
import { saidOf, type Door } from '../door-entry.ts'
import {
  stepDoor,
  unseen,
  type DoorLimits,
  type DoorSeen,
  type DoorState,
  type DoorStep,
} from './door-state.ts'

const RETRY_MS = 1000

export interface DoorsContext {
  readonly clock: Clock
  readonly devices: ReadonlyMap<string, Device>
  /** What was last known of a device, by an earlier run too. */
  readonly readingsOf: (deviceId: string) => readonly Reading[]
}

/** A device that is a door. */
export interface DoorDevice extends Device {
  readonly door: Door
}

/** What the box says of a door, by quantity. */
export type DoorSays = Readonly<Partial<Record<QuantityId, Value>>>

/** Takes readings that the hub itself makes. @throws GanglionError of the store */
type Note = (deviceId: string, readings: readonly Reading[]) => Promise<void>

interface Watched {
  readonly device: DoorDevice
  readonly limits: DoorLimits
  state: DoorState
  cancel: () => void
}

/** 看门: hears what the devices at doors say, and says itself which were forced or are held open. */
export class Doors {
  readonly #context: DoorsContext
  #watched: ReadonlyMap<string, Watched>
  #note: Note = () => Promise.resolve()
  #isStopped = false

  constructor(context: DoorsContext) {
    this.#context = context
    this.#watched = this.#watch(context.devices, new Map())
  }

  /** @param note the path, which is made after this */
  start(note: Note): void {
    this.#note = note
  }

  /** The box has changed: doors that stay are known as before. */
  replan(devices: ReadonlyMap<string, Device>): void {
    for (const { cancel } of this.#watched.values()) cancel()
    this.#watched = this.#watch(devices, this.#watched)
    for (const door of this.#watched.values()) this.#step(door, { kind: 'wake' })
  }

  all(): readonly { readonly device: DoorDevice; readonly state: DoorState }[] {
    return [...this.#watched.values()]
  }

  /** The door that a reader stands at. */
  ofReader(readerId: string): DoorDevice | undefined {
    for (const { device } of this.#watched.values()) if (device.door.readers.includes(readerId)) return device
    return undefined
  }

  /** What follows from a message of a door, to be stored with it. */
  follow(draft: Draft, deviceId: string, readings: readonly Reading[]): readonly Reading[] {
    const door = this.#watched.get(deviceId)
    if (!door) return []
    const before = door.state
    const step = this.#step(door, { kind: 'readings', readings })
    draft.onUndo(() => {
      if (door.state === step.state) door.state = before
    })
    return this.#readings(door, step.says)
  }

  /** Somebody is let through: what opens now is not forced. */
  letThrough(deviceId: string): void {
    const door = this.#watched.get(deviceId)
    if (door) this.#step(door, { kind: 'let-through' })
  }

  lost(deviceId: string): void {
    const door = this.#watched.get(deviceId)
    if (door) this.#step(door, { kind: 'lost' })
  }

  /**
   * Says something of a door at its place and to its rules; what the device says itself is left to it.
   * @param lastsMs nobody takes it back: it ends by itself
   * @throws GanglionError of the store
   */
  async say(deviceId: string, says: DoorSays, lastsMs: Duration): Promise<void> {
    const door = this.#watched.get(deviceId)
    const readings = door ? this.#readings(door, says) : []
    const lasting = readings.map((reading) =>
      typeof reading.value === 'boolean' ? { ...reading, lastsMs } : reading,
    )
    if (lasting.length > 0) await this.#note(deviceId, lasting)
  }

  stop(): void {
    this.#isStopped = true
    for (const { cancel } of this.#watched.values()) cancel()
  }

  #watch(
    devices: ReadonlyMap<string, Device>,
    before: ReadonlyMap<string, Watched>,
  ): ReadonlyMap<string, Watched> {
    const watched = [...devices.values()].filter(isDoor).map((device): Watched => {
      const state = before.get(device.id)?.state ?? recalled(this.#context.readingsOf(device.id))
      const limits = { ...device.door, seesLeaving: saidOf(device).includes('doorForced') }
      return { device, limits, state, cancel: () => undefined }
    })
    return new Map(watched.map((door) => [door.device.id, door]))
  }

  #step(door: Watched, seen: DoorSeen): DoorStep {
    const { clock } = this.#context
    const step = stepDoor(door.limits, door.state, seen, clock.ticks())
    door.state = step.state
    door.cancel()
    if (step.wakeAt !== undefined) this.#wake(door, step.wakeAt - clock.ticks())
    return step
  }

  #wake(door: Watched, wait: Duration): void {
    if (this.#isStopped) return
    door.cancel = this.#context.clock.after(wait, () => {
      const before = door.state
      const step = this.#step(door, { kind: 'wake' })
      const readings = this.#readings(door, step.says)
      if (readings.length === 0) return
      this.#note(door.device.id, readings).catch(() => {
        // The store has said what is wrong.
        if (door.state !== step.state) return
        door.state = before
        this.#wake(door, RETRY_MS)
      })
    })
  }

  #readings({ device }: Watched, says: DoorSays): readonly Reading[] {
    const now = this.#context.clock.now()
    return saidOf(device).flatMap((quantity) => {
      const value = says[quantity]
      return value === undefined ? [] : [toReading(quantity, '', value, now)]
    })
  }
}

const isDoor = (device: Device): device is DoorDevice => device.door !== undefined

/** Whether it is open must be seen anew; what it was found to be stands until then. */
function recalled(readings: readonly Reading[]): DoorState {
  const was = (wanted: QuantityId): boolean =>
    readings.some(({ quantity, part, value }) => quantity === wanted && part === '' && value === true)
  return { ...unseen, isForced: was('doorForced'), isHeld: was('doorHeldOpen') }
}
