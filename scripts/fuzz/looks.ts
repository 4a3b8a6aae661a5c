import buffer from 'node:buffer'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Counts how often a parser looks at bytes, without asking the parser: while it runs, every byte array that it is given
 * or makes is a stand-in whose reads are counted. A byte that is read counts one; what hands bytes over to the engine
 * (a search, a text made of them, a hash) counts each of them. Copies are counted for themselves, and so is what is
 * searched of texts; a text that is read character by character is not seen.
 */
export interface Looks {
  readonly looks: number
  readonly copies: number
  /** Of texts. */
  readonly characters: number
}

type Bytes = Uint8Array<ArrayBuffer>
type Call = (...given: unknown[]) => unknown

let looks = 0
let copies = 0
let characters = 0
const real = new WeakMap<object, Bytes>()

const RealArray = Uint8Array
const RealBuffer = Buffer
const RealView = DataView

const isBytes = (value: unknown): value is Bytes => value instanceof RealArray
const unwrapped = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(unwrapped)
  return typeof value === 'object' && value !== null ? (real.get(value) ?? value) : value
}
const lengthOf = (value: unknown): number => (isBytes(value) || typeof value === 'string' ? value.length : 0)

/** What hands all bytes of a span over: the span's length is looked at. */
const scans = new Set(['toString', 'toJSON', 'utf8Slice', 'latin1Slice', 'hexSlice', 'every', 'some', 'join'])
const searches = new Set(['indexOf', 'includes', 'findIndex', 'find', 'lastIndexOf'])
const copying = new Set(['slice', 'set', 'copyWithin', 'copy', 'fill', 'map', 'reverse', 'write'])
/** Bytes that one read of a number looks at, by the method's name; of the others the length is said when it is called. */
const widths: ReadonlyMap<string, number> = new Map(
  [
    ...Object.getOwnPropertyNames(RealBuffer.prototype),
    ...Object.getOwnPropertyNames(RealView.prototype),
  ].flatMap((name) => {
    const [, kind = '', bits] = /^(?:read|get)((?:Big)?U?[iI]nt|Float|Double)(\d*)/.exec(name) ?? []
    if (kind === '') return []
    return [
      [
        name,
        kind === 'Double' ? 8 : kind === 'Float' ? Number(bits ?? 32) / 8 || 4 : Number(bits) / 8,
      ] as const,
    ]
  }),
)

/** No pattern: those are counted. */
function isIndex(name: string): boolean {
  const first = name.charCodeAt(0)
  return first >= 0x30 && first <= 0x39
}

/** A stand-in for a byte array. */
function counted(target: Bytes): Bytes {
  const proxy = new Proxy(target, {
    get(of, name) {
      if (typeof name === 'string' && isIndex(name)) {
        looks++
        return of[Number(name)]
      }
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value !== 'function' || name === 'constructor') return value
      return (...given: unknown[]) => called(of, name, value as Call, given)
    },
    set: (of, name, value) => Reflect.set(of, name, value, of),
  })
  real.set(proxy, target)
  return proxy
}

function called(of: Bytes, name: string | symbol, method: Call, given: unknown[]): unknown {
  const word = String(name)
  const width = widths.get(word)
  if (name === Symbol.iterator) return oneByOne(of)
  if (width !== undefined) {
    // `readUIntLE(offset, length)` and its like say how many.
    looks += width === 0 ? Number(given[1]) : width
  } else if (scans.has(word)) {
    const [from, to] = given.filter((one) => typeof one === 'number')
    looks += Math.max(0, Math.min(to ?? of.length, of.length) - (from ?? 0))
  } else if (word === 'equals' || word === 'compare') {
    looks += Math.min(of.length, lengthOf(unwrapped(given[0])))
  } else if (copying.has(word)) {
    copies += copiedBy(of, word, given)
  }
  const answer = method.apply(of, given.map(unwrapped))
  if (searches.has(word)) {
    const from = typeof given[1] === 'number' ? given[1] : 0
    looks += typeof answer === 'number' && answer >= 0 ? answer - from + 1 : of.length - from
  }
  return isBytes(answer) ? counted(answer) : answer
}

function copiedBy(of: Bytes, word: string, given: readonly unknown[]): number {
  const [first, second, third] = given.map(unwrapped)
  if (word === 'set') return lengthOf(first)
  if (word === 'copyWithin') return (typeof third === 'number' ? third : of.length) - Number(second ?? 0)
  if (word === 'fill') return 0
  if (word === 'slice')
    return Math.max(
      0,
      Math.min(typeof second === 'number' ? second : of.length, of.length) - Number(first ?? 0),
    )
  return of.length
}

function* oneByOne(of: Bytes): Generator<number> {
  for (const byte of of) {
    looks++
    yield byte
  }
}

/** The bytes themselves, where they have to be handed over uncounted. */
export const plainBytes = (bytes: Uint8Array): Uint8Array => real.get(bytes) ?? bytes

