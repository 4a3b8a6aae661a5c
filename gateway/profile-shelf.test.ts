import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from '../base/yaml.ts'
import { boxYaml, siteYaml, tempFolder, testRooms, writeFiles } from '../tests/fixtures.ts'
import { configHash, loadBox, type Box } from './config.ts'

const own = `vendor: Street
model: Own
name: { zh: 自备, en: Own }
codec: json
power: battery
reportsEvery: 6 h
points:
  smoke: { from: s }
examples: [{ payload: { s: true }, gives: { smoke: true } }]
`

const twoMaps = `vendor: Street
model: Two
name: { zh: 两版, en: Two }
codec: modbus
reportsEvery: 1 min
points:
  voltage: { from: { register: 0, type: u16 } }
  current: { from: { register: 1, type: u16 }, scale: 0.01 }
variants:
  old: { name: { zh: 旧, en: old } }
  new: { name: { zh: 新, en: new }, points: { voltage: { from: { register: 8, type: u16 }, scale: 0.1 } } }
examples: []
`

type Files = Readonly<Record<string, string>>

function load(t: TestContext, files: Files): Promise<Box> {
  const folder = tempFolder(t)
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': siteYaml, ...files })
  return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms')))
}

async function mistakes(t: TestContext, files: Files): Promise<readonly string[]> {
  try {
    await load(t, files)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.mistakes.map(({ file, line, path, text }) => `${file}:${line} ${path}: ${text}`)
  }
  return []
}

const device = (rest: string): Files => ({
  'shed.yaml': siteYaml.replace(
    '{ id: d1, profile: detector, via: { wire: {} } }',
    `{ id: d1, via: { wire: {} }, ${rest} }`,
  ),
})

test('a box brings a profile of its own beside its site files', async (t) => {
  const box = await load(t, { 'profiles/street-smoke.yaml': own, ...device('profile: street-smoke') })
  const d1 = box.devices.get('d1')
  assert.ok(d1)
  assert.deepEqual(
    [d1.profile.id, d1.profile.power, d1.profile.points.map(({ name }) => name)],
    ['street-smoke', 'battery', ['smoke']],
  )
  assert.equal(d1.silentAfter, 26 * 3_600_000, 'four check-ins of a battery device, and time to be late')
})

test('an own profile with the name of a shipped one is refused: a name means one map', async (t) => {
  const found = await mistakes(t, { 'profiles/detector.yaml': own })
  assert.deepEqual(found, [
    'profiles/detector.yaml:1 : a profile named "detector" ships with Ganglion; a box\'s own needs another name',
  ])
})

test('own profiles are judged like shipped ones, also where no device has them', async (t) => {
  const found = await mistakes(t, {
    'profiles/a.yaml': own.replace('power:', 'pwer:'),
    'profiles/b.yaml': own.replace('smoke: { from: s }', 'smoke: { from: s, scale: 2 }'),
    'profiles/B C.yaml': own,
    'profiles/c.yml': own,
  })
  assert.equal(found.length, 4, found.join('\n'))
  assert.match(found.join('\n'), /^profiles\/a\.yaml:5 \/pwer: unknown key "pwer"; did you mean "power"\?$/m)
  assert.match(found.join('\n'), /^profiles\/b\.yaml:8 \/points\/smoke\/scale: "smoke" is no number$/m)
  assert.match(found.join('\n'), /^profiles\/B C\.yaml:1 : the file's name is the profile's id/m)
  assert.match(found.join('\n'), /^profiles\/c\.yml:1 : wanted a name that ends in \.yaml: "c\.yaml"$/m)
})

test('a misspelt profile is looked for among the own ones too', async (t) => {
  const found = await mistakes(t, { 'profiles/street-smoke.yaml': own, ...device('profile: stret-smoke') })
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /unknown profile "stret-smoke"; did you mean "street-smoke"\?/)
})

test('the site file says which firmware a device has', async (t) => {
  const files = { 'profiles/two.yaml': twoMaps }
  const box = await load(t, { ...files, ...device('profile: two, variant: new') })
  const profile = box.devices.get('d1')?.profile
  assert.ok(profile)
  assert.deepEqual(
    [profile.variant, profile.points.map(({ register }) => register?.register)],
    ['new', [8, 1]],
  )
})

test('a firmware that is not named, misspelt or not there at all is a mistake of the site file', async (t) => {
  const files = { 'profiles/two.yaml': twoMaps }
  const one = async (rest: string, wanted: RegExp): Promise<void> => {
    const found = await mistakes(t, { ...files, ...device(rest) })
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', wanted)
  }
  await one('profile: two', /\/devices\/0\/profile: "two" has several firmwares; .* one of old, new$/)
  await one(
    'profile: two, variant: nwe',
    /\/devices\/0\/variant: unknown variant "nwe"; did you mean "new"\?$/,
  )
  await one('profile: detector, variant: a', /\/devices\/0\/variant: "detector" has no variants$/)
})

test('a mistake in the shared points of several variants is told once', async (t) => {
  const wrong = twoMaps.replace('register: 1, type: u16', 'register: 1, type: bit')
  const found = await mistakes(t, { 'profiles/two.yaml': wrong, ...device('profile: two, variant: old') })
  assert.equal(found.length, 1, found.join('\n'))
  assert.match(found[0] ?? '', /^profiles\/two\.yaml:8 \/points\/current\/from: function 3 has no type bit/)
})

test('own profiles are a part of the configuration hash', (t) => {
  const hashOf = (files: Files): string => {
    const folder = tempFolder(t)
    writeFiles(folder, { 'box.yaml': boxYaml, ...files })
    return configHash(folder)
  }
  const hash = hashOf({})
  const withOwn = hashOf({ 'profiles/a.yaml': own })
  const changed = hashOf({ 'profiles/a.yaml': `${own}\n` })
  const renamed = hashOf({ 'profiles/b.yaml': own })
  const beside = hashOf({ 'a.yaml': own })
  assert.equal(new Set([hash, withOwn, changed, renamed, beside]).size, 5)
  assert.equal(hashOf({ 'profiles/notes.txt': 'x' }), hash)
})
