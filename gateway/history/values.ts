import { ByteWriter, type ByteReader } from './bytes.ts'
import { LARGEST_INTEGER, readIntegers, writeIntegers } from './integers.ts'

/** What one column may hold. */
export type Cell = number | boolean | string | null

const SAME = 0
const FLAGS = 1
const FLOATS = 2
const WORDS = 3
/** And above: decimals, with so many digits behind the point. */
const DECIMALS = 16
const MOST_DIGITS = 6

/** A column: one value for all, flags, decimal numbers, words by number, or whole doubles. Read back exactly. */
export function writeValues(out: ByteWriter, values: readonly Cell[]): void {
  const [first] = values
  if (first === undefined) return
  if (values.every((value) => Object.is(value, first)) && !isOdd(first)) {
    out.byte(SAME)
    out.text(JSON.stringify(first))
  } else if (values.every((value) => typeof value === 'boolean')) {
    out.byte(FLAGS)
    writeIntegers(out, values.map(Number))
  } else if (values.every((value) => typeof value === 'number')) {
    writeNumbers(out, values)
  } else {
    const words = [...new Set(values.map(wordOf))]
    const numberOf = new Map(words.map((word, index) => [word, index]))
    out.byte(WORDS)
    out.varint(words.length)
    for (const word of words) out.text(word)
    writeIntegers(
      out,
      values.map((value) => numberOf.get(wordOf(value)) ?? 0),
    )
  }
}

export function readValues(input: ByteReader, count: number): Cell[] {
  if (count === 0) return []
  const kind = input.byte()
  if (kind >= DECIMALS) {
    const factor = 10 ** (kind - DECIMALS)
    return readIntegers(input, count).map((value) => value / factor)
  }
  switch (kind) {
    case SAME: {
      const word = toCell(input.text())
      const values: Cell[] = []
      for (let i = 0; i < count; i++) values.push(word)
      return values
    }
    case FLAGS:
      return readIntegers(input, count).map((value) => value === 1)
    case FLOATS:
      return readFloats(input, count)
    case WORDS: {
      const words = Array.from({ length: input.varint() }, () => toCell(input.text()))
      return readIntegers(input, count).map((value) => words[value] ?? null)
    }
    default:
      throw new Error(`a column of kind ${kind} is none`)
  }
}

/** JSON has no word for it. */
const isOdd = (value: Cell): boolean =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))

/** The odd ones are words that no other value has. */
const wordOf = (value: Cell): string =>
  isOdd(value) ? (Object.is(value, -0) ? '-0' : String(value)) : JSON.stringify(value)

function toCell(word: string): Cell {
  if (word === 'NaN' || word === 'Infinity' || word === '-Infinity') return Number(word)
  return JSON.parse(word) as Cell // written by wordOf
}

function writeNumbers(out: ByteWriter, values: readonly number[]): void {
  const digits = digitsOf(values)
  if (digits === undefined) {
    out.byte(FLOATS)
    writeFloats(out, values)
    return
  }
  out.byte(DECIMALS + digits)
  const factor = 10 ** digits
  writeIntegers(
    out,
    values.map((value) => Math.round(value * factor)),
  )
}

/** How many digits behind the point carry all of them exactly; undefined when none do. */
function digitsOf(values: readonly number[]): number | undefined {
  let digits = 0
  for (const value of values) {
    if (isOdd(value)) return undefined
    for (; ; digits++) {
      if (digits > MOST_DIGITS) return undefined
      const factor = 10 ** digits
      const whole = Math.round(value * factor)
      if (Math.abs(whole) > LARGEST_INTEGER) return undefined
      if (whole / factor === value) break
    }
  }
  // What was exact with fewer digits need not be with more.
  const factor = 10 ** digits
  const isExact = values.every((value) => {
    const whole = Math.round(value * factor)
    return Math.abs(whole) <= LARGEST_INTEGER && whole / factor === value && !Object.is(whole, -0)
  })
  return isExact ? digits : undefined
}

/** Each against the one before: the bytes that are the same are left out. */
function writeFloats(out: ByteWriter, values: readonly number[]): void {
  const now = Buffer.alloc(8)
  const before = Buffer.alloc(8)
  for (const value of values) {
    now.writeDoubleBE(value)
    let same = 0
    while (same < 8 && now[same] === before[same]) same++
    let end = 8
    while (end > same && now[end - 1] === 0) end--
    out.byte(same * 16 + (end - same))
    out.bytes(now.subarray(same, end))
    now.copy(before)
  }
}

function readFloats(input: ByteReader, count: number): number[] {
  const bytes = Buffer.alloc(8)
  return Array.from({ length: count }, () => {
    const head = input.byte()
    const same = head >> 4
    const length = head & 15
    if (same + length > 8) throw new Error('a number of more than eight bytes is none')
    bytes.fill(0, same)
    bytes.set(input.bytes(length), same)
    return bytes.readDoubleBE(0)
  })
}

/** A column by itself, for what is passed over unread. */
export function valuesOf(values: readonly Cell[]): Uint8Array {
  const out = new ByteWriter()
  writeValues(out, values)
  return out.done()
}
