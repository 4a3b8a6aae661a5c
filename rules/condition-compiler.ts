import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js'
import { parseAmount } from '../base/amount.ts'
import { messageOf } from '../base/errors.ts'
import { nearest } from '../base/schema.ts'
import { quantityIds, quantityOf, type QuantityId } from '../gateway/quantity.ts'
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
  type NumberNode,
  type TextNode,
} from './condition-nodes.ts'
import type { UnitlessText } from './condition-text.ts'
import { inTableUnit, rangeComplaint } from './limit.ts'

/** Names that a condition may use beside the quantities, with what they stand for: `1000 W`. */
export type NamedLimits = Readonly<Record<string, string>>

/** Joins of atoms; an atom below an odd number of `!` is `isDenied` and must hold for no device. */
export type Tree =
  | { readonly is: 'atom'; readonly atom: Atom; readonly isDenied: boolean }
  | { readonly is: 'and' | 'or'; readonly left: Tree; readonly right: Tree }
  | { readonly is: 'if'; readonly test: Tree; readonly then: Tree; readonly otherwise: Tree }

/** From the library's tree to functions, with every unit compared. Null where it has complained. */
export class Compiler {
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

/**
 * The grammar is the library's; what it parses is judged here. Its own evaluator throws for every missing value,
 * knows no "this or more" and runs regular expressions (`matches`: one blocked the loop for 9 s on 29 characters).
 * Only the nodes that `Compiler` names can be in a condition: nothing that loops, calls out or takes long.
 */
const cel = new Environment({
  limits: { maxAstNodes: 200, maxDepth: 20, maxListElements: 32, maxMapEntries: 0, maxCallArguments: 3 },
})

type Typed = NumberNode | TextNode | Atom

const comparisons: readonly string[] = ['<', '<=', '>', '>=', '==', '!=']
const isComparison = (op: string): op is Comparison => comparisons.includes(op)

const textTests: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
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
