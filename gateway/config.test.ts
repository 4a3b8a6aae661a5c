import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { codeOf } from '../base/errors.ts'
import { ConfigError } from '../base/yaml.ts'
import { boxYaml, siteYaml, tempFolder, testRooms, tinyBox, writeFiles } from '../tests/fixtures.ts'
import { configHash, loadBox, type Box } from './config.ts'
import { placeOf } from './device.ts'

type Files = Readonly<Record<string, string>>

const good: Files = { 'box.yaml': boxYaml, 'shed.yaml': siteYaml }

function load(t: TestContext, files: Files, rooms: Files = {}): Promise<Box> {
  const folder = tempFolder(t)
  writeFiles(join(folder, 'box'), files)
  return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms'), rooms))
}

/** Every mistake as `file:line path: text`; of the shipped folders only the file's name. */
async function mistakes(t: TestContext, files: Files, rooms: Files = {}): Promise<readonly string[]> {
  try {
    await load(t, files, rooms)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.mistakes.map(
      ({ file, line, path, text }) => `${file.split('/').at(-1) ?? ''}:${line} ${path}: ${text}`,
    )
  }
  return []
}

const oneMistake = async (t: TestContext, files: Files, wanted: RegExp, rooms: Files = {}): Promise<void> => {
  const found = await mistakes(t, { ...good, ...files }, rooms)
  assert.equal(found.length, 1, found.join('\n'))
  assert.match(found[0] ?? '', wanted)
}

/** The line of a text in a file, as an editor counts it. */
const lineOf = (text: string, part: string): number => text.slice(0, text.indexOf(part)).split('\n').length

test('a box is its file, its sites and all that they name', async (t) => {
  const box = await tinyBox(tempFolder(t))
  assert.deepEqual([box.id, box.sites.length, box.devices.size, box.rules.length], ['tiny', 1, 8, 6])
  const beam = box.devices.get('beam')
  assert.ok(beam)
  assert.deepEqual(beam.address, { transport: 'wire', settings: {} })
  assert.deepEqual(
    [beam.siteId, beam.part, placeOf(beam, ''), placeOf(beam, 'x')],
    ['shed', 'door-line', 'shed/door-line', 'shed/door-line/x'],
  )
  assert.equal(beam.silentAfter, 5.25 * 3_600_000)
  assert.equal(box.devices.get('meter')?.silentAfter, 30 * 60_000)
  assert.equal(box.devices.get('practice')?.drillOnly, true)
  const camera = box.devices.get('camera')
  assert.ok(camera)
  assert.equal(placeOf(camera, 'lane'), 'shed/lane')
})

test('a folder full of mistakes reports them all, each with file, line and what was meant', async (t) => {
  const box = boxYaml
    .replace('catalogue: test', 'catalogue: tset')
    .replace('packs: [test]', 'packs: [test, tets]')
    .replace('kind: test }]', 'kind: tast }, { id: platform, kind: test, ulr: x }]')
    .replace("api: '127.0.0.1:0'", "api: '127.0.0.1:0', mqqt: '1.2.3.4:5', tcp: localhost")
  const site = siteYaml
    .replace('profile: beam', 'profile: baem')
    .replace('id: d2, profile: detector, via: { wire: {} }', 'id: d1, profile: detector, via: { wyre: {} }')
    .replace('via: { wire: {} }, drill: true', "via: { wire: { account: brige, port: '1' } }, drill: true")
    .replace('address: 1 Test Road', 'adress: 1 Test Road')
  const other = `${siteYaml.replaceAll('id: ', 'id: other-')}hours: 09:00-17:00\ntimeZone: Asia/Shanghia\n`
  const found = await mistakes(t, {
    'box.yaml': box,
    'shed.yaml': site,
    'other.yaml': other,
    'Big Shop.yaml': siteYaml.replaceAll('id: ', 'id: big-'),
    'lane.yml': siteYaml,
    'broken.yaml': 'name: { zh: 坏\n',
  })
  const wanted: readonly (readonly [string, number, RegExp])[] = [
    ['box.yaml', lineOf(box, 'catalogue'), /\/catalogue: unknown catalogue "tset"; did you mean "test"\?/],
    ['box.yaml', lineOf(box, 'packs'), /\/packs\/1: unknown pack "tets"; did you mean "test"\?/],
    [
      'box.yaml',
      lineOf(box, 'connectors'),
      /\/connectors\/0\/kind: unknown kind "tast"; did you mean "test"\?/,
    ],
    ['box.yaml', lineOf(box, 'connectors'), /\/connectors\/1\/id: another connector has the id "platform"/],
    ['box.yaml', lineOf(box, 'connectors'), /\/connectors\/1\/ulr: unknown key "ulr"; did you mean "url"\?/],
    ['box.yaml', lineOf(box, 'listen'), /\/listen\/mqqt: unknown key "mqqt"; did you mean "mqtt"\?/],
    ['box.yaml', lineOf(box, 'listen'), /\/listen\/tcp: must match pattern .*got "localhost"/],
    ['shed.yaml', lineOf(site, 'adress'), /\/adress: unknown key "adress"; did you mean "address"\?/],
    ['shed.yaml', 1, /: "address" is missing/],
    ['other.yaml', lineOf(other, 'timeZone'), /\/timeZone: unknown time zone.*got "Asia\/Shanghia"/],
    ['Big Shop.yaml', 1, /the file's name is the site's id.*got "Big Shop"/],
    ['lane.yml', 1, /wanted a name that ends in \.yaml: "lane\.yaml"/],
    ['broken.yaml', 2, /.+/],
  ]
  for (const [file, line, text] of wanted) {
    const isFound = found.some((mistake) => mistake.startsWith(`${file}:${line} `) && text.test(mistake))
    assert.ok(isFound, `${file}:${line} ${text.source} is not among\n${found.join('\n')}`)
  }
})

