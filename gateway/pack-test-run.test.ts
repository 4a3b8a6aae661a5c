import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { ConfigError } from '../base/yaml.ts'
import { tempFolder, writeFiles } from '../tests/fixtures.ts'
import { readCatalogue } from './catalogue.ts'
import { tryPack, type PackTrial, type TrialRooms } from './pack-test-run.ts'
import { ProfileShelf } from './profile-shelf.ts'
import { ruleKindsIn } from './rule-kinds.ts'

const root = join(import.meta.dirname, '..')
const profilesFolder = join(root, 'device-drivers/profiles')
const rooms: TrialRooms = {
  kinds: ruleKindsIn(join(root, 'rules/kinds')),
  catalogue: readCatalogue(join(root, 'rules/catalogue/demo.yaml')),
  profiles: new ProfileShelf(profilesFolder, profilesFolder, (mistakes) => assert.deepEqual(mistakes, [])),
}

const rules = `name: { zh: 试, en: Try }
rules:
  smoke: { version: 1, kind: alarm, class: smoke, source: x, settings: { quantity: smoke, test: test }, inhibits: [bicycle-parking], title: { zh: 烟, en: S }, why: { zh: 烟, en: It smokes } }
  load: { version: 1, kind: threshold, class: port-load, source: x, mode: shadow, coolDown: 10 min, settings: { quantity: portPower, above: 1000 W, for: 60 s }, title: { zh: 载, en: L }, why: { zh: 载, en: '{value}' } }
  parked: { version: 1, kind: dwell, class: bicycle-parking, source: x, settings: { quantity: vehicleInZone, for: 60 s, labels: [bicycle] }, title: { zh: 停, en: P }, why: { zh: 停, en: Parked } }
tests:
`

/** The pack above with these tests; their first line is 7. */
async function tried(t: TestContext, tests: string): Promise<PackTrial> {
  const folder = tempFolder(t)
  writeFiles(folder, { 'try.yaml': rules + tests })
  return tryPack('try', join(folder, 'try.yaml'), rooms, 'try.yaml')
}

async function failuresOf(t: TestContext, tests: string): Promise<readonly string[]> {
  const { results } = await tried(t, tests)
  assert.ok(results.length > 0)
  return results.flatMap(({ failures }) => failures)
}

