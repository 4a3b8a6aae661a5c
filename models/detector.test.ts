import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { isGanglionError } from '../base/errors.ts'
import { convertCenternet, defaultCacheFolder, defaultManifest } from './convert-centernet.ts'
import { openDetector } from './detector.ts'

before(() => convertCenternet({ cacheFolder: defaultCacheFolder }))

/** The default manifest, naming this file as its model. */
function manifestOf(model: Uint8Array, change: (text: string) => string = (text) => text): [string, string] {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-'))
  writeFileSync(join(folder, 'centernet-coco.onnx'), model)
  const sha256 = createHash('sha256').update(model).digest('hex')
  const text = readFileSync(defaultManifest, 'utf8').replace(/^sha256: .*$/m, `sha256: ${sha256}`)
  writeFileSync(join(folder, 'manifest.yaml'), change(text))
  return [join(folder, 'manifest.yaml'), folder]
}

test('an empty picture of any shape holds nothing', async () => {
  const detector = await openDetector(defaultManifest, defaultCacheFolder)
  assert.deepEqual(detector.input, { width: 512, height: 288 })
  for (const [width, height] of [
    [640, 360],
    [512, 288],
    [120, 160],
  ] as const) {
    assert.deepEqual(await detector.detect(new Uint8Array(width * height * 3).fill(114), width, height), [])
  }
  await detector.close()
})

test('frames handed in at once are answered as when handed in one by one', async () => {
  const detector = await openDetector(
    ...manifestOf(readFileSync(join(defaultCacheFolder, 'centernet-coco.onnx')), loose),
  )
  const frames = [1, 2, 3].map((step) =>
    Uint8Array.from({ length: 160 * 90 * 3 }, (_, i) => ((i >> 5) * 37 * step + (i % 91) * 11) & 255),
  )
  const single: unknown[] = []
  for (const rgb of frames) single.push(await detector.detect(rgb, 160, 90))
  const atOnce = await Promise.all(frames.map((rgb) => detector.detect(rgb, 160, 90)))
  assert.deepEqual(atOnce, single)
  assert.notDeepEqual(single[0], single[1])
  await detector.close()
})

/** Everything the model half sees, so that pictures of nothing differ. */
const loose = (text: string): string =>
  text.replace(
    /^thresholds: .*$/m,
    'thresholds: { person: 0.01, bicycle: 0.01, car: 0.01, bird: 0.01, tv: 0.01, kite: 0.01 }',
  )

test('bytes that are not a picture of that size are refused', async () => {
  const detector = await openDetector(defaultManifest, defaultCacheFolder)
  assert.throws(() => void detector.detect(new Uint8Array(10), 640, 360), /wanted 691200 bytes .* got 10/)
  await detector.close()
})

test('a file that is no model is refused though its hash is right', async () => {
  await assert.rejects(openDetector(...manifestOf(Buffer.from('not a model'))), (error) =>
    isGanglionError(error, 'model-invalid'),
  )
})

test('a manifest with the wrong decoder fails at the first picture and says what came', async () => {
  const model = readFileSync(join(defaultCacheFolder, 'centernet-coco.onnx'))
  const detector = await openDetector(
    ...manifestOf(model, (text) => text.replace('decoder: centernet', 'decoder: yolox')),
  )
  await assert.rejects(
    detector.detect(new Uint8Array(12), 2, 2),
    /wanted one output, got scores, places, sides/,
  )
  await detector.close()
})
