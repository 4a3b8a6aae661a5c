import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { FakeClock, instant, isoTime } from '../base/clock.ts'
import { ConfigError } from '../base/yaml.ts'
import { boxYaml, openPath, siteYaml, tempFolder, testRooms, writeFiles } from '../tests/fixtures.ts'
import { loadBox, type Box } from './config.ts'
import type { Track } from './detection.ts'
import type { Observation } from './ports.ts'
import { toReading } from './reading.ts'
import { bindRules } from './slots.ts'

const texts = "source: default, title: { zh: 题, en: Title }, why: { zh: 因, en: 'at {parts}' }"
const plain = 'source: default, title: { zh: 题, en: Title }, why: { zh: 因, en: Why }'
const packOf = (rules: string): string => `name: { zh: 试, en: Test }\nrules:\n${rules}`

const joint = packOf(
  `  arson: { version: 1, per: site, kind: together, class: smoke, ${texts}, settings: { within: 30 s, all: { smoke: { when: smoke }, current: { when: 'residualCurrent >= 300 mA' }, vehicle: { when: vehicleInZone, parts: [lane] } } } }\n`,
)

async function boxOf(t: TestContext, pack: string, site = siteYaml): Promise<Box> {
  const folder = tempFolder(t)
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': site })
  return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms'), { 'packs/test.yaml': pack }))
}

function placesOf(box: Box): readonly string[] {
  return bindRules(box).slots.map(({ place }) => place)
}

test('a rule has a memory for each place, each device or each site, as its pack says', async (t) => {
  const alarm = (per: string): string =>
    packOf(
      `  alarm: { version: 1, ${per}kind: alarm, class: smoke, ${plain}, settings: { quantity: smoke } }\n`,
    )
  assert.deepEqual(placesOf(await boxOf(t, alarm(''))), ['shed/d1', 'shed/hall', 'shed/practice'])
  assert.deepEqual(placesOf(await boxOf(t, alarm('per: place, '))), ['shed/d1', 'shed/hall', 'shed/practice'])
  assert.deepEqual(placesOf(await boxOf(t, alarm('per: device, '))), [
    'shed/d1',
    'shed/d2',
    'shed/d3',
    'shed/practice',
  ])
  assert.deepEqual(placesOf(await boxOf(t, alarm('per: site, '))), ['shed/site'])
})

test('a zone of a camera that is judged by itself lies below the camera', async (t) => {
  const zones = packOf(
    `  parking: { version: 1, per: device, kind: dwell, class: parking, ${plain}, settings: { quantity: vehicleInZone, for: 8 s } }\n`,
  )
  assert.deepEqual(placesOf(await boxOf(t, zones)), ['shed/camera/lane'])
})

test('a rule that is told of every message is each device’s own', async (t) => {
  const lost = (per: string): string =>
    packOf(`  lost: { version: 1, ${per}kind: absence, class: lost, ${plain}, settings: {} }\n`)
  assert.equal(placesOf(await boxOf(t, lost('per: device, '))).length, 8)
  await assert.rejects(boxOf(t, lost('per: site, ')), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(
      error.mistakes.map(({ path }) => path),
      ['/rules/lost/per'],
    )
    return true
  })
})

test('"site" is no name of a device, a part or a zone', async (t) => {
  const site = siteYaml
    .replace('id: d1,', 'id: site,')
    .replaceAll('part: hall', 'part: site')
    .replace('id: lane,', 'id: site,')
  await assert.rejects(boxOf(t, joint, site), (error) => {
    assert.ok(error instanceof ConfigError)
    const paths = error.mistakes.map(({ path }) => path)
    assert.deepEqual(paths, ['/devices/0/id', '/devices/1/part', '/devices/2/part', '/devices/7/zones/0/id'])
    return true
  })
})

