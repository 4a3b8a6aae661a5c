import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { isGanglionError } from '../base/errors.ts'
import { ConfigError } from '../base/yaml.ts'
import { EVERYTHING, readScenario, type Scenario } from './scenario.ts'
import { firstScene } from './scenes.ts'
import { disturbedWires } from './wire-names.ts'

const boxYaml = `
id: try
listen: { api: 127.0.0.1:1, mqtt: 127.0.0.1:2, tcp: 127.0.0.1:3 }
bridges: [{ id: z2m, codec: zigbee2mqtt, base: zigbee2mqtt }]
connectors: [{ id: platform, kind: http, url: http://127.0.0.1:4/v1 }]
`
const siteYaml = `
devices:
  - { id: smoke-1, profile: heiman-hs1sa, via: { mqtt: { account: z2m, address: hall } } }
  - { id: beam-1, profile: ir-beam, via: { mqtt: {} } }
  - { id: unit-5, profile: arc-protector-5b, via: { modbus-tcp: { host: 127.0.0.1, port: 5, unit: 5 } } }
  - { id: unit-6, profile: arc-protector-5b, via: { modbus-tcp: { host: 127.0.0.1, port: 5, unit: 6 } } }
  - { id: station, profile: dny-station, via: { tcp: { physId: '04AB373B' } } }
  - { id: eye, profile: rtsp-camera, via: { rtsp: { url: 'rtsp://127.0.0.1:6/lane', user: u, password: 'file:secrets/eye' } } }
`
const head = 'title: { zh: 试, en: try }\nbox: box\nseed: 1\nlength: 20 s\n'

