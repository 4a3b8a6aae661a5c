import type { Instant } from '../base/clock.ts'

/** What has no class of its own is caught as change: a gray picture of this size, judged block by block. */
export const changeSize = { width: 256, height: 144 } as const
const BLOCK = 8
export const blockGrid = { columns: changeSize.width / BLOCK, rows: changeSize.height / BLOCK } as const
const BLOCKS = blockGrid.columns * blockGrid.rows
const PIXELS = changeSize.width * changeSize.height

/** Pictures that a reference is the mean of, so that who walks by leaves no trace in it. */
const PICTURES_TO_LEARN = 20
/** A block is another one below this normalised cross-correlation; light that changes evenly does not matter. */
const SAME = 0.3
/** Less contrast than this (gray values) is a plain wall: two of them are alike whatever their noise says. */
const FLAT = 6
/** What changes as slowly as shadows becomes part of the reference. */
const FORGET_MS = 10 * 60_000
/** So much of what has any contrast changed outside the zones: the camera moved, was covered, or turned to infrared. */
const MOST_CHANGED = 0.6
/** Zones that fill the picture leave too little outside to judge by. */
const ENOUGH_OUTSIDE = 30
/** A hand before the lens, headlights: only what lasts is a new view. */
const NEW_VIEW_MS = 5 * 60_000
/** A picture with less contrast than this shows nothing. */
const DARK = 5
/** By day and by night. */
const MOST_REFERENCES = 2

export type View =
  | { readonly is: 'learning' }
  /** Nothing can be said of the zones. */
  | { readonly is: 'blind'; readonly why: 'no contrast' | 'another view' }
  /** 1 for each block, row by row, that is not what the reference has there. */
  | { readonly is: 'seen'; readonly changed: Uint8Array }

/**
 * 背景: what a camera sees when nothing stands where it must not. Blocks that changed are kept out of the
 * reference, so that goods on the pavement never become part of it.
 */
export class Background {
  #references: Float32Array[] = []
  #current = 0
  #learning: { readonly sum: Float32Array; count: number } | undefined
  #lastAt: Instant | undefined
  #strangeSince: Instant | undefined
  #hasLearned = false

  /** @param saved what `save` gave in an earlier run; anything else is taken as nothing */
  constructor(saved?: Uint8Array) {
    const count = (saved?.length ?? 0) / PIXELS
    if (!saved || !Number.isInteger(count) || count > MOST_REFERENCES) return
    for (let i = 0; i < count; i++) {
      this.#references.push(Float32Array.from(saved.subarray(i * PIXELS, (i + 1) * PIXELS)))
    }
  }

  /** A view was learned that is not saved yet. */
  get hasLearned(): boolean {
    return this.#hasLearned
  }

