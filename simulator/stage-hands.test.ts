import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { BoxFolder } from './box-folder.ts'
import type { SimulatedDevice } from './devices/device.ts'
import type { Step } from './play.ts'
import { StageHands } from './stage-hands.ts'

const endpoint = { host: '127.0.0.1', port: 1 }
const box: BoxFolder = {
  folder: '/box',
  id: 'try',
  api: endpoint,
  mqtt: endpoint,
  tcp: undefined,
  bridges: [{ id: 'z2m', base: 'zigbee2mqtt' }],
  devices: [
    { id: 'smoke-1', siteId: 's', profile: 'p', via: { kind: 'mqtt', bridge: 'z2m', address: 'hall' } },
    { id: 'beam-1', siteId: 's', profile: 'p', via: { kind: 'mqtt', bridge: undefined, address: 'beam-1' } },
    { id: 'unit-5', siteId: 's', profile: 'p', via: { kind: 'modbus', endpoint, unit: 5 } },
  ],
  platform: undefined,
}

describe('the stage hands', () => {
  let done: string[] = []
  let hands: StageHands
  const device = (id: string): SimulatedDevice => ({
    id,
    isReady: true,
    set: (values) => void done.push(`${id} set ${JSON.stringify(values)}`),
    setFault: async (name) => void done.push(`${id} fault ${name ?? 'none'}`),
    reannounce: () => void done.push(`${id} anew`),
    shown: () => '',
    stop: () => Promise.resolve(),
  })
  const fault = (on: string, name: Extract<Step, { kind: 'fault' }>['name']): Step => ({
    at: 0,
    kind: 'fault',
    on,
    name,
    for: undefined,
  })
  const ends = (on: string, name: Extract<Step, { kind: 'fault' }>['name']): Step => ({
    at: 0,
    kind: 'fault-ends',
    on,
    name,
  })

  beforeEach(() => {
    done = []
    hands = new StageHands({
      box,
      devices: new Map(['z2m', 'smoke-1', 'beam-1', 'unit-5'].map((id) => [id, device(id)])),
      wires: { setFault: async (wire, name) => void done.push(`wire ${wire} ${name ?? 'none'}`) },
      setPlatformFault: async (name) => void done.push(`platform ${name ?? 'none'}`),
    })
  })

  test('each fault goes to whoever makes it: wire, device or platform', async () => {
    await hands.act(fault('smoke-1', 'stall'))
    await hands.act(fault('unit-5', 'modbus-dead'))
    await hands.act(fault('platform', 'unavailable'))
    assert.deepEqual(done, ['wire z2m stall', 'unit-5 fault modbus-dead', 'platform unavailable'])
    assert.equal(hands.faultOn('unit-5'), 'modbus-dead')
  })

  test('a later fault takes the place of an earlier one, whose end then changes nothing', async () => {
    await hands.act(fault('beam-1', 'empty'))
    await hands.act(fault('beam-1', 'cut'))
    await hands.act(ends('beam-1', 'empty'))
    assert.deepEqual(done, ['beam-1 fault empty', 'beam-1 fault none', 'wire beam-1 cut'])
    await hands.act(ends('beam-1', 'cut'))
    assert.equal(done.at(-1), 'wire beam-1 none')
    assert.equal(hands.faultOn('beam-1'), undefined)
  })

  test('everything announces itself anew once: devices behind a bridge by their bridge', async () => {
    await hands.act(fault('everything', 'reannounce'))
    assert.deepEqual(done, ['z2m anew', 'beam-1 anew', 'unit-5 anew'])
  })

  test('a scene is what a camera is set to', async () => {
    await hands.act({ at: 0, kind: 'scene', device: 'beam-1', scene: 'fire-lane-empty' })
    assert.deepEqual(done, ['beam-1 set {"scene":"fire-lane-empty"}'])
  })
})
