import { Type } from 'typebox'
import { difference, Limit } from './limit.ts'

/** The settings of a number that must not pass a limit: above it or below it, with where it is back. */
export const sideSettings = {
  /** Raises at and above this; exactly one of `above` and `below`. */
  above: Type.Optional(Limit),
  /** Clears below this; `above` by default. */
  clearBelow: Type.Optional(Limit),
  /** Raises at and below this. */
  below: Type.Optional(Limit),
  /** Clears above this; `below` by default. */
  clearAbove: Type.Optional(Limit),
}

interface SideSettings {
  readonly above?: string
  readonly clearBelow?: string
  readonly below?: string
  readonly clearAbove?: string
}

/** `sign` −1 turns "below" into "above", so that both are judged alike. */
export interface Sides {
  readonly limit: number
  readonly clear: number
  readonly sign: 1 | -1
}

/** What is wrong with them. `complaintOf` judges one limit, `valueOf` reads one that is right. */
export function sideComplaints(
  settings: SideSettings,
  complaintOf: (text: string) => string | undefined,
  valueOf: (text: string) => number,
): { path: string; text: string }[] {
  const { above, below, clearBelow, clearAbove } = settings
  const wrong = Object.entries({ above, clearBelow, below, clearAbove }).flatMap(([key, text]) => {
    const complaint = text === undefined ? undefined : complaintOf(text)
    return complaint === undefined ? [] : [{ path: `/${key}`, text: complaint }]
  })
  if (wrong.length > 0) return wrong
  if ((above === undefined) === (below === undefined)) {
    return [{ path: '', text: 'wanted exactly one of "above" and "below"' }]
  }
  if (above === undefined && clearBelow !== undefined) {
    return [{ path: '/clearBelow', text: '"clearBelow" belongs to "above"; "below" has "clearAbove"' }]
  }
  if (below === undefined && clearAbove !== undefined) {
    return [{ path: '/clearAbove', text: '"clearAbove" belongs to "below"; "above" has "clearBelow"' }]
  }
  const { limit, clear, sign } = sidesOf(settings, valueOf)
  if (sign * clear <= sign * limit) return []
  const [key, side] = sign > 0 ? ['clearBelow', 'above'] : ['clearAbove', 'below']
  return [{ path: `/${key}`, text: `"${key}" lies beyond "${side}": it would clear while it raises` }]
}

export function sidesOf(
  { above, below, clearBelow, clearAbove }: SideSettings,
  valueOf: (text: string) => number,
): Sides {
  const limit = valueOf(above ?? below ?? '')
  const clear = clearBelow ?? clearAbove
  return {
    limit,
    clear: clear === undefined ? limit : valueOf(clear),
    sign: above === undefined ? -1 : 1,
  }
}

export const isOver = ({ limit, sign }: Sides, value: number): boolean => sign * value >= sign * limit

export const isBack = (sides: Sides, value: number): boolean =>
  !isOver(sides, value) && sides.sign * value < sides.sign * sides.clear

export const marginOf = ({ limit, sign }: Sides, value: number): number =>
  difference(sign * value, sign * limit)
