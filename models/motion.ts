import type { Duration, Instant } from '../base/clock.ts'
import type { Frame } from './frame.ts'

/** A small gray picture is enough to see that something moved, and 100 times cheaper than to look what. */
export const graySize = { width: 160, height: 90 } as const

/** More than noise and flicker move a gray value. */
const CHANGED_BY = 25
/** The part of the picture that must have changed: a cyclist far away, not one pixel of rain. */
const CHANGED_PART = 0.005
/** What stands still must still be seen… */
const LONGEST_GAP: Duration = 10_000
/** …and what stands where it must not, more often: its stay is proven by pictures. */
const LONGEST_GAP_IN_ZONE: Duration = 2_000

/** The picture that was last looked at. */
export interface Gate {
  readonly gray: Uint8Array
  readonly at: Instant
}

/** What the tracker waits for; 'a-decision' when a track is about to open or to end. */
export type Attention = 'nothing' | 'a-stay' | 'a-decision'

/**
 * Whether to look at this picture. It is compared with the last one looked at, not with the last one taken, so that
 * what changes slowly adds up.
 */
export function isWorthALook(gate: Gate | undefined, next: Gate, attention: Attention): boolean {
  if (!gate || attention === 'a-decision') return true
  const gap = next.at - gate.at
  // A stream that began anew counts from its own start.
  if (gap < 0 || gap >= (attention === 'a-stay' ? LONGEST_GAP_IN_ZONE : LONGEST_GAP)) return true
  return hasMoved(gate.gray, next.gray)
}

export function hasMoved(before: Uint8Array, after: Uint8Array): boolean {
  if (before.length !== after.length) return true
  const limit = before.length * CHANGED_PART
  let changed = 0
  for (let i = 0; i < before.length; i++) {
    if (Math.abs((before[i] ?? 0) - (after[i] ?? 0)) > CHANGED_BY) changed++
  }
  return changed > limit
}

/** A frame of any size as 160×90 gray, each value the mean of its patch, so that noise falls out. */
export function toGray(frame: Frame): Uint8Array {
  const { width, height, rgb } = frame
  const gray = new Uint8Array(graySize.width * graySize.height)
  for (let row = 0; row < graySize.height; row++) {
    const top = Math.floor((row * height) / graySize.height)
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / graySize.height))
    for (let column = 0; column < graySize.width; column++) {
      const left = Math.floor((column * width) / graySize.width)
      const right = Math.max(left + 1, Math.floor(((column + 1) * width) / graySize.width))
      let sum = 0
      for (let y = top; y < bottom; y++) {
        for (let at = (y * width + left) * 3; at < (y * width + right) * 3; at += 3) {
          // BT.601 luma in 256ths.
          sum += 77 * (rgb[at] ?? 0) + 150 * (rgb[at + 1] ?? 0) + 29 * (rgb[at + 2] ?? 0)
        }
      }
      gray[row * graySize.width + column] = sum / ((bottom - top) * (right - left)) / 256
    }
  }
  return gray
}
