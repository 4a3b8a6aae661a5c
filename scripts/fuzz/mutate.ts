import type { Random } from '../../simulator/random.ts'

/** What hostile or broken peers make of bytes and texts. */

const MOST_RANDOM = 300
const MOST_REPEATED = 2000
const edges = [0, 0xff, 0x7f, 0x80, 0x01, 0x20, 0x0a] as const

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[random.between(0, from.length - 1)] as T // never empty

/** Bytes of which most come from what is valid: whole, damaged, one behind the other, or its beginnings again and again. */
export function nearly(random: Random, valid: readonly Uint8Array[]): Uint8Array {
  const kind = random.next()
  if (kind < 0.1 || valid.length === 0) return random.bytes(random.between(0, MOST_RANDOM))
  const one = pick(random, valid)
  if (kind < 0.2) return repeated(one.subarray(0, random.between(1, Math.min(one.length, 16))), random)
  if (kind < 0.3) return one
  if (kind < 0.7) return damaged(one, random)
  const parts = Array.from({ length: random.between(2, 5) }, () => {
    const part = pick(random, valid)
    const what = random.next()
    if (what < 0.4) return part
    return what < 0.7 ? damaged(part, random) : random.bytes(random.between(0, 20))
  })
  return Buffer.concat(parts)
}

function repeated(bytes: Uint8Array, random: Random): Uint8Array {
  const times = Math.ceil(random.between(1, MOST_REPEATED) / Math.max(bytes.length, 1))
  return Buffer.concat(Array.from({ length: times }, () => bytes))
}

/** Bytes set, cut off, put in and taken twice. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  let copy = Buffer.from(bytes)
  for (let left = random.between(1, 3); left > 0; left--) {
    const at = random.between(0, Math.max(0, copy.length - 1))
    switch (random.between(0, 4)) {
      case 0:
      case 1:
        if (copy.length > 0) copy[at] = random.next() < 0.5 ? pick(random, edges) : random.between(0, 255)
        break
      case 2:
        copy = copy.subarray(0, at)
        break
      case 3:
        copy = Buffer.concat([copy.subarray(0, at), random.bytes(random.between(1, 12)), copy.subarray(at)])
        break
      case 4:
        copy = Buffer.concat([copy, copy.subarray(at)])
    }
  }
  return copy
}

/** Texts: as bytes, and words of the language in any order. */
export function nearlyText(random: Random, valid: readonly string[], words: readonly string[]): string {
  const kind = random.next()
  if (kind < 0.15) return pick(random, valid)
  if (kind < 0.55)
    return Buffer.from(damaged(Buffer.from(pick(random, valid), 'utf8'), random)).toString('utf8')
  if (kind < 0.7) return pick(random, words).repeat(random.between(1, MOST_REPEATED / 8))
  const many = random.between(1, 30)
  const said = Array.from({ length: many }, () => pick(random, random.next() < 0.1 ? valid : words))
  return said.join('')
}

/** How a stream may be cut: whole, in a few pieces, or byte by byte. */
export function chunksOf(length: number, random: Random): readonly number[] {
  const kind = random.next()
  if (kind < 0.5 || length < 2) return [length]
  if (kind > 0.9) return Array.from({ length }, () => 1)
  const chunks: number[] = []
  for (let left = length; left > 0;) {
    const next = random.between(1, Math.min(left, kind < 0.7 ? left : 64))
    chunks.push(next)
    left -= next
  }
  return chunks
}
