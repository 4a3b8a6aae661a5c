/** Chance that repeats: the same seed gives the same run. */
export interface Random {
  /** At least 0, below 1. */
  next(): number
  /** A whole number from `low` to `high`, both possible. */
  between(low: number, high: number): number
  bytes(length: number): Uint8Array
  /** Chance of its own for one device, so that the order in which devices ask changes nothing. */
  fork(name: string): Random
}

/** Mulberry32: small, good enough to jitter values and make noise; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    bytes: (length) => Uint8Array.from({ length }, () => between(0, 255)),
    fork: (name) => seededRandom(hashOf(name, seed)),
  }
}

/** FNV-1a. */
function hashOf(name: string, seed: number): number {
  let hash = (2_166_136_261 ^ seed) >>> 0
  for (const byte of Buffer.from(name, 'utf8')) hash = Math.imul(hash ^ byte, 16_777_619) >>> 0
  return hash
}
