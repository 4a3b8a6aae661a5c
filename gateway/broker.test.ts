import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { ConfigError } from '../base/yaml.ts'
import { boxYaml, siteYaml, tempFolder, testRooms, writeFiles } from '../tests/fixtures.ts'
import { urlComplaint } from './broker.ts'
import { loadBox } from './config.ts'

const head = siteYaml.slice(0, siteYaml.indexOf('devices:'))

/** What is wrong with a box of these brokers, bridges and devices: `file:line path: text`. */
async function mistakesOf(
  t: TestContext,
  { box, devices = [] }: { readonly box: string; readonly devices?: readonly string[] },
): Promise<readonly string[]> {
  const folder = tempFolder(t)
  const bare = boxYaml.replace(/^bridges:.*\n/m, '')
  writeFiles(join(folder, 'box'), {
    'box.yaml': `${bare}${box}`,
    'shed.yaml': `${head}devices:\n${devices.map((device) => `  - ${device}\n`).join('') || '  []\n'}`,
  })
  const rooms = testRooms(join(folder, 'rooms'))
  const any = { address: Type.Object({}, { additionalProperties: true }) }
  const transports = new Map([...rooms.transports, ['mqtt', any], ['mqtt-client', any]])
  try {
    await loadBox(join(folder, 'box'), { ...rooms, codecs: new Set(['json', 'tasmota']), transports })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.mistakes.map(({ file, line, path, text }) => `${file}:${line} ${path}: ${text}`)
  }
}

test('a URL is mqtt:// or mqtts:// with a host and nothing else', () => {
  for (const url of ['mqtt://10.0.0.2', 'mqtts://broker.example:8883', 'mqtt://[::1]:1883', 'mqtt://h:1883/'])
    assert.equal(urlComplaint(url), undefined, url)
  for (const url of [
    'ws://h',
    'h:1883',
    'mqtt://',
    'mqtt:h',
    'mqtt://h/path',
    'mqtt://h?x=1',
    'mqtt://h:x',
    '',
  ])
    assert.ok(urlComplaint(url), url)
})

test('a URL that carries a password is refused and not repeated', async (t) => {
  for (const url of ['mqtt://box:hunter2@broker:1883', 'mqtts://hunter2@broker', 'mqtt://a:hunter2@@b@c']) {
    const mistakes = await mistakesOf(t, { box: `brokers:\n  - id: city\n    url: ${url}\n` })
    assert.equal(mistakes.length, 1)
    assert.match(mistakes[0] ?? '', /^box\.yaml:\d+ \/brokers\/0\/url: .*without user name and password/)
    assert.ok(!mistakes.join().includes('hunter2'))
  }
})

test('certificates belong to TLS, in pairs; a password to a user; an id to one broker', async (t) => {
  const mistakes = await mistakesOf(t, {
    box: `brokers:
  - { id: city, url: 'mqtt://h', ca: 'file:ca.pem' }
  - { id: city, url: 'mqtts://h', cert: 'file:c.pem', password: 'env:P' }
`,
  })
  assert.deepEqual(
    mistakes.map((text) => text.replace(/^box\.yaml:\d+ /, '')),
    [
      '/brokers/0/ca: is of use with mqtts:// only; the url says mqtt://',
      '/brokers/1/id: another broker has the id "city" already',
      '/brokers/1: wanted cert and key, both or neither',
      '/brokers/1/password: wanted a user beside the password',
    ],
  )
})

test('a misspelt codec of a bridge is said with its file, its line and what was meant', async (t) => {
  const mistakes = await mistakesOf(t, {
    box: `bridges:\n  - id: plugs\n    codec: tasmotta\n    base: plugs\n`,
  })
  const line = boxYaml.replace(/^bridges:.*\n/m, '').split('\n').length + 2
  assert.deepEqual(mistakes, [
    `box.yaml:${line} /bridges/0/codec: unknown codec "tasmotta"; did you mean "tasmota"?`,
  ])
})

test('what speaks on a broker names one that is there, and the right transport', async (t) => {
  const mistakes = await mistakesOf(t, {
    box: `brokers:
  - { id: city, url: 'mqtt://h' }
bridges:
  - { id: ours, codec: json, base: a }
  - { id: theirs, codec: json, base: b, broker: city }
  - { id: lost, codec: json, base: c, broker: cty }
`,
    devices: [
      '{ id: a, profile: detector, via: { mqtt-client: { account: ours } } }',
      '{ id: b, profile: detector, via: { mqtt: { account: theirs } } }',
      '{ id: c, profile: detector, via: { mqtt-client: {} } }',
      '{ id: d, profile: detector, via: { mqtt-client: { broker: town } } }',
      '{ id: e, profile: detector, via: { mqtt-client: { broker: city, account: theirs } } }',
      '{ id: right, profile: detector, via: { mqtt-client: { account: theirs, address: x } } }',
      '{ id: too, profile: detector, via: { mqtt-client: { broker: city, topic: t } } }',
    ],
  })
  assert.deepEqual(
    mistakes.map((text) => text.replace(/^(\w+)\.yaml:\d+ /, '$1 ')),
    [
      'box /bridges/2/broker: unknown broker "cty"; did you mean "city"?',
      'shed /devices/0/via/mqtt-client: the bridge "ours" speaks on the embedded broker: wanted via: { mqtt: … }',
      'shed /devices/1/via/mqtt: the bridge "theirs" speaks on the broker "city": wanted via: { mqtt-client: … }',
      'shed /devices/2/via/mqtt-client: wanted either broker (with topic) for a device by itself, or account (with address) for one behind a bridge',
      'shed /devices/3/via/mqtt-client/broker: unknown broker "town"; known are city',
      'shed /devices/4/via/mqtt-client: wanted either broker (with topic) for a device by itself, or account (with address) for one behind a bridge',
    ],
  )
})

test('two devices at one address of a bridge, or on one topic, are a mistake', async (t) => {
  const mistakes = await mistakesOf(t, {
    box: `brokers:\n  - { id: city, url: 'mqtt://h' }\nbridges:\n  - { id: ours, codec: json, base: a }\n`,
    devices: [
      '{ id: a, profile: detector, via: { mqtt: { account: ours, address: x } } }',
      '{ id: b, profile: detector, via: { mqtt: { account: ours, address: x } } }',
      '{ id: c, profile: detector, via: { mqtt-client: { broker: city, topic: ganglion/shed/d } } }',
      '{ id: d, profile: detector, via: { mqtt-client: { broker: city } } }',
    ],
  })
  assert.equal(mistakes.length, 2)
  assert.match(mistakes[0] ?? '', /devices\/1.*the device "a" in shed\.yaml is reached there already/)
  assert.match(mistakes[1] ?? '', /devices\/3.*the device "c" in shed\.yaml is reached there already/)
})
