import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js'
import { parseAmount } from '../base/amount.ts'
import { messageOf } from '../base/errors.ts'
import { nearest } from '../base/schema.ts'
import { quantityIds, quantityOf, type QuantityId } from '../gateway/quantity.ts'
import type { Compared } from '../gateway/rule.ts'
import {
  arithmetic,
  negativeOf,
  numberAt,
  numberComparison,
  numberOf,
  sameness,
  testOf,
  textAt,
  textOf,
  truthAt,
  truthOf,
  type Arithmetic,
  type Atom,
  type Comparison,
  type Frame,
  type Judged,
  type NumberNode,
  type TextNode,
} from './condition-nodes.ts'
import { withoutUnits, type UnitlessText } from './condition-text.ts'
import { inTableUnit, rangeComplaint } from './limit.ts'

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

/** Names that a condition may use beside the quantities, with what they stand for: `1000 W`. */
export type NamedLimits = Readonly<Record<string, string>>

export type Compiled =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly complaints: readonly string[] }

/** Nobody reads a longer one in a case. */
export const LONGEST_CONDITION = 500

/**
 * The grammar is the library's; what it parses is judged here. Its own evaluator throws for every missing value,
 * knows no "this or more" and runs regular expressions (`matches`: one blocked the loop for 9 s on 29 characters).
 * Only the nodes that `Compiler` names can be in a condition: nothing that loops, calls out or takes long.
 */
const cel = new Environment({
  limits: { maxAstNodes: 200, maxDepth: 20, maxListElements: 32, maxMapEntries: 0, maxCallArguments: 3 },
})

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

/** Joins of atoms; an atom below an odd number of `!` is `isDenied` and must hold for no device. */
type Tree =
  | { readonly is: 'atom'; readonly atom: Atom; readonly isDenied: boolean }
  | { readonly is: 'and' | 'or'; readonly left: Tree; readonly right: Tree }
  | { readonly is: 'if'; readonly test: Tree; readonly then: Tree; readonly otherwise: Tree }

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

type Typed = NumberNode | TextNode | Atom

const comparisons: readonly string[] = ['<', '<=', '>', '>=', '==', '!=']
const isComparison = (op: string): op is Comparison => comparisons.includes(op)

const textTests: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
}

/** From the library's tree to functions, with every unit compared. Null where it has complained. */
class Compiler {
  readonly wants: QuantityId[] = []
  readonly names: string[] = []
  readonly complaints: string[] = []
  readonly #written: string
  readonly #unitless: UnitlessText
  readonly #limits: NamedLimits

  constructor(written: string, unitless: UnitlessText, limits: NamedLimits) {
    this.#written = written
    this.#unitless = unitless
    this.#limits = limits
  }

  compile(): Tree | null {
    let ast
    try {
      ;({ ast } = cel.parse(this.#unitless.text))
    } catch (error) {
      this.complaints.push(parseComplaint(error))
      return null
    }
    return this.#tree(ast, false)
  }

  #tree(node: ASTNode, isDenied: boolean): Tree | null {
    switch (node.op) {
      case '!_':
        return this.#tree(node.args, !isDenied)
      case '&&':
      case '||': {
        const left = this.#tree(node.args[0], isDenied)
        const right = this.#tree(node.args[1], isDenied)
        // De Morgan holds for three values too.
        const is = (node.op === '&&') === isDenied ? 'or' : 'and'
        return left && right && { is, left, right }
      }
      case '?:': {
        const test = this.#tree(node.args[0], false)
        const then = this.#tree(node.args[1], isDenied)
        const otherwise = this.#tree(node.args[2], isDenied)
        return test && then && otherwise && { is: 'if', test, then, otherwise }
      }
      default: {
        const typed = this.#typed(node)
        if (!typed) return null
        if (typed.sort === 'truth') return { is: 'atom', atom: typed, isDenied }
        return this.#complain(`"${this.#textOf(node)}" is a ${typed.sort}; wanted something true or false`)
      }
    }
  }

  #typed(node: ASTNode): Typed | null {
    if (isComparison(node.op)) return this.#comparison(node as Extract<ASTNode, { op: Comparison }>) // by its op
    switch (node.op) {
      case 'value':
        return this.#literal(node)
      case 'id':
        return this.#name(node.args)
      case '-_': {
        const typed = this.#number(node.args)
        return typed && negativeOf(typed)
      }
      case '+':
      case '-':
      case '*':
      case '/':
        return this.#arithmetic(node.op, node.args[0], node.args[1])
      case 'in':
        return this.#membership(node)
      case 'rcall':
        return this.#textTest(node)
      case 'call':
        return this.#complain(`there is no function "${node.args[0]}"`)
      case '%':
        return this.#complain('there is no remainder of doubles')
      default:
        return this.#complain(`"${this.#textOf(node)}" cannot stand here`)
    }
  }

