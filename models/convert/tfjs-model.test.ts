import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isGanglionError } from '../../base/errors.ts'
import { halfToFloat, readTfGraph } from './tfjs-model.ts'

test('a 16-bit float is widened to the number it stands for', () => {
  assert.equal(halfToFloat(0x3c00), 1)
  assert.equal(halfToFloat(0xc000), -2)
  assert.equal(halfToFloat(0x3555), 0.333251953125)
  assert.equal(halfToFloat(0x7bff), 65_504)
  assert.equal(halfToFloat(0x0001), 2 ** -24)
  assert.equal(halfToFloat(0x0400), 2 ** -14)
  assert.ok(Object.is(halfToFloat(0x8000), -0))
  assert.equal(halfToFloat(0xfc00), -Infinity)
  assert.ok(Number.isNaN(halfToFloat(0x7e00)))
})

test('weights are read in the order of their list, each with its own width', () => {
  const files = modelFiles(
    [
      { name: 'a', shape: [2], dtype: 'float32', quantization: { dtype: 'float16' } },
      { name: 'b', shape: [], dtype: 'int32' },
    ],
    Buffer.from([0x00, 0x3c, 0x00, 0xc0, 0xfe, 0xff, 0xff, 0xff]),
  )
  const { weights } = readTfGraph(files.model, files.weights)
  assert.deepEqual([...(weights.get('a')?.values ?? [])], [1, -2])
  assert.deepEqual([...(weights.get('b')?.values ?? [])], [-2])
})

test('a weights file that is too short is refused, and the weight that misses its bytes is named', () => {
  const files = modelFiles([{ name: 'kernel', shape: [3], dtype: 'float32' }], Buffer.alloc(8))
  assert.throws(
    () => readTfGraph(files.model, files.weights),
    (error) => isGanglionError(error, 'model-invalid') && /kernel: wanted 12 bytes/.test(error.message),
  )
})

test('a file that is no graph model is refused', () => {
  const files = modelFiles(undefined, Buffer.alloc(0))
  assert.throws(
    () => readTfGraph(files.model, files.weights),
    (error) => isGanglionError(error, 'model-invalid'),
  )
})

function modelFiles(entries: unknown, bytes: Buffer): { model: string; weights: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-'))
  const model = join(folder, 'model.json')
  const weights = join(folder, 'model.bin')
  writeFileSync(
    model,
    JSON.stringify({ modelTopology: { node: [] }, weightsManifest: [{ weights: entries }] }),
  )
  writeFileSync(weights, bytes)
  return { model, weights }
}
