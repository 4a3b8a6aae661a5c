import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from '../base/yaml.ts'
import { boxYaml, siteYaml, tempFolder, testRooms, writeFiles } from '../tests/fixtures.ts'
import { configHash, loadBox, type Box } from './config.ts'

const rule = (id: string, cls: string): string =>
  `name: { zh: 试, en: Test }\nrules:\n  ${id}: { version: 1, kind: alarm, class: ${cls}, source: default, settings: { quantity: smoke }, title: { zh: 烟, en: Smoke }, why: { zh: 烟, en: Smoke } }\n`

const catalogue = `version: 1
name: { zh: 试, en: Test }
classes:
  own-class: { code: '0599', name: { zh: 自, en: Own }, severity: ordinary, filing: { zh: 自, en: Own }, closing: { zh: 无, en: None }, source: default }
`

function boxOf(t: TestContext, files: Readonly<Record<string, string>>): () => Promise<Box> {
  const folder = tempFolder(t)
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': siteYaml, ...files })
  return () => loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms')))
}

const mistakesOf = async (load: () => Promise<Box>): Promise<string[]> => {
  try {
    await load()
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.mistakes.map(({ file, line, path, text }) => `${file}:${line} ${path}: ${text}`)
  }
}

test('a box brings packs and a catalogue of its own beside its site files', async (t) => {
  const box = await boxOf(t, {
    'box.yaml': boxYaml
      .replace('packs: [test]', 'packs: [own]')
      .replace('catalogue: test', 'catalogue: city'),
    'packs/own.yaml': rule('own-smoke', 'own-class'),
    'packs/draft.yaml': 'not: yet a pack',
    'catalogue/city.yaml': catalogue,
  })()
  assert.deepEqual(
    box.rules.map(({ id, pack }) => [id, pack]),
    [['own-smoke', 'own']],
  )
  assert.deepEqual([...box.catalogue.classes.keys()], ['own-class'])
})

test('an own pack or catalogue with the name of a shipped one is refused, as is a name that nobody can write', async (t) => {
  const files = {
    'packs/test.yaml': rule('own-smoke', 'smoke'),
    'packs/Own.yaml': rule('own-smoke', 'smoke'),
    'catalogue/test.yaml': catalogue,
  }
  assert.deepEqual((await mistakesOf(boxOf(t, files))).sort(), [
    'catalogue/test.yaml:1 : a catalogue named "test" ships with Ganglion; a box\'s own needs another name',
    'packs/Own.yaml:1 : the file\'s name is the pack\'s id: lower-case letters, digits and -; got "Own"',
    'packs/test.yaml:1 : a pack named "test" ships with Ganglion; a box\'s own needs another name',
  ])
})

test('mistakes in own packs are told by their file and line, and misspelt names look at the own ones too', async (t) => {
  const named = boxYaml.replace('packs: [test]', 'packs: [test, own]')
  const wrong = { 'box.yaml': named, 'packs/own.yaml': rule('own-smoke', 'smok') }
  assert.deepEqual(await mistakesOf(boxOf(t, wrong)), [
    'packs/own.yaml:3 /rules/own-smoke/class: unknown class "smok"; did you mean "smoke"?',
  ])
  const misspelt = {
    'box.yaml': named.replace('own]', 'onw]').replace('catalogue: test', 'catalogue: ctiy'),
    'packs/own.yaml': rule('own-smoke', 'smoke'),
    'packs/left.yml': '',
    'catalogue/city.yaml': catalogue,
  }
  assert.deepEqual((await mistakesOf(boxOf(t, misspelt))).sort(), [
    'box.yaml:5 /catalogue: unknown catalogue "ctiy"; did you mean "city"?',
    'box.yaml:6 /packs/1: unknown pack "onw"; did you mean "own"?',
    'packs/left.yml:1 : wanted a name that ends in .yaml: "left.yaml"',
  ])
})

test('own packs and catalogues are a part of the configuration hash', (t) => {
  const hashOf = (files: Readonly<Record<string, string>>): string => {
    const folder = tempFolder(t)
    writeFiles(folder, { 'box.yaml': boxYaml, ...files })
    return configHash(folder)
  }
  const hashes = [
    {},
    { 'packs/own.yaml': 'a' },
    { 'packs/own.yaml': 'b' },
    { 'catalogue/own.yaml': 'a' },
  ].map(hashOf)
  assert.equal(new Set(hashes).size, hashes.length)
})