async function mistakesOf(t: TestContext, tests: string): Promise<readonly string[]> {
  try {
    await tried(t, tests)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  assert.fail('the pack was found right')
}

test('a test passes when all that was expected came and nothing else, in virtual time', async (t) => {
  const { rules: ids, results } = await tried(
    t,
    `  - name: smoke comes and goes
    rule: smoke
    devices: { a: heiman-hs1sa }
    series:
      - { at: 10 s, a: { smoke: true } }
      - { at: 25 d, a: { smoke: false } }
    expect:
      - { at: 10 s, raise: smoke, place: a, drill: false, since: 10 s }
      - { at: 25 d, clear: smoke, place: a }
`,
  )
  assert.deepEqual(ids, ['smoke', 'load', 'parked'])
  const [result] = results
  assert.deepEqual(
    result && {
      ...result,
      judged: [...result.judged],
      raised: [...result.raised],
      cleared: [...result.cleared],
    },
    {
      name: 'smoke comes and goes',
      rule: 'smoke',
      failures: [],
      judged: ['smoke'],
      raised: ['smoke'],
      cleared: ['smoke'],
    },
  )
})

test('whatever differs is said with the line of the expectation and what came instead', async (t) => {
  const failures = await failuresOf(
    t,
    `  - name: wrong in every way
    rule: smoke
    devices: { a: heiman-hs1sa, b: heiman-hs1sa, c: heiman-hs1sa }
    series:
      - { at: 10 s, a: { smoke: true, test: true }, b: { smoke: true } }
      - { at: 90 s, b: { smoke: false } }
    expect:
      - { at: 10 s, raise: smoke, place: a, drill: false }
      - { at: 11 s, raise: smoke, place: b, since: 9 s }
      - { at: 2 min, raise: smoke, place: c }
      - { at: 2 min, clear: smoke, place: c }
      - { at: 5 min, clear: smoke, place: b }
`,
  )
  assert.deepEqual(failures, [
    'try.yaml:14: wanted raise smoke in a at 10 s as no drill; it came as a drill',
    'try.yaml:15: wanted raise smoke in b at 11 s since 9 s; it came at 10 s, since 10 s',
    'try.yaml:16: wanted raise smoke in c at 2 min; nothing came; nearest: smoke: nothing is known',
    'try.yaml:17: wanted clear smoke in c at 2 min; it was never raised there',
    'try.yaml:18: wanted clear smoke in b at 5 min; it came at 1 min 30 s',
    'try.yaml:7: nobody expected clear smoke in a at 1 min 10 s as a drill: It smokes',
    'try.yaml:7: nobody expected raise smoke in a at 1 min 10 s: It smokes',
  ])
})

test('a raise that did not come is said with how near it was', async (t) => {
  assert.deepEqual(
    await failuresOf(
      t,
      `  - name: too little
    devices: { station: estation-5d }
    series:
      - { at: 30 s, station: { port-2/portPower: 980 } }
      - { at: 40 s, station: { port-2/portPower: 700 } }
    expect: [{ at: 2 min, raise: load, place: station/port-2 }]
`,
    ),
    [
      'try.yaml:12: wanted raise load in station/port-2 at 2 min; nothing came; nearest: portPower >= 1000 W: 980 W at 30 s, 20 W short',
    ],
  )
})

test('what holds a raise back is a part of the test, and a rule in shadow is tried as it would speak', async (t) => {
  const story = `    devices: { station: estation-5d }
    series:
      - { at: 0 s, every: 10 s, until: 90 s, station: { port-1/portPower: 1200 } }
      - { at: 100 s, station: { port-1/portPower: 100 } }
      - { at: 110 s, every: 10 s, until: 5 min, station: { port-1/portPower: 1200 } }
      - { at: 310 s, station: { port-1/portPower: 100 } }
`
  const both = `      - { at: 60 s, raise: load, place: station/port-1 }
      - { at: 100 s, clear: load, place: station/port-1 }
`
  const held = '      - { at: 170 s, hold: load, place: station/port-1, by: cool-down }\n'
  assert.deepEqual(await failuresOf(t, `  - name: held\n${story}    expect:\n${both}${held}`), [])
  const [unsaid] = await failuresOf(t, `  - name: held\n${story}    expect:\n${both}`)
  assert.match(unsaid ?? '', /nobody expected hold load in station\/port-1 at 2 min 50 s by cool-down/)
  const raise = '      - { at: 170 s, raise: load, place: station/port-1 }\n'
  assert.match(
    (await failuresOf(t, `  - name: held\n${story}    expect:\n${both}${raise}`))[0] ?? '',
    /wanted raise load .* at 170 s; it was held back by cool-down at 2 min 50 s$/,
  )
})

test('a track of one name is one thing until it is out of the picture, and rules of a pack silence each other', async (t) => {
  const series = `    devices: { cam: { profile: rtsp-camera, zones: [lane, bay] }, a: heiman-hs1sa }
    series:
      - { at: 0 s, every: 10 s, until: 40 s, cam: { lane/vehicleInZone: true }, tracks: { cam: { lane: [bicycle] } } }
`
  const stays = (name: string): string =>
    `      - { at: 50 s, every: 10 s, until: 2 min, cam: { lane/vehicleInZone: true }, tracks: { cam: { lane: [${name}] } } }\n`
  const at = (time: string): string => `    expect: [{ at: ${time}, raise: parked, place: lane }]\n`
  assert.deepEqual(await failuresOf(t, `  - name: stays\n${series}${stays('bicycle')}${at('60 s')}`), [])
  // Another bicycle in its place has not stood so long.
  assert.deepEqual(await failuresOf(t, `  - name: leaves\n${series}${stays('bicycle#2')}${at('110 s')}`), [])
  const smoky = `      - { at: 30 s, a: { smoke: true } }\n${stays('bicycle')}`
  assert.deepEqual(
    await failuresOf(
      t,
      `  - name: silenced\n${series}${smoky}    expect:\n      - { at: 30 s, raise: smoke, place: a }\n      - { at: 60 s, hold: parked, place: lane, by: inhibition }\n`,
    ),
    [],
  )
})

test('a reading that its profile or quantity does not believe is bad, as on the live path', async (t) => {
  assert.deepEqual(
    await failuresOf(
      t,
      `  - name: unbelievable
    devices: { station: estation-5d }
    series:
      - { at: 0 s, every: 10 s, until: 5 min, station: { port-1/portPower: 9000 } }
      - { at: 0 s, every: 10 s, until: 5 min, station: { port-2/portPower: { value: 1500, quality: bad } } }
    expect: []
  - name: at its limit
    site: { settings: { load: { above: 2000 W } } }
    devices: { station: estation-5d }
    series: [{ at: 0 s, every: 10 s, until: 1 min, station: { port-1/portPower: { value: 800, quality: at-limit } } }]
    expect: [{ at: 60 s, raise: load, place: station/port-1 }]
`,
    ),
    [],
  )
})

test('what a test says of devices, quantities, rules and places that are not there is a mistake with its line', async (t) => {
  const mistakes = await mistakesOf(
    t,
    `  - name: one
    rule: smoek
    devices: { a: heiman-hs1sb }
    series: []
    expect: []
  - name: two
    devices:
      a: heiman-hs1sa
      cam: { profile: rtsp-camera, zones: [lane] }
    series:
      - { at: 1 s, b: { smoke: true } }
      - { at: 1 s, a: { smok: true } }
      - { at: 1 s, a: { portPower: 3 } }
      - { at: 1 s, cam: { lane/personInZone: true }, tracks: { cam: { lain: [person] } } }
      - { at: 1 s, a: heard, every: 1 s }
      - { at: 1 s, a: heard, tracks: { cam: { lane: [person] } } }
    expect:
      - { at: 9 s, raise: smoke, place: b }
      - { at: 1 s, raise: smoke, clear: smoke, place: a }
      - { at: 9 s, raise: load, place: a }
      - { at: 9 s, raise: lod, place: a }
  - name: three
    site: { settings: { load: { above: 3 °C } }, timeZone: Moon/Base }
    devices: { every: heiman-hs1sa, site: heiman-hs1sa, meter: { profile: estation-5d, zones: [lane] } }
    series: []
    expect: []
`,
  )
  assert.deepEqual(
    mistakes.map((line) => line.replace(/; (did|known|got|wanted).*/, '')),
    [
      'try.yaml:8 /tests/0/rule: unknown rule of this pack "smoek"',
      'try.yaml:9 /tests/0/devices/a: unknown profile "heiman-hs1sb"',
      'try.yaml:17 /tests/1/series/0/b: unknown device "b"',
      'try.yaml:18 /tests/1/series/1/a/smok: unknown quantity "smok"',
      'try.yaml:19 /tests/1/series/2/a/portPower: unknown reading of the profile "heiman-hs1sa" "portPower"',
      'try.yaml:20 /tests/1/series/3/tracks/cam/lain: unknown zone "lain"',
      'try.yaml:21 /tests/1/series/4: "every" and "until" belong together',
      'try.yaml:22 /tests/1/series/5/tracks/cam: "cam" says nothing here: its tracks would go unseen',
      'try.yaml:24 /tests/1/expect/0/place: unknown place of "smoke" "b"',
      'try.yaml:25 /tests/1/expect/1: earlier than the one before',
      'try.yaml:25 /tests/1/expect/1: wanted exactly one of raise, clear, hold, escalate',
      'try.yaml:26 /tests/1/expect/2/raise: no device of this test says anything that "load" looks at',
      'try.yaml:27 /tests/1/expect/3/raise: unknown rule of this test "lod"',
      'try.yaml:29 /tests/2/site/settings/load/above: portPower is measured in W',
      'try.yaml:30 /tests/2/devices/every: a device in a test cannot be called "every": a step has a key of this name',
      'try.yaml:30 /tests/2/devices/site: "site" stands for the whole site',
      'try.yaml:30 /tests/2/devices/meter/zones: only a camera has zones',
      'try.yaml:29 /tests/2/site/timeZone: unknown time zone',
    ],
  )
})

const told = fc.array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.boolean()), {
  minLength: 1,
  maxLength: 12,
})

