import type { Detection } from '../gateway/detection.ts'
import { overlap, partInside } from './box.ts'
import { labelGroup } from './label-group.ts'

export interface Suppression {
  /** IoU above which the weaker of two boxes goes. */
  readonly overlap: number
  /** The part of a box inside a better one above which it goes: half a machine is not a second one. */
  readonly inside: number
}

/** One box a thing, best first. Only boxes of one label group compete: a rider does not hide the bicycle. */
export function suppress(found: readonly Detection[], limits: Suppression): Detection[] {
  const kept: Detection[] = []
  for (const next of found.toSorted((a, b) => b.score - a.score)) {
    const isDuplicate = kept.some(
      (better) =>
        labelGroup(better.label) === labelGroup(next.label) &&
        (overlap(better.box, next.box) > limits.overlap || partInside(next.box, better.box) > limits.inside),
    )
    if (!isDuplicate) kept.push(next)
  }
  return kept
}
