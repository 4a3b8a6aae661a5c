import type { Value } from '../gateway/reading.ts'
import type { Compared } from '../gateway/rule.ts'
import { difference } from './limit.ts'

/** Three values after Kleene: what nobody knows is neither true nor false. */
export type Judged = boolean | 'unknown'

/** What one device of the place last said, by the condition's number of the quantity; undefined is unknown. */
export interface Frame {
  readonly values: (Value | undefined)[]
  /** Says "this or more, I cannot tell". */
  readonly atLimit: boolean[]
  /** Is one of them at its limit? */
  hasLimit: boolean
}

/** 1: it may be more, −1: it may be less, 0: it is so, NaN: nobody can tell. */
type Bound = number

/** A number that is not known is NaN: arithmetic hands it on by itself. */
export interface NumberNode {
  readonly sort: 'number'
  /** Of the quantity table; empty for plain numbers. */
  readonly unit: string
  readonly wants: readonly number[]
  readonly constant?: number
  value(frame: Frame): number
  bound(frame: Frame): Bound
}

export interface TextNode {
  readonly sort: 'text'
  readonly wants: readonly number[]
  readonly constant?: string
  value(frame: Frame): string | undefined
}

/** Something that is true or false of one device. */
export interface Atom {
  readonly sort: 'truth'
  readonly text: string
  readonly wants: readonly number[]
  judge(frame: Frame): Judged
  /** What stood on its sides; without `text` and `met`. */
  sides(frame: Frame): Omit<Compared, 'text' | 'met'>
}

const alwaysExact = (): Bound => 0

export const numberOf = (constant: number, unit: string): NumberNode => ({
  sort: 'number',
  unit,
  wants: [],
  constant,
  value: () => constant,
  bound: alwaysExact,
})

export const numberAt = (index: number, unit: string): NumberNode => ({
  sort: 'number',
  unit,
  wants: [index],
  value(frame) {
    const value = frame.values[index]
    return typeof value === 'number' ? value : NaN
  },
  bound: (frame) => (frame.atLimit[index] === true ? 1 : 0),
})

export const negativeOf = (node: NumberNode): NumberNode =>
  node.constant === undefined
    ? { ...node, value: (frame) => -node.value(frame), bound: (frame) => -node.bound(frame) }
    : numberOf(-node.constant, node.unit)

/** Both known to be off in the same direction, or one of them: else nobody can tell. */
function together(a: Bound, b: Bound): Bound {
  if (a === 0 || a === b) return b
  return b === 0 ? a : NaN
}

export type Arithmetic = '+' | '-' | '*' | '/'

export function arithmetic(op: Arithmetic, left: NumberNode, right: NumberNode, unit: string): NumberNode {
  const { value, bound } = operators[op](left, right)
  const node: NumberNode = {
    sort: 'number',
    unit,
    wants: [...new Set([...left.wants, ...right.wants])],
    value,
    bound,
  }
  return node.wants.length > 0 ? node : numberOf(value({ values: [], atLimit: [], hasLimit: false }), unit)
}

const operators: Readonly<
  Record<Arithmetic, (left: NumberNode, right: NumberNode) => Pick<NumberNode, 'value' | 'bound'>>
> = {
  '+': (left, right) => ({
    value: (frame) => left.value(frame) + right.value(frame),
    bound: (frame) => together(left.bound(frame), right.bound(frame)),
  }),
  '-': (left, right) => ({
    value: (frame) => left.value(frame) - right.value(frame),
    bound: (frame) => together(left.bound(frame), -right.bound(frame)),
  }),
  '*': (left, right) => ({
    value: (frame) => left.value(frame) * right.value(frame),
    bound(frame) {
      const byLeft = left.bound(frame) * Math.sign(right.value(frame))
      const byRight = right.bound(frame) * Math.sign(left.value(frame))
      return together(byLeft, byRight)
    },
  }),
  '/': (left, right) => ({
    value(frame) {
      const by = right.value(frame)
      return by === 0 ? NaN : left.value(frame) / by
    },
    bound: (frame) => (right.bound(frame) === 0 ? left.bound(frame) * Math.sign(right.value(frame)) : NaN),
  }),
}

export const textOf = (constant: string): TextNode => ({
  sort: 'text',
  wants: [],
  constant,
  value: () => constant,
})

export const textAt = (index: number): TextNode => ({
  sort: 'text',
  wants: [index],
  value(frame) {
    const value = frame.values[index]
    return typeof value === 'string' ? value : undefined
  },
})