/** Constructors and static functions that make byte arrays make stand-ins. */
function countedClass<C extends typeof Uint8Array | BufferConstructor>(original: C): C {
  const wrap = (value: unknown): unknown => (isBytes(value) ? counted(value) : value)
  const fromBytes = (given: readonly unknown[]): unknown[] =>
    given.map((one) => {
      const bytes = unwrapped(one)
      if (isBytes(bytes)) copies += bytes.length
      return bytes
    })
  return new Proxy(original, {
    construct: (of, given) => counted(Reflect.construct(of as typeof Uint8Array, fromBytes(given)) as Bytes), // one of the two
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value !== 'function' || name === 'prototype') return value
      return (...given: unknown[]) => {
        const plain = given.map(unwrapped)
        if (name === 'concat' && Array.isArray(plain[0]))
          copies += (plain[0] as unknown[]).reduce<number>((all, one) => all + lengthOf(one), 0)
        else if (name === 'from') copies += lengthOf(plain[0])
        else if (name === 'compare') looks += Math.min(lengthOf(plain[0]), lengthOf(plain[1]))
        return wrap((value as Call).apply(of, plain))
      }
    },
  })
}

const countedView = new Proxy(RealView, {
  construct(of, given) {
    const view = Reflect.construct(of, given.map(unwrapped)) as DataView // that is what it makes
    return new Proxy(view, {
      get(own, name) {
        const value: unknown = Reflect.get(own, name, own)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          looks += widths.get(String(name)) ?? 0
          return (value as Call).apply(own, args)
        }
      },
    })
  },
})

interface Patch {
  readonly on: object
  readonly name: string | symbol
  readonly by: (before: Call) => Call
}

/** A call that looks at all of its first argument. */
const scanning =
  (before: Call): Call =>
  (first, ...rest) => {
    const plain = unwrapped(first)
    if (isBytes(plain)) looks += plain.length
    else characters += lengthOf(plain)
    return before(plain, ...rest.map(unwrapped))
  }
const scanningAll =
  (before: Call): Call =>
  (...given) => {
    const plain = given.map(unwrapped)
    for (const one of plain) looks += isBytes(one) ? one.length : 0
    return before(...plain)
  }
const hashing = (before: Call): Call =>
  function (this: unknown, ...given: unknown[]): unknown {
    const plain = given.map(unwrapped)
    looks += lengthOf(plain[0])
    return before.apply(this, plain)
  }
const ofThis =
  (cost: (text: string, given: readonly unknown[], answer: unknown) => number) => (before: Call) =>
    function (this: unknown, ...given: unknown[]): unknown {
      const answer = before.apply(this, given)
      characters += cost(String(this), given, answer)
      return answer
    }
const wholeText = ofThis((text) => text.length)
const found = ofThis((text, given, answer) => {
  const from = typeof given[1] === 'number' ? given[1] : 0
  return typeof answer === 'number' && answer >= 0 ? answer - from + 1 : Math.max(0, text.length - from)
})
const matched = (before: Call): Call =>
  function (this: unknown, ...given: unknown[]): unknown {
    const pattern = this as RegExp
    const from = pattern.global || pattern.sticky ? pattern.lastIndex : 0
    const match = before.apply(this, given) as RegExpExecArray | null // exec answers that
    const length = String(given[0]).length
    characters += match
      ? match.index + match[0].length - from
      : pattern.sticky
        ? 1
        : Math.max(0, length - from)
    return match
  }

const patches: readonly Patch[] = [
  { on: JSON, name: 'parse', by: scanning },
  { on: buffer, name: 'isUtf8', by: scanning },
  { on: crypto, name: 'hash', by: scanningAll },
  { on: crypto, name: 'timingSafeEqual', by: scanningAll },
  { on: crypto.Hash.prototype, name: 'update', by: hashing },
  { on: Object.getPrototypeOf(crypto.createHmac('sha256', 'x')) as object, name: 'update', by: hashing },
  { on: TextDecoder.prototype, name: 'decode', by: hashing },
  ...['trim', 'trimEnd', 'toLowerCase', 'toUpperCase', 'replaceAll'].map((name) => ({
    on: String.prototype,
    name,
    by: wholeText,
  })),
  { on: String.prototype, name: 'split', by: split },
  { on: String.prototype, name: 'indexOf', by: found },
  { on: String.prototype, name: 'includes', by: wholeText },
  { on: RegExp.prototype, name: 'exec', by: matched },
]

/** By a pattern it is counted where that is matched. */
function split(before: Call): Call {
  return function (this: unknown, ...given: unknown[]): unknown {
    if (!(given[0] instanceof RegExp)) characters += String(this).length
    return before.apply(this, given)
  }
}

/** Runs `work` on a stand-in for the bytes. Nothing else may run meanwhile. */
export function countLooks(bytes: Uint8Array, work: (counted: Uint8Array) => void): Looks {
  const undo = [
    ...patches.map(({ on, name, by }) => replace(on, name, (before) => by(before as Call))),
    replace(globalThis, 'Uint8Array', () => countedClass(RealArray)),
    replace(globalThis, 'Buffer', () => countedClass(RealBuffer)),
    replace(globalThis, 'DataView', () => countedView),
  ]
  syncBuiltinESMExports()
  looks = 0
  copies = 0
  characters = 0
  try {
    work(counted(RealBuffer.from(bytes)))
    return { looks, copies, characters }
  } finally {
    for (const back of undo.reverse()) back()
    syncBuiltinESMExports()
  }
}

function replace(on: object, name: string | symbol, by: (before: unknown) => unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(on, name)
  if (!before) throw new Error(`there is no ${String(name)} to count`)
  const value = by(before.value ?? before.get?.call(on))
  Object.defineProperty(on, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: before.enumerable === true,
  })
  return () => void Object.defineProperty(on, name, before)
}
