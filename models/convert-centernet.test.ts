import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { convertCenternet, defaultManifest } from './convert-centernet.ts'
import { readManifest } from './manifest.ts'

const wanted = readManifest(defaultManifest).sha256
const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'ganglion-'))

test('the packaged weights become the very file that the manifest names, and nothing else is left', async () => {
  const cacheFolder = join(newFolder(), 'not', 'there', 'yet')
  const made = await convertCenternet({ cacheFolder })
  assert.equal(made.fresh, true)
  assert.equal(made.sha256, wanted)
  assert.equal(hashOf(made.file), wanted)
  assert.deepEqual(readdirSync(cacheFolder), ['centernet-coco.onnx'])
})

test('a file that is already right is left alone', async () => {
  const cacheFolder = newFolder()
  const made = await convertCenternet({ cacheFolder })
  const before = statSync(made.file, { bigint: true }).mtimeNs
  const found = await convertCenternet({ cacheFolder })
  assert.deepEqual(found, { ...made, fresh: false })
  assert.equal(statSync(made.file, { bigint: true }).mtimeNs, before)
})

test('a damaged file is made anew', async () => {
  const cacheFolder = newFolder()
  const made = await convertCenternet({ cacheFolder })
  writeFileSync(made.file, readFileSync(made.file).subarray(0, 1000))
  const again = await convertCenternet({ cacheFolder })
  assert.equal(again.fresh, true)
  assert.equal(hashOf(again.file), wanted)
})