export const truthAt = (index: number, text: string): Atom => ({
  sort: 'truth',
  text,
  wants: [index],
  judge(frame) {
    const value = frame.values[index]
    return typeof value === 'boolean' ? value : 'unknown'
  },
  sides: (frame) => ({ ...known(frame.values[index]), unit: '' }),
})

export const truthOf = (constant: boolean, text: string): Atom => ({
  sort: 'truth',
  text,
  wants: [],
  judge: () => constant,
  sides: () => ({ value: constant, unit: '' }),
})

export type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!='

const numberTests: Readonly<Record<Comparison, (left: number, right: number) => boolean>> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
}

/** 1: met from here upwards, −1: downwards, 0: neither. */
const directions: Readonly<Record<Comparison, number>> = {
  '<': -1,
  '<=': -1,
  '>': 1,
  '>=': 1,
  '==': 0,
  '!=': 0,
}

export function numberComparison(op: Comparison, left: NumberNode, right: NumberNode, text: string): Atom {
  const test = numberTests[op]
  const isSwapped = left.constant !== undefined && right.constant === undefined
  const [value, threshold] = isSwapped ? [right, left] : [left, right]
  const direction = directions[op] * (isSwapped ? -1 : 1)
  return {
    sort: 'truth',
    text,
    wants: [...new Set([...left.wants, ...right.wants])],
    judge(frame) {
      const l = left.value(frame)
      const r = right.value(frame)
      if (Number.isNaN(l) || Number.isNaN(r)) return 'unknown'
      if (!frame.hasLimit) return test(l, r)
      const bound = together(left.bound(frame), -right.bound(frame))
      if (bound === 0) return test(l, r)
      if (Number.isNaN(bound) || directions[op] === 0) return 'unknown'
      // Counts as over whatever the limit is: a byte that ends at 250 mA could otherwise never reach 300 mA.
      return bound === directions[op]
    },
    sides(frame) {
      const l = value.value(frame)
      const r = threshold.value(frame)
      const isExact = !frame.hasLimit || (value.bound(frame) === 0 && threshold.bound(frame) === 0)
      const hasMargin = direction !== 0 && isExact && !Number.isNaN(l) && !Number.isNaN(r)
      return {
        ...known(Number.isNaN(l) ? undefined : rounded(l)),
        ...(!Number.isNaN(r) && { threshold: rounded(r) }),
        ...(hasMargin && { margin: direction > 0 ? difference(l, r) : difference(r, l) }),
        unit: value.unit,
      }
    },
  }
}

const rounded = (value: number): number => difference(value, 0)

/** Equal texts, or equal booleans. */
export function sameness(
  isWanted: boolean,
  left: TextNode | Atom,
  right: TextNode | Atom,
  text: string,
): Atom {
  const valueOf = (node: TextNode | Atom, frame: Frame): Value | undefined => {
    if (node.sort === 'text') return node.value(frame)
    const judged = node.judge(frame)
    return judged === 'unknown' ? undefined : judged
  }
  return {
    sort: 'truth',
    text,
    wants: [...new Set([...left.wants, ...right.wants])],
    judge(frame) {
      const l = valueOf(left, frame)
      const r = valueOf(right, frame)
      if (l === undefined || r === undefined) return 'unknown'
      return (l === r) === isWanted
    },
    sides(frame) {
      const threshold = valueOf(right, frame)
      return { ...known(valueOf(left, frame)), ...(threshold !== undefined && { threshold }), unit: '' }
    },
  }
}

/** A test of one text or number against constants: `in`, `startsWith`. */
export function testOf<T extends Value>(
  node: { readonly wants: readonly number[]; readonly unit?: string; value(frame: Frame): T | undefined },
  test: (value: T) => boolean,
  text: string,
): Atom {
  const valueOf = (frame: Frame): T | undefined => {
    const value = node.value(frame)
    return typeof value === 'number' && Number.isNaN(value) ? undefined : value
  }
  return {
    sort: 'truth',
    text,
    wants: node.wants,
    judge(frame) {
      const value = valueOf(frame)
      // "This or more" is in no list for sure.
      if (value === undefined || node.wants.some((index) => frame.atLimit[index] === true)) return 'unknown'
      return test(value)
    },
    sides: (frame) => ({ ...known(valueOf(frame)), unit: node.unit ?? '' }),
  }
}

const known = (value: Value | undefined): { readonly value?: Value } => (value === undefined ? {} : { value })
