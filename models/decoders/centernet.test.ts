import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCenternet } from './centernet.ts'
import type { Outputs, View } from './view.ts'

const input = { width: 64, height: 32 }
const columns = 16
const cells = 16 * 8
const view: View = {
  input,
  fit: { left: 0, top: 0, ...input },
  labels: ['person', 'bicycle', 'kite'],
  thresholds: [0.3, 0.2, Infinity],
}

function outputs(peaks: readonly (readonly [score: number, label: number, x: number, y: number])[]): Outputs {
  return {
    scores: { data: Float32Array.from(peaks, ([score]) => score), dims: [1, peaks.length] },
    places: {
      data: Int32Array.from(peaks, ([, label, x, y]) => label * cells + y * columns + x),
      dims: [1, peaks.length],
    },
    sides: {
      data: Float32Array.from({ length: 4 * cells }, (_, i) => [4, 8, 12, 4][Math.floor(i / cells)] ?? 0),
      dims: [1, 4, 8, 16],
    },
  }
}

test('a peak becomes a box around its place, in parts of the frame', () => {
  const found = decodeCenternet(outputs([[0.5, 1, 4, 4]]), view)
  assert.deepEqual(found, [
    { label: 'bicycle', score: 0.5, box: { x: 12 / 64, y: 8 / 32, width: 16 / 64, height: 12 / 32 } },
  ])
})

test('each label has its own least score, and labels nobody asked for are not reported', () => {
  const found = decodeCenternet(
    outputs([
      [0.9, 2, 4, 4],
      [0.29, 0, 4, 4],
      [0.25, 1, 4, 4],
      [0.19, 1, 8, 4],
    ]),
    view,
  )
  assert.deepEqual(
    found.map(({ label, score }) => [label, score.toFixed(2)]),
    [['bicycle', '0.25']],
  )
})

test('the letterbox is undone and a box is cut at the edge of the frame', () => {
  const fit = { left: 16, top: 0, width: 32, height: 32 }
  const [found] = decodeCenternet(outputs([[0.5, 1, 4, 0]]), { ...view, fit })
  assert.deepEqual(found?.box, { x: 0, y: 0, width: 12 / 32, height: 4 / 32 })
})

test('a box that lies wholly in the gray beside the picture is not one', () => {
  const fit = { left: 32, top: 0, width: 32, height: 32 }
  assert.deepEqual(decodeCenternet(outputs([[0.5, 1, 1, 4]]), { ...view, fit }), [])
})

test('a model that answers in another shape is refused with both shapes', () => {
  const other = { ...outputs([]), sides: { data: new Float32Array(4), dims: [1, 4, 1, 1] } }
  assert.throws(() => decodeCenternet(other, view), /wanted \[1, 4, 8, 16\], got \[1, 4, 1, 1\]/)
  assert.throws(() => decodeCenternet({}, view), /wanted an output "scores"/)
})
