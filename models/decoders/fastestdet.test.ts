import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFastestdet } from './fastestdet.ts'
import type { View } from './view.ts'

const input = { width: 64, height: 32 }
const view: View = {
  input,
  fit: { left: 0, top: 0, ...input },
  labels: ['person', 'bicycle'],
  thresholds: [0.6, 0.6],
}
const cells = 8

/** One cell's seven channels; all others are empty. */
function output(cell: number, values: readonly number[]): { data: Float32Array; dims: number[] } {
  const data = new Float32Array(7 * cells)
  values.forEach((value, channel) => (data[channel * cells + cell] = value))
  return { data, dims: [1, 7, 2, 4] }
}

test('a cell gives its box: the offset in cells, the size in parts of the input', () => {
  // Cell 2,1; sigmoid(0) is half of the input.
  const [found, ...others] = decodeFastestdet(
    { '758': output(6, [0.9, 0, Math.atanh(-0.5), 0, 0, 0.1, 0.8]) },
    view,
  )
  assert.equal(others.length, 0)
  assert.equal(found?.label, 'bicycle')
  assert.ok(Math.abs(found.score - 0.9 ** 0.6 * 0.8 ** 0.4) < 1e-6)
  assert.ok(Math.abs(found.box.x - 16 / 64) < 1e-6)
  assert.ok(Math.abs(found.box.width - 0.5) < 1e-6)
  assert.ok(Math.abs(found.box.y) < 1e-6)
  assert.ok(Math.abs(found.box.height - 0.5) < 1e-6)
})

test('a weak cell is nothing', () => {
  assert.deepEqual(decodeFastestdet({ '758': output(6, [0.5, 0, 0, 0, 0, 0.1, 0.5]) }, view), [])
})
