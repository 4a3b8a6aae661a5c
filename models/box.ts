import type { Box } from '../gateway/detection.ts'

/** Intersection over union: 1 for the same box, 0 for boxes that do not touch. */
export function overlap(a: Box, b: Box): number {
  const shared = sharedArea(a, b)
  const union = area(a) + area(b) - shared
  return union > 0 ? shared / union : 0
}

/** How much of `inner` lies in `outer`. */
export function partInside(inner: Box, outer: Box): number {
  const whole = area(inner)
  return whole > 0 ? sharedArea(inner, outer) / whole : 0
}

function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  return width > 0 && height > 0 ? width * height : 0
}

function area(box: Box): number {
  return box.width * box.height
}
