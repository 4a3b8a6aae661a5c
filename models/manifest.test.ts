import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isGanglionError } from '../base/errors.ts'
import { ConfigError } from '../base/yaml.ts'
import { defaultManifest } from './convert-centernet.ts'
import { readManifest, readModel } from './manifest.ts'

const manifests = join(import.meta.dirname, 'manifests')
const defaultText = readFileSync(defaultManifest, 'utf8')

function manifestWith(from: string | RegExp, to: string): string {
  const text = defaultText.replace(from, to)
  assert.notEqual(text, defaultText)
  const file = join(mkdtempSync(join(tmpdir(), 'ganglion-')), 'changed.yaml')
  writeFileSync(file, text)
  return file
}

function mistakesOf(file: string): string {
  try {
    readManifest(file)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message
  }
  assert.fail('the manifest was taken')
}

test('every shipped manifest is right, and its file name is its name', () => {
  const files = readdirSync(manifests)
  assert.ok(files.length >= 3)
  for (const file of files) assert.equal(`${readManifest(join(manifests, file)).name}.yaml`, file)
})

test('the default detector takes two-wheelers from 0.20 and people and vehicles from 0.30', () => {
  assert.deepEqual(readManifest(defaultManifest).thresholds, {
    bicycle: 0.2,
    motorcycle: 0.2,
    person: 0.3,
    car: 0.3,
    bus: 0.3,
    truck: 0.3,
  })
})

test('a model whose labels name faces or plates is refused', () => {
  const labels = ['face', 'Human Face', 'faces', 'facial-landmarks', 'plate', 'licensePlate', 'licence plate']
  for (const label of [...labels, 'number_plate', 'license', '人脸', '车牌', '号牌']) {
    assert.match(mistakesOf(manifestWith('toothbrush', label)), /faces or plates are refused/, label)
  }
})

test('a label that only looks like one is taken', () => {
  assert.equal(readManifest(manifestWith('toothbrush', 'road surface')).labels.at(-1), 'road surface')
})

test('a threshold for a label that the model does not have is a mistake with its line', () => {
  assert.match(
    mistakesOf(manifestWith('motorcycle: 0.20', 'moped: 0.20')),
    /:\d+ \/thresholds\/moped: "moped"/,
  )
})

test('an unknown key, a wrong decoder and a broken hash are all said at once', () => {
  const file = manifestWith(/^decoder: centernet$/m, 'decoder: centernett\nlicense: MIT')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/sha256: .*/, 'sha256: abc'))
  const text = mistakesOf(file)
  assert.match(text, /did you mean "licence"/)
  assert.match(text, /did you mean "centernet"/)
  assert.match(text, /\/sha256/)
})

test('a missing model file is refused with what to run', () => {
  const manifest = readManifest(defaultManifest)
  assert.throws(
    () => readModel(manifest, mkdtempSync(join(tmpdir(), 'ganglion-'))),
    (error) =>
      isGanglionError(error, 'model-invalid') &&
      /ENOENT/.test(error.message) &&
      /node models\/convert-centernet\.ts/.test(error.message),
  )
})

test('a model file with another hash is refused, both hashes said', () => {
  const manifest = readManifest(defaultManifest)
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-'))
  writeFileSync(join(folder, manifest.file), 'another')
  const got = createHash('sha256').update('another').digest('hex')
  assert.throws(
    () => readModel(manifest, folder),
    (error) =>
      isGanglionError(error, 'model-invalid') &&
      error.message.includes(got) &&
      error.message.includes(manifest.sha256),
  )
})
