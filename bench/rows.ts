/** One line of the bench's table, and one object of `bench/out/<area>.json`. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal: number
  readonly direction: Direction
  readonly reached: boolean
}

export type Direction = 'at most' | 'at least'

/** What a row has to reach. */
export interface Goal {
  readonly unit: string
  readonly goal: number
  readonly direction: Direction
}

/** How a row was measured: printed below the table's line and written to `bench/out/<area>.notes.json`. */
export interface Notes {
  readonly messages: number
  readonly devices: number
  /** The disk under the data folder: median of real fsyncs, in ms. */
  readonly fsyncMs: number
  /** % of one core, by process. */
  readonly cpu: Readonly<Record<string, number>>
  /** The bare script's figure in the same run; absent where a bare script has nothing of the kind. */
  readonly bare?: number
  /** Anything else that a reader must know to believe the figure. */
  readonly said?: readonly string[]
}

/** What a measurement brings home for one row. */
export interface Measured {
  readonly name: string
  readonly value: number
  /** Something besides the figure that has to hold, such as "no message is missing"; true by default. */
  readonly holds?: boolean
  readonly notes: Notes
}

export const atMost = (goal: number, unit: string): Goal => ({ unit, goal, direction: 'at most' })

export const atLeast = (goal: number, unit: string): Goal => ({ unit, goal, direction: 'at least' })

/** The figure beside its goal. The figure that is written is the one that is judged. */
export function toRow({ name, value, holds = true }: Measured, { unit, goal, direction }: Goal): Row {
  const shown = rounded(value)
  const isReached = direction === 'at most' ? shown <= goal : shown >= goal
  return { name, value: shown, unit, goal, direction, reached: holds && isReached }
}

/** Three decimals below ten, two below a hundred, one above. */
export function rounded(value: number): number {
  const decimals = Math.abs(value) < 10 ? 3 : Math.abs(value) < 100 ? 2 : 1
  return Number(value.toFixed(decimals))
}
