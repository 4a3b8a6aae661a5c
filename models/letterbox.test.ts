import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fillPlanes, fitInto, toFrameBox } from './letterbox.ts'
import type { Manifest } from './manifest.ts'

const wide: Manifest['input'] = {
  width: 512,
  height: 288,
  layout: 'nchw',
  colours: 'rgb',
  range: '0-255',
  fit: 'letterbox-centre',
  pad: 114,
}
const tiny = { ...wide, width: 4, height: 2 }

test('a 16:9 picture fills a 16:9 input', () => {
  assert.deepEqual(fitInto({ width: 640, height: 360 }, wide), { left: 0, top: 0, width: 512, height: 288 })
})

test('a 4:3 picture stands in the middle, or at the top left where the model was trained so', () => {
  const frame = { width: 640, height: 480 }
  assert.deepEqual(fitInto(frame, wide), { left: 64, top: 0, width: 384, height: 288 })
  assert.equal(fitInto(frame, { ...wide, fit: 'letterbox-top-left' }).left, 0)
  assert.equal(fitInto(frame, { ...wide, fit: 'stretch' }).width, 512)
})

test('a box comes back to where it was in the frame, for any frame and fit', () => {
  const side = fc.integer({ min: 16, max: 4000 })
  const fraction = fc.double({ min: 0, max: 1, noNaN: true })
  const fits = fc.constantFrom<Manifest['input']['fit']>('letterbox-centre', 'letterbox-top-left', 'stretch')
  fc.assert(
    fc.property(side, side, fraction, fraction, fits, (width, height, x, y, fit) => {
      const place = fitInto({ width, height }, { ...wide, fit })
      assert.ok(place.left >= 0 && place.left + place.width <= wide.width)
      assert.ok(place.top >= 0 && place.top + place.height <= wide.height)
      const left = place.left + x * place.width
      const top = place.top + y * place.height
      const box = toFrameBox(place, left, top, left + 1e6, top + 1e6)
      assert.ok(Math.abs(box.x - x) < 1e-9 && Math.abs(box.y - y) < 1e-9)
      assert.ok(Math.abs(box.x + box.width - 1) < 1e-9 && Math.abs(box.y + box.height - 1) < 1e-9)
    }),
  )
})

test('a frame of the right size goes in untouched, colour by colour', () => {
  const rgb = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => i)
  const frame = { rgb, width: 4, height: 2 }
  const planes = new Float32Array(24)
  fillPlanes(planes, frame, fitInto(frame, tiny), tiny)
  assert.deepEqual(
    [...planes],
    [0, 1, 2].flatMap((c) => [...rgb].filter((_, i) => i % 3 === c)),
  )
  const blueFirst: Manifest['input'] = { ...tiny, colours: 'bgr', range: '0-1' }
  fillPlanes(planes, frame, fitInto(frame, blueFirst), blueFirst)
  assert.ok(Math.abs((planes[0] ?? 0) - 2 / 255) < 1e-6)
  assert.ok(Math.abs((planes[23] ?? 0) - 21 / 255) < 1e-6)
})

test('the part without picture is gray, also after a frame of another shape', () => {
  const planes = new Float32Array(24)
  const full = { rgb: new Uint8Array(24).fill(200), width: 4, height: 2 }
  fillPlanes(planes, full, fitInto(full, tiny), tiny)
  const narrow = { rgb: new Uint8Array(12).fill(50), width: 2, height: 2 }
  fillPlanes(planes, narrow, fitInto(narrow, tiny), tiny)
  assert.deepEqual([...planes.slice(0, 8)], [114, 50, 50, 114, 114, 50, 50, 114])
})

test('scaling to half takes the mean of neighbours and keeps an even picture even', () => {
  const rgb = Uint8Array.from({ length: 8 * 4 * 3 }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 0 : 100))
  const frame = { rgb, width: 8, height: 4 }
  const planes = new Float32Array(24)
  fillPlanes(planes, frame, fitInto(frame, tiny), tiny)
  assert.deepEqual(
    [...planes],
    Array.from({ length: 24 }, () => 50),
  )
})
