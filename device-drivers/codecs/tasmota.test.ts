import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../../base/clock.ts'
import { compileProfile, toReadings } from '../../gateway/profile.ts'
import tasmota from './tasmota.ts'

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** A plug's own words, as tests of a public client hold them. */
const energy = {
  Time: '2023-05-19T20:52:56',
  ENERGY: {
    TotalStartTime: '2022-03-20T15:20:48',
    Total: 514.153,
    Yesterday: 1.495,
    Today: 0.537,
    Period: 0,
    Power: 56,
    ApparentPower: 92,
    ReactivePower: 73,
    Factor: 0.61,
    Voltage: 234,
    Current: 0.392,
  },
}

test('SENSOR, STATE and RESULT are messages of the device, without a time of their own: theirs has no zone', () => {
  for (const [word, fields] of [
    ['SENSOR', energy],
    ['STATE', { Time: '2023-05-19T20:52:56', Uptime: '48T19:42:51', POWER1: 'OFF', Wifi: { RSSI: 42 } }],
    ['RESULT', { POWER: 'ON' }],
  ] as const)
    assert.deepEqual(tasmota.decode(['tele', 'plug-1', word], bytes(fields)), {
      is: 'message',
      address: 'plug-1',
      fields,
    })
})

test('the prefix may stand before the topic or behind it, and the topic may have levels', () => {
  for (const [levels, address] of [
    [['tele', 'plug-1', 'SENSOR'], 'plug-1'],
    [['plug-1', 'tele', 'SENSOR'], 'plug-1'],
    [['tele', 'hall', 'plug-1', 'SENSOR'], 'hall/plug-1'],
    [['hall', 'plug-1', 'stat', 'RESULT'], 'hall/plug-1'],
    [['', 'tele', 'SENSOR'], ''],
    [['tele', '', 'SENSOR'], ''],
  ] as const) {
    const decoded = tasmota.decode(levels, bytes(energy))
    assert.equal(decoded.is === 'message' && decoded.address, address, levels.join('/'))
  }
})

test('a relay that switches says so in plain text', () => {
  for (const [word, said] of [
    ['POWER', 'ON'],
    ['POWER2', 'OFF'],
  ] as const)
    assert.deepEqual(tasmota.decode(['stat', 'plug-1', word], Buffer.from(said)), {
      is: 'message',
      address: 'plug-1',
      fields: { [word]: said },
    })
})

test('the last will is availability', () => {
  for (const [said, online] of [
    ['Online', true],
    ['Offline', false],
  ] as const)
    assert.deepEqual(tasmota.decode(['tele', 'plug-1', 'LWT'], Buffer.from(said)), {
      is: 'availability',
      address: 'plug-1',
      online,
    })
})

test('the answer to a question about sensors is taken out of its wrapper', () => {
  assert.deepEqual(tasmota.decode(['stat', 'plug-1', 'STATUS10'], bytes({ StatusSNS: energy })), {
    is: 'message',
    address: 'plug-1',
    fields: energy,
  })
  assert.deepEqual(tasmota.decode(['stat', 'plug-1', 'STATUS8'], bytes({})), { is: 'ignored' })
})

test('commands, greetings and other topics are no readings', () => {
  for (const levels of [
    ['cmnd', 'plug-1', 'POWER'],
    ['tele', 'plug-1', 'INFO1'],
    ['tele', 'plug-1', 'UPTIME'],
    ['tasmota', 'discovery', 'config'],
    ['SENSOR'],
  ])
    assert.deepEqual(tasmota.decode(levels, Buffer.from('x')), { is: 'ignored' }, levels.join('/'))
})

test('the base topic is the FullTopic up to the topic', () => {
  assert.deepEqual(tasmota.roots?.('plugs'), [{ topic: 'plugs', lead: [] }])
  assert.deepEqual(tasmota.roots('shed-7/%prefix%'), [
    { topic: 'shed-7/tele', lead: ['tele'] },
    { topic: 'shed-7/stat', lead: ['stat'] },
  ])
})

test('two channels come as arrays: each is a port; a profile for one channel has a bad reading, never a wrong one', () => {
  const two = { ENERGY: { Total: [2.813, 0.254], Power: [52, 5], Current: [0.278, 0.044], Voltage: 230 } }
  const decoded = tasmota.decode(['tele', 'strip', 'SENSOR'], bytes(two))
  assert.ok(decoded.is === 'message')
  const readingsBy = (points: Parameters<typeof compileProfile>[1]['points']) => {
    const { profile } = compileProfile('strip', {
      ...{ vendor: 'v', model: 'm', name: { zh: '插座', en: 'strip' }, codec: 'tasmota' },
      ...{ reportsEvery: '5 min', points, examples: [] },
    })
    const readings = toReadings(profile, decoded.fields, instant(0))
    return readings.map(({ part, quantity, value, quality }) => [part, quantity, value, quality])
  }
  const each = { part: 'port-{n}', count: 2, first: 0 }
  assert.deepEqual(
    readingsBy({ power: { from: 'ENERGY.Power.{n}', each }, voltage: { from: 'ENERGY.Voltage' } }),
    [
      ['port-0', 'power', 52, 'good'],
      ['port-1', 'power', 5, 'good'],
      ['', 'voltage', 230, 'good'],
    ],
  )
  assert.deepEqual(readingsBy({ power: { from: 'ENERGY.Power' } }), [['', 'power', '[52,5]', 'bad']])
})
