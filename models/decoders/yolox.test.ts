import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { View } from './view.ts'
import { decodeYolox } from './yolox.ts'

const input = { width: 64, height: 32 }
const view: View = {
  input,
  fit: { left: 0, top: 0, ...input },
  labels: ['person', 'bicycle'],
  thresholds: [0.3, 0.3],
}
/** 8×4 cells of 8 pixels, 4×2 of 16, 2×1 of 32. */
const cells = 32 + 8 + 2
const row = 7

function output(cell: number, values: readonly number[]): { data: Float32Array; dims: number[] } {
  const data = new Float32Array(cells * row)
  data.set(values, cell * row)
  return { data, dims: [1, cells, row] }
}

test('a cell of the second grid gives its box at that grid’s stride', () => {
  // Cell 2,1 of the 16-pixel grid: middle at (2.5, 1.25) × 16, 32 wide and 16 high.
  const tensor = output(32 + 4 + 2, [0.5, 0.25, Math.log(2), 0, 0.8, 0.1, 0.9])
  const [found, ...others] = decodeYolox({ output: tensor }, view)
  assert.equal(others.length, 0)
  assert.equal(found?.label, 'bicycle')
  assert.ok(Math.abs(found.score - 0.72) < 1e-6)
  assert.ok(Math.abs(found.box.x - 24 / 64) < 1e-6)
  assert.ok(Math.abs(found.box.y - 12 / 32) < 1e-6)
  assert.ok(Math.abs(found.box.width - 32 / 64) < 1e-6)
  assert.ok(Math.abs(found.box.height - 16 / 32) < 1e-6)
})

test('objectness and label must reach the threshold together', () => {
  assert.deepEqual(decodeYolox({ output: output(0, [0, 0, 1, 1, 0.5, 0.5, 0.1]) }, view), [])
})