/** Reads a scenario beside a small box of every kind of device. */
function read(t: TestContext, text: string): Scenario {
  const folder = mkdtempSync(join(tmpdir(), 'scenario-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'box'))
  writeFileSync(join(folder, 'box', 'box.yaml'), boxYaml)
  writeFileSync(join(folder, 'box', 'hall.yaml'), siteYaml)
  writeFileSync(join(folder, 'try.yaml'), head + text)
  return readScenario(join(folder, 'try.yaml'))
}

function mistakesOf(t: TestContext, text: string): readonly string[] {
  try {
    read(t, text)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.mistakes.map((mistake) => `${mistake.line} ${mistake.path} ${mistake.text}`)
  }
  return assert.fail('wanted mistakes; the scenario was read')
}

describe('a scenario', () => {
  test('is read with its box and put in the order of time', (t) => {
    const scenario = read(
      t,
      `timeline:
  - { at: 9 s, fault: { name: unavailable, on: platform, for: 2 s } }
  - { at: 1 s, device: smoke-1, set: { smoke: true } }
  - { at: 4 s, device: eye, camera: fire-lane-bicycle }
want: [{ class: smoke, within: 5 s }]
`,
    )
    assert.deepEqual(
      scenario.timeline.map(({ at, kind }) => [at, kind]),
      [
        [1000, 'set'],
        [4000, 'scene'],
        [9000, 'fault'],
      ],
    )
    assert.equal(scenario.reportsEvery, 2000)
    assert.equal(scenario.box.platform?.port, '4')
    assert.deepEqual(
      scenario.box.devices.map(({ via }) => via.kind),
      ['mqtt', 'mqtt', 'modbus', 'modbus', 'tcp', 'camera'],
    )
  })

  test('tells an unknown device, scene, fault and key by line, with what was meant', (t) => {
    assert.deepEqual(
      mistakesOf(
        t,
        `timeline:
  - { at: 1 s, device: smoke1, set: { smoke: true } }
  - { at: 1 s, device: eye, camera: fire-lane-bicicle }
`,
      ).map((text) => text.replace(/ in \/.*;/, ';')),
      [
        '6 /timeline/0/device no device "smoke1"; did you mean "smoke-1"?',
        '7 /timeline/1/camera no scene "fire-lane-bicicle"; did you mean "fire-lane-bicycle"?',
      ],
    )
    const [unknown] = mistakesOf(t, 'timeline: [{ at: 1 s, device: beam-1, fault: { name: modbus-ded } }]\n')
    assert.match(unknown ?? '', /^5 \/timeline\/0\/fault\/name .*did you mean "modbus-dead"\?/)
    const [key] = mistakesOf(t, 'timeline: []\nwnat: []\n')
    assert.match(key ?? '', /^6 \/wnat unknown key "wnat"; did you mean "want"\?/)
  })

  test('tells a fault where it cannot be, a scene for a sensor, and a time after the end', (t) => {
    const mistakes = mistakesOf(
      t,
      `timeline:
  - { at: 1 s, fault: { name: modbus-dead, on: beam-1 } }
  - { at: 1 s, fault: { name: unavailable, on: eye } }
  - { at: 1 s, device: beam-1, camera: fire-lane-empty }
  - { at: 1 s, device: eye, set: { smoke: true } }
  - { at: 21 s, device: beam-1, set: { beamBlocked: true } }
  - { at: 1 s, device: beam-1 }
  - { at: 1 s, fault: { name: stall, on: everything } }
  - { at: 1 s, fault: { name: stall } }
`,
    )
    const wanted = [
      /^6 .*"modbus-dead" cannot be put on mqtt \(beam-1\)/,
      /^7 .*"unavailable" cannot be put on camera \(eye\)/,
      /^8 .*the device is no camera/,
      /^9 .*a camera takes "camera"/,
      /^10 .*after the end of the scenario \(20 s\)/,
      /^11 .*nothing happens/,
      /^12 .*only "reannounce" happens to everything/,
      /^13 .*"on" is missing/,
    ]
    assert.equal(mistakes.length, wanted.length)
    for (const [i, pattern] of wanted.entries()) assert.match(mistakes[i] ?? '', pattern)
  })

  test('a fault without a target means its device, announcing anew means everything', (t) => {
    const { timeline } = read(
      t,
      `timeline:
  - { at: 1 s, device: beam-1, fault: { name: empty, for: 3 s } }
  - { at: 2 s, fault: { name: reannounce } }
`,
    )
    assert.deepEqual(
      timeline.map((happening) => (happening.kind === 'fault' ? happening.on : '')),
      ['beam-1', EVERYTHING],
    )
  })

  test('only wires that are disturbed get a proxy: those of bridge and port are shared', (t) => {
    const { box, timeline } = read(
      t,
      `timeline:
  - { at: 1 s, fault: { name: stall, on: smoke-1 } }
  - { at: 1 s, fault: { name: cut, on: unit-6 } }
  - { at: 1 s, fault: { name: stall, on: eye } }
  - { at: 1 s, fault: { name: trickle, on: platform } }
  - { at: 1 s, fault: { name: device-silent, on: beam-1 } }
`,
    )
    assert.deepEqual([...disturbedWires(box, timeline)].sort(), ['127.0.0.1:5', 'platform', 'z2m'])
  })

  test('a camera begins with the empty scene of what it will see', (t) => {
    const shown = read(t, 'timeline: [{ at: 1 s, device: eye, camera: stairwell-bicycle }]\n')
    assert.equal(firstScene(shown, 'eye'), 'stairwell-empty')
    assert.equal(firstScene(read(t, 'timeline: []\n'), 'eye'), 'fire-lane-empty')
  })

  test('a file or a box that is not there is told as missing', () => {
    assert.throws(
      () => readScenario('/nowhere/at-all.yaml'),
      (error) => isGanglionError(error, 'config-missing'),
    )
  })
})

test('every shipped scenario can be read, happens, and wants only what its sites can have', () => {
  const folder = join(import.meta.dirname, 'scenarios')
  const files = readdirSync(folder)
  assert.deepEqual(files.sort(), [
    'dead-modbus-unit.yaml',
    'demo.yaml',
    'fire-lane.yaml',
    'platform-away.yaml',
    'quiet-day.yaml',
    'reannounce.yaml',
    'shed-four-piece.yaml',
    'stairwell-charging.yaml',
    'storefront-day.yaml',
  ])
  for (const file of files) {
    const scenario = readScenario(join(folder, file))
    assert.ok(scenario.want.length + scenario.forbid.length > 0, file)
    assert.ok(scenario.timeline.length > 0, file)
    const sites = new Set(scenario.box.devices.map(({ siteId }) => siteId))
    for (const { place = '' } of scenario.want)
      assert.ok(sites.has(place.split('/')[0] ?? ''), `${file}: ${place}`)
  }
})
