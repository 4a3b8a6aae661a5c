import type { Box, Detection } from '../gateway/detection.ts'
import type { Frame } from './frame.ts'

/** A rectangle in pixels; right and bottom are outside of it. */
interface Area {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/**
 * The copy that may leave the box: no face and no plate can be made out (PIPL art. 6). The upper third of every
 * person and the lower half of every car, bus and truck become coarse blocks. The frame itself is not changed.
 */
export function pixelated(frame: Frame, seen: readonly Detection[]): Frame {
  const rgb = frame.rgb.slice()
  for (const { label, box } of seen) {
    const hidden = hiddenPart(label, box)
    if (hidden) coarsen(rgb, frame, toArea(frame, hidden))
  }
  return { ...frame, rgb }
}

/** The copy with a line around each thing that a rule goes by. */
export function annotated(frame: Frame, marked: readonly Detection[]): Frame {
  const rgb = frame.rgb.slice()
  const line = Math.max(2, Math.round(frame.height / 240))
  for (const { box } of marked) outline(rgb, frame, toArea(frame, box), line)
  return { ...frame, rgb }
}

function hiddenPart(label: string, box: Box): Box | undefined {
  switch (label) {
    case 'person':
      return { ...box, height: box.height / 3 }
    case 'car':
    case 'bus':
    case 'truck':
      return { ...box, y: box.y + box.height / 2, height: box.height / 2 }
    default:
      return undefined
  }
}

/** Whole pixels that cover the box, within the frame. */
function toArea({ width, height }: Frame, box: Box): Area {
  return {
    left: Math.max(0, Math.floor(box.x * width)),
    top: Math.max(0, Math.floor(box.y * height)),
    right: Math.min(width, Math.ceil((box.x + box.width) * width)),
    bottom: Math.min(height, Math.ceil((box.y + box.height) * height)),
  }
}

/** A face or plate must not survive in the number of blocks: at most this many along the longer side. */
const BLOCKS = 6

/** Each block takes its mean colour. */
function coarsen(rgb: Uint8Array, frame: Frame, area: Area): void {
  const longer = Math.max(area.right - area.left, area.bottom - area.top)
  const block = Math.max(8, Math.ceil(longer / BLOCKS))
  for (let top = area.top; top < area.bottom; top += block) {
    for (let left = area.left; left < area.right; left += block) {
      const right = Math.min(left + block, area.right)
      const bottom = Math.min(top + block, area.bottom)
      const patch = { left, top, right, bottom }
      fill(rgb, frame, patch, meanColour(rgb, frame, patch))
    }
  }
}

type Colour = readonly [red: number, green: number, blue: number]

function meanColour(rgb: Uint8Array, frame: Frame, area: Area): Colour {
  let [red, green, blue] = [0, 0, 0]
  for (let y = area.top; y < area.bottom; y++) {
    for (let at = (y * frame.width + area.left) * 3; at < (y * frame.width + area.right) * 3; at += 3) {
      red += rgb[at] ?? 0
      green += rgb[at + 1] ?? 0
      blue += rgb[at + 2] ?? 0
    }
  }
  const count = (area.right - area.left) * (area.bottom - area.top)
  return [red / count, green / count, blue / count]
}

/** Seen on brick, asphalt and leaves alike. */
const MARK: Colour = [255, 40, 200]

function outline(rgb: Uint8Array, frame: Frame, area: Area, line: number): void {
  const { left, top, right, bottom } = area
  fill(rgb, frame, { left, top, right, bottom: Math.min(top + line, bottom) }, MARK)
  fill(rgb, frame, { left, top: Math.max(bottom - line, top), right, bottom }, MARK)
  fill(rgb, frame, { left, top, right: Math.min(left + line, right), bottom }, MARK)
  fill(rgb, frame, { left: Math.max(right - line, left), top, right, bottom }, MARK)
}

function fill(rgb: Uint8Array, frame: Frame, area: Area, [red, green, blue]: Colour): void {
  for (let y = area.top; y < area.bottom; y++) {
    for (let at = (y * frame.width + area.left) * 3; at < (y * frame.width + area.right) * 3; at += 3) {
      rgb[at] = red
      rgb[at + 1] = green
      rgb[at + 2] = blue
    }
  }
}