test('of any story of smoke what came passes, and one second beside it fails', async (t) => {
  await fc.assert(
    fc.asyncProperty(told, fc.nat(), async (story, pick) => {
      let now = 0
      let isSmoke = false
      const series = story.map(([wait, smoke]) => ({ at: `${(now += wait)} s`, a: { smoke } }))
      const expect = series.flatMap(({ at, a: { smoke } }) => {
        if (smoke === isSmoke) return []
        isSmoke = smoke
        return [{ at, [smoke ? 'raise' : 'clear']: 'smoke', place: 'a' }]
      })
      const one = {
        name: 'smoke',
        rule: 'smoke',
        devices: { a: 'heiman-hs1sa' },
        series,
        until: `${now + 5000} s`,
      }
      const write = (expected: readonly object[]): string => stringify([{ ...one, expect: expected }])
      assert.deepEqual(await failuresOf(t, write(expect)), [])
      if (expect.length === 0) return
      const last = expect.at(-1)
      const late = [...expect.slice(0, -1), { ...last, at: `${now + 1 + (pick % 100)} s` }]
      assert.equal((await failuresOf(t, write(late))).length, 1)
      const missing = expect.filter((_, index) => index !== pick % expect.length)
      assert.equal((await failuresOf(t, write(missing))).length, 1)
    }),
    { numRuns: 25 },
  )
})