test('a site sets what differs only, within a part of the settings too', async (t) => {
  const [rule] = (await boxOf(t, joint)).rules
  const own = rule?.settingsFor({ settings: { arson: { within: '10 s' } } })
  assert.equal(own?.['within'], '10 s')
  const theft = packOf(
    `  theft: { version: 1, per: site, kind: sequence, class: door, ${plain}, settings: { within: 30 s, raise: second-alone, first: { when: doorOpen }, second: { when: vehicleInZone, parts: [exit] } } }\n`,
  )
  const [sequence] = (await boxOf(t, theft)).rules
  assert.deepEqual(sequence?.settingsFor({ settings: { theft: { second: { parts: ['gate'] } } } }), {
    within: '30 s',
    raise: 'second-alone',
    first: { when: 'doorOpen' },
    second: { when: 'vehicleInZone', parts: ['gate'] },
  })
})

test('what a part of a rule asks for is the same at every site', async (t) => {
  const own = `${siteYaml}settings: { arson: { all: { smoke: { when: heat } } } }\n`
  await assert.rejects(boxOf(t, joint, own), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(
      error.mistakes.map(({ path }) => path),
      ['/settings/arson/all/smoke/when'],
    )
    return true
  })
})

function parked(at: number): Observation {
  const box = { x: 0.2, y: 0.2, width: 0.3, height: 0.3 }
  const track: Track = {
    label: 'bicycle',
    score: 0.8,
    box,
    trackId: 1,
    firstSeen: instant(at),
    lastSeen: instant(at),
  }
  const stays = [{ zone: 'lane', tracks: [track] }]
  const readings = [toReading('vehicleInZone', 'lane', true, instant(at))]
  return { deviceId: 'camera', at: instant(at), readings, stays, model: 'test', thresholds: { bicycle: 0.5 } }
}

test('what sensors and a camera say in different parts of a site becomes one case that shows them all', async (t) => {
  const clock = new FakeClock()
  const path = await openPath(t, { box: await boxOf(t, joint), folder: tempFolder(t), clock })
  await clock.turn(0)
  await path.pipeline.accept({ deviceId: 'd2', fields: { smoke: true } })
  await clock.turn(5000)
  await path.pipeline.accept({ deviceId: 'meter', fields: { mA: 450 } })
  assert.deepEqual(path.stored(), [])
  await clock.turn(5000)
  await path.pipeline.observe(parked(clock.now()))
  const [found] = path.stored()
  assert.ok(found)
  assert.deepEqual(
    [found.place, found.source, found.since, found.drill],
    ['shed/site', 'both', isoTime(clock.now()), false],
  )
  assert.deepEqual(
    found.why.readings.map(({ deviceId, part, quantity, value, threshold, margin }) => [
      deviceId,
      part,
      quantity,
      value,
      threshold,
      margin,
    ]),
    [
      ['d2', '', 'smoke', true, undefined, undefined],
      ['meter', '', 'residualCurrent', 450, 300, 150],
      ['camera', 'lane', 'vehicleInZone', true, undefined, undefined],
    ],
  )
  assert.deepEqual(
    found.why.detections.map(({ zone, label, deviceId }) => [zone, label, deviceId]),
    [['lane', 'bicycle', 'camera']],
  )
  assert.equal(found.why.text.en, 'at hall, meter, lane')
})

test('what only a practising device joins in is a drill', async (t) => {
  const clock = new FakeClock()
  const path = await openPath(t, { box: await boxOf(t, joint), folder: tempFolder(t), clock })
  await clock.turn(0)
  await path.pipeline.accept({ deviceId: 'practice', fields: { smoke: true } })
  await path.pipeline.accept({ deviceId: 'meter', fields: { mA: 450 } })
  await path.pipeline.observe(parked(clock.now()))
  assert.deepEqual(
    path.stored().map(({ drill, clearedAt }) => [drill, clearedAt]),
    [[true, null]],
  )
  await path.pipeline.accept({ deviceId: 'd1', fields: { smoke: true } })
  assert.deepEqual(
    path
      .stored()
      .map(({ drill, clearedAt }) => [drill, clearedAt === null])
      .sort(),
    [
      [false, true],
      [true, false],
    ],
  )
})
