import type { ByteReader, ByteWriter } from './bytes.ts'

/** Beyond this the difference of differences would no longer be exact. */
export const LARGEST_INTEGER = 2 ** 50

const BLOCK = 32
const WIDEST = 24
const VARINTS = 255

/**
 * A list of integers as small as its course allows: as they are, as differences (values that creep) or as differences
 * of differences (times of regular reports), whichever comes out smallest; in blocks of 32, each packed in as many bits
 * as its largest needs. Regular times and standing values take a quarter of a bit each.
 */
export function writeIntegers(out: ByteWriter, values: readonly number[]): void {
  const rows = [values.map(zigzag), differences(values), differences(differences0(values))]
  const costs = rows.map(cost)
  const order = costs.indexOf(Math.min(...costs))
  out.byte(order)
  const row = rows[order] ?? []
  for (let start = 0; start < row.length; start += BLOCK) writeBlock(out, row.slice(start, start + BLOCK))
}

export function readIntegers(input: ByteReader, count: number): number[] {
  const order = input.byte()
  const values: number[] = []
  for (let left = count; left > 0; left -= BLOCK) readBlock(input, Math.min(BLOCK, left), values)
  for (let again = 0; again < order; again++) {
    let sum = 0
    for (let i = 0; i < count; i++) values[i] = sum += values[i] ?? 0
  }
  return values
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2)

const differences0 = (values: readonly number[]): number[] =>
  values.map((value, i) => value - (i === 0 ? 0 : (values[i - 1] ?? 0)))

const differences = (values: readonly number[]): number[] => differences0(values).map(zigzag)

const bitsOf = (value: number): number => (value === 0 ? 0 : Math.floor(Math.log2(value)) + 1)

const varintBytes = (value: number): number => Math.max(1, Math.ceil(bitsOf(value) / 7))

function cost(row: readonly number[]): number {
  let bytes = 0
  for (let start = 0; start < row.length; start += BLOCK) {
    const block = row.slice(start, start + BLOCK)
    bytes += 1 + Math.min(packedBytes(block), asVarints(block))
  }
  return bytes
}

function packedBytes(block: readonly number[]): number {
  const width = Math.max(...block.map(bitsOf))
  return width > WIDEST ? Infinity : Math.ceil((width * block.length) / 8)
}

const asVarints = (block: readonly number[]): number =>
  block.reduce((bytes, value) => bytes + varintBytes(value), 0)

function writeBlock(out: ByteWriter, block: readonly number[]): void {
  if (packedBytes(block) > asVarints(block)) {
    out.byte(VARINTS)
    for (const value of block) out.varint(value)
    return
  }
  const width = Math.max(...block.map(bitsOf))
  out.byte(width)
  let bits = 0
  let held = 0
  for (const value of block) {
    bits |= value << held
    held += width
    for (; held >= 8; held -= 8, bits >>>= 8) out.byte(bits & 255)
  }
  if (held > 0) out.byte(bits & 255)
}

function readBlock(input: ByteReader, count: number, into: number[]): void {
  const width = input.byte()
  if (width === VARINTS) {
    for (let i = 0; i < count; i++) into.push(unzigzag(input.varint()))
    return
  }
  if (width > WIDEST) throw new Error(`a block of ${width} bits is none`)
  if (width === 0) {
    for (let i = 0; i < count; i++) into.push(0)
    return
  }
  const mask = 2 ** width - 1
  // As unzigzag does it, with bits.
  let bits = 0
  let held = 0
  for (let i = 0; i < count; i++) {
    for (; held < width; held += 8) bits |= input.byte() << held
    const value = bits & mask
    into.push((value >>> 1) ^ -(value & 1))
    bits >>>= width
    held -= width
  }
}
