import type { QuantityId } from '../gateway/quantity.ts'
import type { Compared } from '../gateway/rule.ts'
import { Compiler, type NamedLimits, type Tree } from './condition-compiler.ts'
import type { Atom, Frame, Judged } from './condition-nodes.ts'
import { withoutUnits } from './condition-text.ts'

/**
 * 条件: what a rule asks of readings, compiled once. A comparison holds when it holds for any device that is shown
 * (any port over 1000 W); below a `!` it must hold for none of them.
 */
export interface Condition {
  readonly text: string
  /** The quantities it names, in the order of the values of a frame. */
  readonly wants: readonly QuantityId[]
  /** The named limits that it uses. */
  readonly names: readonly string[]
  /** Unknown where a value that decides is missing: `true || unknown` is true, `false && unknown` false. */
  judge(frames: readonly Frame[]): Judged
  /** By comparison, in the order of `explain`: the quantity that it asks for, where it is one alone. */
  readonly asksAlone: readonly (QuantityId | undefined)[]
  /** Each comparison with what it came to. */
  explain(frames: readonly Frame[]): readonly Compared[]
  /** Would any comparison come out otherwise by this quantity's other value? */
  turnsOn(index: number, before: Frame, after: Frame): boolean
}

export type Compiled =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly complaints: readonly string[] }

/** Nobody reads a longer one in a case. */
export const LONGEST_CONDITION = 500

/** Compiles a condition, with everything that is wrong with it. */
export function compileCondition(text: string, limits: NamedLimits = {}): Compiled {
  if (text.length > LONGEST_CONDITION) {
    return { ok: false, complaints: [`wanted at most ${LONGEST_CONDITION} characters; got ${text.length}`] }
  }
  const unitless = withoutUnits(text)
  const compiler = new Compiler(text, unitless, limits)
  const tree = compiler.compile()
  const complaints = [...unitless.complaints, ...compiler.complaints]
  if (complaints.length === 0 && compiler.wants.length === 0) complaints.push('it asks for no quantity')
  if (!tree || complaints.length > 0) return { ok: false, complaints: [...new Set(complaints)] }
  return { ok: true, condition: toCondition(text, compiler, tree) }
}

/** Compiles what was found right before. */
export function soundCondition(text: string, limits: NamedLimits = {}): Condition {
  const compiled = compileCondition(text, limits)
  if (!compiled.ok) throw new Error(`condition "${text}": ${compiled.complaints.join('; ')}`) // packs are checked
  return compiled.condition
}

function toCondition(
  text: string,
  { wants, names }: Pick<Condition, 'wants' | 'names'>,
  tree: Tree,
): Condition {
  const leaves = atomsOf(tree)
  const judge = judgeOf(tree)
  return {
    text,
    wants,
    names,
    asksAlone: leaves.map(({ atom }) => (atom.wants.length === 1 ? wants[atom.wants[0] ?? 0] : undefined)),
    judge,
    explain: (frames) => leaves.map(({ atom, isDenied }) => explained(atom, isDenied, frames)),
    turnsOn: (index, before, after) =>
      leaves.some(({ atom }) => {
        if (!atom.wants.includes(index)) return false
        // With a second quantity in the comparison nobody can say yet on which value it will turn.
        return atom.wants.length > 1 || atom.judge(before) !== atom.judge(after)
      }),
  }
}

type Leaf = Extract<Tree, { is: 'atom' }>

function atomsOf(tree: Tree): readonly Leaf[] {
  if (tree.is === 'atom') return [tree]
  if (tree.is === 'if') return [tree.test, tree.then, tree.otherwise].flatMap(atomsOf)
  return [...atomsOf(tree.left), ...atomsOf(tree.right)]
}

function judgeOf(tree: Tree): (frames: readonly Frame[]) => Judged {
  if (tree.is === 'atom') {
    const { atom } = tree
    if (tree.isDenied) return (frames) => not(forAny(atom, frames))
    return (frames) => forAny(atom, frames)
  }
  if (tree.is === 'if') {
    const [test, then, otherwise] = [judgeOf(tree.test), judgeOf(tree.then), judgeOf(tree.otherwise)]
    return (frames) => {
      const chosen = test(frames)
      if (chosen !== 'unknown') return chosen ? then(frames) : otherwise(frames)
      const either = then(frames)
      return either === otherwise(frames) ? either : 'unknown'
    }
  }
  const [left, right] = [judgeOf(tree.left), judgeOf(tree.right)]
  const decisive = tree.is === 'or'
  return (frames) => {
    const first = left(frames)
    if (first === decisive) return decisive
    const second = right(frames)
    if (second === decisive) return decisive
    return first === 'unknown' ? first : second
  }
}

function forAny(atom: Atom, frames: readonly Frame[]): Judged {
  let judged: Judged = frames.length === 0 ? 'unknown' : false
  for (const frame of frames) {
    const one = atom.judge(frame)
    if (one === true) return true
    if (one === 'unknown') judged = one
  }
  return judged
}

const not = (judged: Judged): Judged => (judged === 'unknown' ? judged : !judged)

/** By the device that decided: the first that holds, else the one that came nearest. */
function explained(atom: Atom, isDenied: boolean, frames: readonly Frame[]): Compared {
  const { text } = atom
  const met = (isDenied ? not(forAny(atom, frames)) : forAny(atom, frames)) === true
  let shown = atom.sides(nobody)
  for (const [index, frame] of frames.entries()) {
    const sides = atom.sides(frame)
    if (atom.judge(frame) === true) {
      shown = sides
      break
    }
    if (index === 0 || isNearer(sides, shown)) shown = sides
  }
  if (!isDenied) return { text, ...shown, met }
  return {
    text: /^\w+$/.test(text) ? `!${text}` : `!(${text})`,
    ...shown,
    ...(shown.margin !== undefined && { margin: 0 - shown.margin }),
    met,
  }
}

/** Who has said nothing. */
const nobody: Frame = { values: [], atLimit: [], hasLimit: false }

const isNearer = (a: Pick<Compared, 'value' | 'margin'>, b: Pick<Compared, 'value' | 'margin'>): boolean =>
  (a.value !== undefined && b.value === undefined) || (a.margin ?? -Infinity) > (b.margin ?? -Infinity)
