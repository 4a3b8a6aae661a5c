import type { Clock, Duration } from '../../base/clock.ts'
import type { FaultName } from '../faults.ts'
import type { Endpoint } from '../fault-proxy.ts'
import type { Random } from '../random.ts'

export type Value = number | boolean | string
export type Values = Readonly<Record<string, Value>>

/** One device (or bridge) as the scenario plays with it. */
export interface SimulatedDevice {
  readonly id: string
  /** Whether the gateway has it: connected and let in, or asked once. */
  readonly isReady: boolean
  /** What it shows now, by quantity (`port-1/portTemperature` for a part), and tells the gateway at once. */
  set(values: Values): void
  setFault(name: FaultName | undefined): Promise<void>
  /** Power is back: connects anew and says its whole state at once. */
  reannounce(): void
  /** A few words for the live table. */
  shown(): string
  stop(): Promise<void>
}

/** What every simulated device is given. */
export interface DeviceContext {
  readonly clock: Clock
  readonly random: Random
  /** How often it says its state when nothing happens. */
  readonly reportsEvery: Duration
  /** Where the gateway is reached, or where the device is served: a fault proxy may stand in between. */
  readonly endpoint: Endpoint
}

/** The few words for the live table: what is neither off nor at rest. */
export function shownValues(values: Values): string {
  return Object.entries(values)
    .filter(([, value]) => value !== false)
    .map(([key, value]) => (value === true ? key : `${key} ${value}`))
    .join(', ')
}

/** Calls `work` again and again until it is stopped; the first call comes at a random moment of the span. */
export function every(clock: Clock, span: Duration, random: Random, work: () => void): () => void {
  let cancel = clock.after(Math.floor(span * random.next()), again)
  function again(): void {
    cancel = clock.after(span, again)
    work()
  }
  return () => cancel()
}
