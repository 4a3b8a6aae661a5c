import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { Routes, withoutCovered } from './routes.ts'
import { ownFilters, speakersOf } from './speaker.ts'
import { ignored } from '../codecs/codec.ts'
import tasmota from '../codecs/tasmota.ts'
import type { Bridge } from '../../gateway/ports.ts'

const bridge = (id: string, codec: string, base: string): Bridge => ({ id, codec, base })

async function routesOf(...bridges: Bridge[]): Promise<Routes> {
  const speakers = await speakersOf({ clock: new FakeClock(), devices: [], bridges, limits: {} }, () => {
    throw new Error('no devices here')
  })
  return new Routes(speakers.values())
}

test('a topic belongs to the longest base above it', async () => {
  const routes = await routesOf(
    bridge('all', 'json', 'a'),
    bridge('deep', 'json', 'a/b'),
    bridge('plugs', 'tasmota', 'shed/%prefix%'),
  )
  for (const [topic, account] of [
    ['a/x/up', 'all'],
    ['a/b/x/up', 'deep'],
    ['a/bc/up', 'all'],
    ['shed/tele/plug/SENSOR', 'plugs'],
    ['shed/stat/plug/POWER', 'plugs'],
    ['shed/cmnd/plug/POWER', undefined],
    ['ab/x', undefined],
    ['a', undefined],
  ] as const)
    assert.equal(routes.speakerOf(topic)?.account, account, topic)
})

test('a bridge is shown what stands below its base, with the prefix first where its base holds it', async () => {
  const routes = await routesOf(bridge('plugs', 'tasmota', 'shed/%prefix%'))
  const decoded = routes.speakerOf('shed/stat/plug/POWER')?.decode('shed/stat/plug/POWER', Buffer.from('ON'))
  assert.deepEqual(decoded, { is: 'message', address: 'plug', fields: { POWER: 'ON' } })
})

test('a device by itself speaks where its codec says', () => {
  const own = (base: string) => ownFilters(tasmota, { base, isNamedByUser: true })
  assert.deepEqual(own('shed/plug-1'), ['shed/plug-1/tele/#', 'shed/plug-1/stat/#'])
  assert.deepEqual(own('%prefix%/plug-1'), ['tele/plug-1/#', 'stat/plug-1/#'])
  const json = { decode: () => ignored }
  assert.deepEqual(ownFilters(json, { base: 't', isNamedByUser: true }), ['t', 't/up'])
  assert.deepEqual(ownFilters(json, { base: 't', isNamedByUser: false }), ['t/up'])
})

test('what another filter covers is not asked for again', () => {
  assert.deepEqual(withoutCovered(['a/#', 'a/b/#', 'a/b/up', 'ab/up', 'a/#', 'g/s/+/up']), [
    'a/#',
    'ab/up',
    'g/s/+/up',
  ])
})
