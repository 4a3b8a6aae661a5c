import type { Goal, Measured } from './rows.ts'

/** One run of the bench: what a measurement is given. */
export interface Run {
  /** Under a minute for the whole area: shorter spans, fewer repetitions. */
  readonly isShort: boolean
  /** For the gateway's node: a profiler, a tracer of its garbage collection. */
  readonly nodeOptions: readonly string[]
  /** Also measures what a user would pick instead, where `bench/peers` has it. */
  readonly withPeers: boolean
  readonly fsyncMs: number
  /** An empty folder of its own. */
  newFolder(name: string): string
  /** The first for a full run, the second for a short one. */
  either<T>(full: T, short: T): T
  /** Smoke alarms of a loaded box: 2,000. */
  readonly loadDevices: number
  /** An acknowledgement or answer that is not there this long after the last message will not come. */
  readonly patienceMs: number
  /** Progress for whoever waits. */
  say(line: string): void
}

/** One or more rows that come of one measurement. */
export interface Measurement {
  readonly rows: readonly string[]
  /** `figures` run alone on the machine; `counts` (lost, doubled) may run beside each other in a short run. */
  readonly kind: 'figures' | 'counts'
  run(run: Run): Promise<readonly Measured[]>
}

/** A file in bench/areas, default-exported; its name is the area's. */
export interface Area {
  readonly goals: Readonly<Record<string, Goal>>
  readonly measurements: readonly Measurement[]
}