  /** The references as bytes, one gray picture after the other. */
  save(): Uint8Array {
    this.#hasLearned = false
    const bytes = new Uint8Array(this.#references.length * PIXELS)
    this.#references.forEach((reference, i) => bytes.set(Uint8Array.from(reference), i * PIXELS))
    return bytes
  }

  /**
   * @param gray `changeSize`, one byte a pixel, row by row
   * @param inZones 1 for each block of the grid that belongs to a zone
   */
  look(gray: Uint8Array, at: Instant, inZones: Uint8Array): View {
    if (gray.length !== PIXELS) throw new Error(`wanted ${PIXELS} gray values; got ${gray.length}`)
    const since = this.#lastAt === undefined ? 0 : Math.max(0, at - this.#lastAt)
    this.#lastAt = at
    if (contrast(gray, 0, PIXELS) < DARK) return { is: 'blind', why: 'no contrast' }
    if (this.#learning || this.#references.length === 0) return this.#learn(gray)
    const fitting = this.#fitting(gray, inZones)
    if (!fitting) return this.#strange(gray, at)
    this.#strangeSince = undefined
    this.#current = fitting.index
    follow(this.#references[fitting.index], gray, fitting.changed, Math.min(1, since / FORGET_MS))
    return { is: 'seen', changed: fitting.changed }
  }

  /** The reference that the picture is most like; undefined when it is like none. */
  #fitting(
    gray: Uint8Array,
    inZones: Uint8Array,
  ): { readonly index: number; readonly changed: Uint8Array } | undefined {
    // The present one first: by day nobody compares with the night.
    const order = [this.#current, ...this.#references.keys()].filter((n, i, all) => all.indexOf(n) === i)
    for (const index of order) {
      const reference = this.#references[index]
      if (!reference) continue
      const likeness = compare(reference, gray)
      if (strangeness(likeness, inZones) > MOST_CHANGED) continue
      return { index, changed: likeness.map((like) => (like === CHANGED ? 1 : 0)) }
    }
    return undefined
  }

  #strange(gray: Uint8Array, at: Instant): View {
    this.#strangeSince ??= at
    const isSettled = Math.abs(at - this.#strangeSince) >= NEW_VIEW_MS
    if (isSettled && this.#references.length < MOST_REFERENCES) return this.#learn(gray)
    return { is: 'blind', why: 'another view' }
  }

  #learn(gray: Uint8Array): View {
    this.#learning ??= { sum: new Float32Array(PIXELS), count: 0 }
    const { sum } = this.#learning
    for (let i = 0; i < PIXELS; i++) sum[i] = (sum[i] ?? 0) + (gray[i] ?? 0)
    if (++this.#learning.count === PICTURES_TO_LEARN) {
      this.#current = this.#references.push(sum.map((value) => value / PICTURES_TO_LEARN)) - 1
      this.#learning = undefined
      this.#hasLearned = true
    }
    return { is: 'learning' }
  }
}

const PLAIN = 0
const ALIKE = 1
const CHANGED = 2

/** `PLAIN`, `ALIKE` or `CHANGED` for each block. */
function compare(reference: Float32Array, gray: Uint8Array): Uint8Array {
  const likeness = new Uint8Array(BLOCKS)
  for (let block = 0; block < BLOCKS; block++) likeness[block] = likenessOf(reference, gray, startOf(block))
  return likeness
}

/** The changed part of the blocks outside the zones; plain walls are alike in every view and say nothing. */
function strangeness(likeness: Uint8Array, inZones: Uint8Array): number {
  const count = (isCounted: (block: number) => boolean): readonly [all: number, changed: number] => {
    let all = 0
    let changed = 0
    likeness.forEach((like, block) => {
      if (like === PLAIN || !isCounted(block)) return
      all++
      if (like === CHANGED) changed++
    })
    return [all, changed]
  }
  const outside = count((block) => inZones[block] !== 1)
  const [all, changed] = outside[0] >= ENOUGH_OUTSIDE ? outside : count(() => true)
  return all === 0 ? 0 : changed / all
}

const startOf = (block: number): number =>
  Math.floor(block / blockGrid.columns) * BLOCK * changeSize.width + (block % blockGrid.columns) * BLOCK

/** Normalised cross-correlation of one block, in one pass. */
function likenessOf(a: Float32Array, b: Uint8Array, start: number): number {
  let sumA = 0
  let sumB = 0
  let squaresA = 0
  let squaresB = 0
  let products = 0
  for (let row = 0; row < BLOCK; row++) {
    const from = start + row * changeSize.width
    for (let i = from; i < from + BLOCK; i++) {
      const x = a[i] ?? 0
      const y = b[i] ?? 0
      sumA += x
      sumB += y
      squaresA += x * x
      squaresB += y * y
      products += x * y
    }
  }
  const count = BLOCK * BLOCK
  const spreadA = Math.max(0, squaresA / count - (sumA / count) ** 2)
  const spreadB = Math.max(0, squaresB / count - (sumB / count) ** 2)
  const isFlatA = spreadA < FLAT ** 2
  const isFlatB = spreadB < FLAT ** 2
  if (isFlatA && isFlatB) return PLAIN
  if (isFlatA || isFlatB) return CHANGED
  const correlation = (products / count - (sumA / count) * (sumB / count)) / Math.sqrt(spreadA * spreadB)
  return correlation >= SAME ? ALIKE : CHANGED
}

/** Moves the blocks that are as they were a little towards what is seen now. */
function follow(
  reference: Float32Array | undefined,
  gray: Uint8Array,
  changed: Uint8Array,
  share: number,
): void {
  if (!reference || share === 0) return
  for (let block = 0; block < BLOCKS; block++) {
    if (changed[block] === 1) continue
    const start = startOf(block)
    for (let row = 0; row < BLOCK; row++) {
      const from = start + row * changeSize.width
      for (let i = from; i < from + BLOCK; i++) {
        reference[i] = (reference[i] ?? 0) + ((gray[i] ?? 0) - (reference[i] ?? 0)) * share
      }
    }
  }
}

/** Standard deviation of the gray values. */
function contrast(gray: Uint8Array, from: number, to: number): number {
  let sum = 0
  let squares = 0
  for (let i = from; i < to; i++) {
    const value = gray[i] ?? 0
    sum += value
    squares += value * value
  }
  const count = to - from
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2))
}