test('what a site says of its devices is judged with its line', async (t) => {
  const site = siteYaml
    .replace('profile: beam', 'profile: baem')
    .replace('id: d2, profile: detector, via: { wire: {} }', 'id: d1, profile: detector, via: { wyre: {} }')
    .replace(
      'via: { wire: {} }, drill: true',
      "via: { wire: { account: brige, port: '1' } }, drill: true, signPhoto: no.jpg",
    )
  const found = await mistakes(t, { ...good, 'shed.yaml': site })
  const line = (part: string): number => lineOf(site, part)
  assert.deepEqual(
    [...found].sort(),
    [
      `shed.yaml:${line('baem')} /devices/4/profile: unknown profile "baem"; did you mean "beam"?`,
      `shed.yaml:${line('brige')} /devices/3/signPhoto: the box folder holds no file "no.jpg"`,
      `shed.yaml:${line('brige')} /devices/3/via/wire/account: unknown bridge "brige"; did you mean "bridge"?`,
      `shed.yaml:${line('brige')} /devices/3/via/wire/port: must be integer; got "1"`,
      `shed.yaml:${line('wyre')} /devices/1/id: the device "d1" stands in shed.yaml already; ids are unique in a box`,
      `shed.yaml:${line('wyre')} /devices/1/via/wyre: unknown transport "wyre"; did you mean "wire"?`,
    ].sort(),
  )
})

test('devices and bridges share their names with nobody', async (t) => {
  await oneMistake(
    t,
    {
      'other.yaml': siteYaml.replace(
        /devices:[^]*/,
        'devices: [{ id: d1, profile: beam, via: { wire: {} } }]',
      ),
    },
    /d1" stands in other\.yaml already/,
  )
  await oneMistake(
    t,
    { 'box.yaml': boxYaml.replace('id: bridge', 'id: d1') },
    /\/bridges\/0\/id: the id "d1" is that of a device in shed\.yaml/,
  )
  const twice = boxYaml.replace('bridges: [', 'bridges: [{ id: bridge, codec: json, base: other }, ')
  await oneMistake(t, { 'box.yaml': twice }, /\/bridges\/1\/id: the id "bridge" is that of another bridge/)
})

test('the settings of a site are judged by its rules', async (t) => {
  await oneMistake(
    t,
    { 'shed.yaml': `${siteYaml}settings: { baem: { for: 3 s } }\n` },
    /\/settings\/baem: unknown rule "baem"; did you mean "beam"/,
  )
  await oneMistake(t, { 'shed.yaml': `${siteYaml}settings: { beam: { for: 3 } }\n` }, /\/settings\/beam\/for/)
})

test('a time zone is judged also where no hours are stated', async (t) => {
  await oneMistake(t, { 'shed.yaml': `${siteYaml}timeZone: Moon/Tycho\n` }, /\/timeZone: unknown time zone/)
})

test('a mistake in a profile is told once, whoever uses it', async (t) => {
  const rooms = { 'profiles/detector.yaml': 'vendor: 1\n' }
  const found = await mistakes(t, good, rooms)
  assert.ok(found.length > 1)
  assert.equal(new Set(found).size, found.length)
  for (const mistake of found) assert.match(mistake, /^detector\.yaml:/)
})

test('names of points, rules and classes that do not fit are mistakes, and not skipped', async (t) => {
  const detector = `vendor: T\nmodel: T\nname: { zh: 试, en: T }\ncodec: json\nreportsEvery: 1 h\npoints:\n  smoke: { from: smoke }\n  2nd-smoke: nonsense\nexamples: [{ payload: {}, gives: {} }]\n`
  await oneMistake(
    t,
    {},
    /^detector\.yaml:8 \/points\/2nd-smoke: unknown key "2nd-smoke"; wanted one that fits/,
    { 'profiles/detector.yaml': detector },
  )
})

test('folders and other files in the box folder are left alone', async (t) => {
  const folder = tempFolder(t)
  writeFiles(folder, { ...good, 'README.md': 'x', 'grid.geojson': '{}' })
  mkdirSync(join(folder, 'old.yaml'))
  const box = await loadBox(folder, testRooms(join(folder, 'rooms')))
  assert.equal(box.sites.length, 1)
})

test('a folder without box.yaml is no box', async (t) => {
  await assert.rejects(load(t, { 'shed.yaml': siteYaml }), (error) => codeOf(error) === 'config-missing')
})

test('the hash tells configurations apart by name and content', async (t) => {
  const hashOf = (files: Files): string => {
    const folder = tempFolder(t)
    writeFiles(folder, files)
    return configHash(folder)
  }
  const hash = hashOf(good)
  assert.match(hash, /^[0-9a-f]{64}$/)
  assert.equal(hashOf({ ...good, 'notes.txt': 'x' }), hash)
  const others = [
    hashOf({ ...good, 'shed.yaml': `${siteYaml}\n` }),
    hashOf({ 'box.yaml': boxYaml, 'shop.yaml': siteYaml }),
    hashOf({ ...good, 'z.yaml': '' }),
  ]
  assert.equal(new Set([hash, ...others]).size, 4)
})