  #literal(node: Extract<ASTNode, { op: 'value' }>): Typed | null {
    const { args } = node
    const amount = this.#unitless.amounts.get(node.start)
    if (amount) return numberOf(amount.value, amount.unit)
    if (typeof args === 'number' || typeof args === 'bigint') return numberOf(Number(args), '')
    if (typeof args === 'string') return textOf(args)
    if (typeof args === 'boolean') return truthOf(args, String(args))
    return this.#complain(`"${this.#textOf(node)}" is no number, text, true or false`)
  }

  #name(name: string): Typed | null {
    const limit = Object.hasOwn(this.#limits, name) ? this.#limits[name] : undefined
    if (limit !== undefined) return this.#limit(name, limit)
    const id = quantityIds.find((known) => known === name)
    if (!id) {
      const known = [...quantityIds, ...Object.keys(this.#limits)]
      const meant = nearest(name, known)
      return this.#complain(
        `unknown quantity "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
      )
    }
    if (!this.wants.includes(id)) this.wants.push(id)
    const index = this.wants.indexOf(id)
    const { kind, unit } = quantityOf(id)
    if (kind === 'boolean') return truthAt(index, id)
    return kind === 'text' ? textAt(index) : numberAt(index, unit)
  }

  #limit(name: string, text: string): NumberNode | null {
    if (!this.names.includes(name)) this.names.push(name)
    try {
      const { value, unit } = inTableUnit(parseAmount(text))
      return numberOf(value, unit)
    } catch (error) {
      return this.#complain(`limit "${name}": ${messageOf(error)}`)
    }
  }

  #number(node: ASTNode): NumberNode | null {
    const typed = this.#typed(node)
    if (!typed || typed.sort === 'number') return typed
    return this.#complain(`"${this.#textOf(node)}" is ${said(typed)}; wanted a number`)
  }

  #arithmetic(op: Arithmetic, leftNode: ASTNode, rightNode: ASTNode): NumberNode | null {
    const left = this.#number(leftNode)
    const right = this.#number(rightNode)
    if (!left || !right) return null
    if (op === '+' || op === '-') {
      if (left.unit !== right.unit) return this.#unitsDiffer(leftNode, left, rightNode, right)
      return arithmetic(op, left, right, left.unit)
    }
    const isPlain = right.unit === '' || (op === '*' && left.unit === '')
    if (isPlain) return arithmetic(op, left, right, left.unit === '' && op === '*' ? right.unit : left.unit)
    if (op === '/' && left.unit === right.unit) return arithmetic(op, left, right, '')
    return this.#complain(`${left.unit} ${op === '*' ? '×' : '÷'} ${right.unit} is no unit of the table`)
  }

  #comparison({ op, args, ...node }: Extract<ASTNode, { op: Comparison }>): Atom | null {
    const [leftNode, rightNode] = args
    const left = this.#typed(leftNode)
    const right = this.#typed(rightNode)
    if (!left || !right) return null
    const text = this.#sliceOf(node.start, node.end)
    if (left.sort === 'number' && right.sort === 'number') {
      if (left.unit !== right.unit) return this.#unitsDiffer(leftNode, left, rightNode, right)
      this.#checkRange(leftNode, right, rightNode)
      this.#checkRange(rightNode, left, leftNode)
      return numberComparison(op, left, right, text)
    }
    const isEquality = op === '==' || op === '!='
    if (isEquality && left.sort === right.sort && left.sort !== 'number' && right.sort !== 'number') {
      return sameness(op === '==', left, right, text)
    }
    return this.#complain(`"${text}" compares ${said(left)} with ${said(right)} by ${op}`)
  }

  /** A quantity compared with what it can never be. */
  #checkRange(node: ASTNode, { constant }: NumberNode, written: ASTNode): void {
    const id = node.op === 'id' ? this.wants.find((want) => want === node.args) : undefined
    const complaint =
      id === undefined || constant === undefined
        ? undefined
        : rangeComplaint(constant, id, this.#textOf(written))
    if (complaint !== undefined) this.complaints.push(complaint)
  }

  #unitsDiffer(leftNode: ASTNode, left: NumberNode, rightNode: ASTNode, right: NumberNode): null {
    const [node, typed, otherNode, other] =
      left.constant === undefined ? [leftNode, left, rightNode, right] : [rightNode, right, leftNode, left]
    const { unit } = typed
    const meant =
      other.constant !== undefined && other.unit === '' && unit !== ''
        ? `; did you mean "${other.constant} ${unit}"?`
        : ''
    return this.#complain(
      `${this.#textOf(node)} is measured in ${unit === '' ? 'plain numbers' : unit}; got "${this.#textOf(otherNode)}"${meant}`,
    )
  }

  #membership(node: Extract<ASTNode, { op: 'in' }>): Atom | null {
    const [valueNode, listNode] = node.args
    const value = this.#typed(valueNode)
    if (!value) return null
    if (listNode.op !== 'list' || listNode.args.length === 0) {
      return this.#complain(`wanted a list such as ['a', 'b'] after "in"; got "${this.#textOf(listNode)}"`)
    }
    const entries = listNode.args.map((entry) => ({ entry, typed: this.#typed(entry) }))
    const text = this.#textOf(node)
    const constants: (string | number)[] = []
    for (const { entry, typed } of entries) {
      if (!typed) return null
      const constant = typed.sort === 'truth' ? undefined : typed.constant
      if (constant === undefined || typed.sort !== value.sort) {
        return this.#complain(`"${this.#textOf(entry)}" in the list is no ${said(value)} to compare with`)
      }
      if (typed.sort === 'number' && value.sort === 'number' && typed.unit !== value.unit) {
        return this.#unitsDiffer(valueNode, value, entry, typed)
      }
      constants.push(constant)
    }
    if (value.sort === 'number') return testOf(value, (one) => constants.includes(one), text)
    if (value.sort === 'text') return testOf(value, (one) => constants.includes(one), text)
    return null
  }

  #textTest(node: Extract<ASTNode, { op: 'rcall' }>): Atom | null {
    const [name, receiverNode, args] = node.args
    const test = Object.hasOwn(textTests, name) ? textTests[name] : undefined
    if (!test) {
      const hint = name === 'matches' ? ' (a pattern could run for seconds)' : ''
      return this.#complain(
        `there is no function "${name}"${hint}; known are ${Object.keys(textTests).join(', ')}`,
      )
    }
    const receiver = this.#typed(receiverNode)
    const [argNode] = args
    const arg = argNode && this.#typed(argNode)
    if (!receiver || (argNode && !arg)) return null
    const part = arg?.sort === 'text' ? arg.constant : undefined
    if (receiver.sort !== 'text' || part === undefined || args.length !== 1) {
      return this.#complain(`"${this.#textOf(node)}": wanted a text and one text in quotes`)
    }
    return testOf(receiver, (text) => test(text, part), this.#textOf(node))
  }

  #complain(text: string): null {
    this.complaints.push(text)
    return null
  }

  #textOf({ start, end }: ASTNode): string {
    return this.#sliceOf(start, end)
  }

  /** What stands there, with the unit behind the last number and the brackets that belong to it. */
  #sliceOf(start: number, end: number): string {
    const text = this.#written
    let from = start
    let to = [...this.#unitless.amounts.values()].find(({ numberEnd }) => numberEnd === end)?.end ?? end
    for (;;) {
      const missing = depthOf(text.slice(from, to))
      const left = missing < 0 ? text.lastIndexOf('(', from - 1) : from
      const right = missing > 0 ? text.indexOf(')', to) + 1 : to
      // Brackets in texts can confuse the count; then the slice is good enough.
      const isDone = missing === 0 || left < 0 || right === 0 || (left === 0 && from === 0 && missing < 0)
      if (isDone) return text.slice(from, to).replaceAll(/\s+/g, ' ')
      from = left
      to = right
    }
  }
}

/** Brackets that are opened and not closed; below zero where more are closed. Those in texts do not count. */
function depthOf(text: string): number {
  let depth = 0
  let least = 0
  for (const char of text.replaceAll(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/g, '')) {
    if (char === '(') depth++
    else if (char === ')') depth--
    least = Math.min(least, depth)
  }
  return least < 0 ? least : depth
}

const said = (typed: Typed): string => (typed.sort === 'truth' ? 'true or false' : `a ${typed.sort}`)

function parseComplaint(error: unknown): string {
  if (!(error instanceof ParseError)) throw error
  const { code, summary, range } = error
  if (code === 'limit_exceeded') return `too long or too deep (${summary})`
  return range ? `character ${range.start + 1}: ${summary}` : summary
}
