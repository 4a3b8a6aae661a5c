import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Detection } from '../gateway/detection.ts'
import type { Frame } from './frame.ts'
import { annotated, pixelated } from './pictures.ts'

const width = 200
const height = 120

/** A picture of single-pixel detail, brighter to the right: any smoothing shows. */
function detailed(): Frame {
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width
    return (x >> 1) + ((i * 2_654_435_761) % 127)
  })
  return { rgb, width, height }
}

function seen(label: string, x: number, y: number, boxWidth: number, boxHeight: number): Detection {
  return { label, score: 0.5, box: { x, y, width: boxWidth, height: boxHeight } }
}

function pixel(frame: Frame, x: number, y: number): string {
  return frame.rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3).join(' ')
}

/** The pixels that differ, as the rectangle they span. */
function changedArea(before: Frame, after: Frame): readonly number[] {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (pixel(before, x, y) === pixel(after, x, y)) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  }
  return [left, top, right, bottom]
}

/** A list of a million differences helps nobody. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

test('the upper third of a person is pixelated, and nothing else', () => {
  const frame = detailed()
  const copy = pixelated(frame, [seen('person', 0.25, 0.25, 0.25, 0.75)])
  assert.deepEqual(changedArea(frame, copy), [50, 30, 99, 59])
})

test('the lower half of cars, buses and trucks is pixelated', () => {
  for (const label of ['car', 'bus', 'truck']) {
    const frame = detailed()
    const copy = pixelated(frame, [seen(label, 0.1, 0.5, 0.4, 0.4)])
    assert.deepEqual(changedArea(frame, copy), [20, 84, 99, 107], label)
  }
})

test('a bicycle stays as it is, and the original is never touched', () => {
  const frame = detailed()
  const copy = pixelated(frame, [seen('bicycle', 0, 0, 1, 1)])
  assert.ok(isSame(copy.rgb, frame.rgb))
  pixelated(frame, [seen('person', 0, 0, 1, 1)])
  annotated(frame, [seen('person', 0, 0, 1, 1)])
  assert.ok(isSame(frame.rgb, detailed().rgb))
})

test('no detail is left: whatever its size, a pixelated head is a few blocks of one colour each', () => {
  const copy = pixelated(detailed(), [seen('person', 0, 0, 1, 1)])
  const colours = new Set<string>()
  for (let y = 0; y < 40; y++) for (let x = 0; x < width; x++) colours.add(pixel(copy, x, y))
  assert.ok(colours.size > 1 && colours.size <= 6 * 2, `${colours.size} colours`)
})

test('each block has the mean of what it hides', () => {
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    Math.floor(i / 3) % 2 === 0 ? 40 : 60,
  )
  const copy = pixelated({ rgb, width, height }, [seen('person', 0, 0, 0.4, 1)])
  assert.equal(pixel(copy, 3, 3), '50 50 50')
})

test('a box at the edge is hidden as far as the picture goes', () => {
  const frame = detailed()
  const copy = pixelated(frame, [seen('person', 0.9, 0, 0.1, 0.3)])
  assert.deepEqual(changedArea(frame, copy), [180, 0, 199, 11])
})

test('a marked box has a line around it and its inside is untouched', () => {
  const frame = detailed()
  const copy = annotated(frame, [seen('bicycle', 0.25, 0.25, 0.5, 0.5)])
  assert.equal(pixel(copy, 50, 30), '255 40 200')
  assert.equal(pixel(copy, 149, 89), '255 40 200')
  assert.equal(pixel(copy, 100, 31), '255 40 200')
  assert.equal(pixel(copy, 100, 89), '255 40 200')
  assert.equal(pixel(copy, 50, 60), '255 40 200')
  assert.equal(pixel(copy, 100, 32), pixel(frame, 100, 32))
  assert.equal(pixel(copy, 49, 30), pixel(frame, 49, 30))
})
