import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempFolder } from '../../tests/fixtures.ts'
import { putFiles, standingOf, takeFilesBack } from './staged-files.ts'

const files = [
  { name: 'packs/own.yaml', before: null, after: 'new pack' },
  { name: 'box.yaml', before: 'packs: [a]', after: 'packs: [own]' },
]

test('files are put in place whole and taken back, and leave nothing else behind', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'box.yaml'), 'packs: [a]')
  chmodSync(join(folder, 'box.yaml'), 0o640)
  assert.equal(await standingOf(folder, files), 'before')
  await putFiles(folder, files)
  assert.equal(await standingOf(folder, files), 'after')
  assert.equal(readFileSync(join(folder, 'packs/own.yaml'), 'utf8'), 'new pack')
  assert.equal(statSync(join(folder, 'box.yaml')).mode & 0o777, 0o640)
  assert.deepEqual(await takeFilesBack(folder, files), [])
  assert.equal(await standingOf(folder, files), 'before')
  assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), ['box.yaml', 'packs'])
})

test('a power cut between two files is seen, and what lies there goes', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'box.yaml'), 'packs: [a]')
  await putFiles(folder, files.slice(0, 1))
  assert.equal(await standingOf(folder, files), 'mixed')
  await takeFilesBack(folder, files)
  assert.equal(existsSync(join(folder, 'packs/own.yaml')), false)
})

test('what somebody has changed since stays as it is, and is named', async (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'packs'))
  writeFileSync(join(folder, 'box.yaml'), 'packs: [a]')
  await putFiles(folder, files)
  writeFileSync(join(folder, 'box.yaml'), 'packs: [own, b]')
  assert.equal(await standingOf(folder, files), 'other')
  assert.deepEqual(await takeFilesBack(folder, files), ['box.yaml'])
  assert.equal(readFileSync(join(folder, 'box.yaml'), 'utf8'), 'packs: [own, b]')
})
