import type { Drawing } from './svg.ts'

/** A slight blur (3×3, centre-heavy): a lens is never as sharp as a drawing, and a detector knows lenses. */
export function softened(drawing: Drawing): Drawing {
  const { width, height, rgb } = drawing
  const across = weighed(rgb, width * height, width, 3)
  return { width, height, rgb: weighed(across, width * height, height, width * 3) }
}

/** One pass along rows (`step` 3) or columns (`step` one row): a quarter of each neighbour, half of itself. */
function weighed(from: Uint8Array, pixels: number, line: number, step: number): Uint8Array {
  const to = new Uint8Array(from.length)
  const isRow = step === 3
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = isRow ? pixel % line : Math.floor((pixel * 3) / step)
    const before = at > 0 ? step : 0
    const after = at < line - 1 ? step : 0
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) {
      to[i] = ((from[i - before] ?? 0) + 2 * (from[i] ?? 0) + (from[i + after] ?? 0) + 2) >> 2
    }
  }
  return to
}

/** How far a sensor's noise moves a byte, as a standard deviation. */
const DEVIATION = 4

/** The picture with a sensor's noise: the same seed gives the same bytes. */
export function addNoise(rgb: Uint8Array, seed: number): Uint8Array {
  const random = randomBits(seed)
  const noisy = new Uint8ClampedArray(rgb.length)
  for (let i = 0; i < rgb.length; i++) {
    // Four bytes of one draw, summed: near enough to a bell, and cheap enough for every frame.
    const bits = random()
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24)
    noisy[i] = (rgb[i] ?? 0) + ((sum - 510) / 147.8) * DEVIATION
  }
  return new Uint8Array(noisy.buffer)
}

/** Mulberry32: 32 bits a call, from a seed. */
function randomBits(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
}
