import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test, type TestContext } from 'node:test'
import type { FaultName } from '../faults.ts'
import { jsonDevice } from './json-device.ts'
import { contextFor, tryBroker, type Heard, type TryBroker } from './try-device.ts'
import { zigbeeBridge } from './zigbee-bridge.ts'

const smokePoints = [
  { quantity: 'smoke', path: ['smoke'], isInverted: false },
  { quantity: 'test', path: ['test'], isInverted: false },
  { quantity: 'batteryLow', path: ['battery_low'], isInverted: false },
  { quantity: 'battery', path: ['battery'], isInverted: false },
  { quantity: 'linkQuality', path: ['linkquality'], isInverted: false },
]
const doorPoints = [{ quantity: 'doorOpen', path: ['contact'], isInverted: true }]

function startBridge(t: TestContext, broker: TryBroker): ReturnType<typeof zigbeeBridge> {
  const made = zigbeeBridge(
    {
      id: 'z2m',
      base: 'zigbee2mqtt',
      password: 'right',
      foreignTopic: 'ganglion/shop/beam/up',
      devices: [
        { id: 'smoke-1', address: 'shed/smoke 1', points: smokePoints },
        { id: 'smoke-2', address: 'shed/smoke 2', points: smokePoints },
      ],
    },
    contextFor(broker.endpoint),
  )
  t.after(() => made.bridge.stop())
  return made
}

function startBeam(t: TestContext, broker: TryBroker, password = 'right'): ReturnType<typeof jsonDevice> {
  const device = jsonDevice(
    { id: 'door-1', siteId: 'shop', points: doorPoints, password, foreignTopic: 'zigbee2mqtt/smoke' },
    contextFor(broker.endpoint),
  )
  t.after(() => device.stop())
  return device
}

const jsonOf = ({ payload }: Heard): unknown => JSON.parse(payload.toString())
const on =
  (topic: string) =>
  (heard: Heard): boolean =>
    heard.topic === topic

test('the bridge says that it is online and every state, whole, when it connects', async (t) => {
  const broker = await tryBroker(t)
  const { bridge } = startBridge(t, broker)
  const online = await broker.until(on('zigbee2mqtt/bridge/state'))
  assert.deepEqual(jsonOf(online), { state: 'online' })
  assert.ok(online.retain)
  const state = await broker.until(on('zigbee2mqtt/shed/smoke 1'))
  await broker.until(on('zigbee2mqtt/shed/smoke 2'))
  const { linkquality, ...rest } = jsonOf(state) as Record<string, unknown>
  assert.deepEqual(rest, { smoke: false, test: false, battery_low: false, battery: 97 })
  assert.ok(typeof linkquality === 'number')
  assert.equal(state.account, 'z2m')
  assert.equal(state.qos, 1)
  assert.ok(bridge.isReady)
})

test('a value that is set goes out at once within the whole state of its device', async (t) => {
  const broker = await tryBroker(t)
  const [smoke] = startBridge(t, broker).devices
  await broker.until(on('zigbee2mqtt/shed/smoke 2'))
  smoke?.set({ smoke: true })
  const alarm = await broker.until(
    (heard) => heard.topic === 'zigbee2mqtt/shed/smoke 1' && heard.payload.includes('"smoke":true'),
  )
  assert.ok(alarm.payload.includes('"battery":97'))
})

test('a device with its own account says an id that never comes twice, a time, and what the profile inverts', async (t) => {
  const broker = await tryBroker(t)
  const device = startBeam(t, broker)
  await broker.until(on('ganglion/shop/door-1/up'))
  device.set({ doorOpen: true })
  await broker.until((heard) => heard.payload.includes('"contact":false'))
  const said = broker.heard.map((heard) => jsonOf(heard) as { contact: boolean; id: string; time: string })
  assert.deepEqual(
    said.map(({ contact }) => contact),
    [true, false],
  )
  assert.equal(new Set(said.map(({ id }) => id)).size, 2)
  assert.ok(said.every(({ time }) => !Number.isNaN(Date.parse(time))))
})

test('a device comes back by itself, and what was set meanwhile is not lost', async (t) => {
  const broker = await tryBroker(t)
  const device = startBeam(t, broker)
  await broker.until(on('ganglion/shop/door-1/up'))
  broker.drop('door-1')
  device.set({ doorOpen: true })
  await broker.until((heard) => heard.payload.includes('"contact":false'))
})

test('announcing anew connects again and repeats the state', async (t) => {
  const broker = await tryBroker(t)
  const { bridge, devices } = startBridge(t, broker)
  await broker.until(on('zigbee2mqtt/shed/smoke 2'))
  devices[1]?.set({ smoke: true })
  await broker.until((heard) => heard.payload.includes('"smoke":true'))
  const before = broker.heard.length
  bridge.reannounce()
  await broker.until(
    (heard) => broker.heard.indexOf(heard) >= before && heard.payload.includes('"smoke":true'),
  )
  assert.equal(broker.heard.slice(before).filter(on('zigbee2mqtt/bridge/state')).length, 1)
})

const badOnes: readonly (readonly [FaultName, (payload: Buffer) => boolean])[] = [
  ['malformed-json', (payload) => isUtf8(payload) && !isJson(payload)],
  ['wrong-types', (payload) => isJson(payload) && payload.includes('"perhaps"')],
  ['non-utf8', (payload) => !isUtf8(payload)],
  ['oversized', (payload) => payload.length > 65_536],
  ['empty', (payload) => payload.length === 0],
]

for (const [fault, isBad] of badOnes) {
  test(`${fault} comes beside the state and not instead of it`, async (t) => {
    const broker = await tryBroker(t)
    const device = startBeam(t, broker)
    await broker.until(on('ganglion/shop/door-1/up'))
    await device.setFault(fault)
    device.set({ doorOpen: true })
    const bad = await broker.until((heard) => isBad(heard.payload))
    assert.equal(bad.qos, 0)
    await broker.until((heard) => heard.payload.includes('"contact":false'))
  })
}

test('a foreign topic is spoken on, and the own one too', async (t) => {
  const broker = await tryBroker(t)
  const device = startBeam(t, broker)
  await broker.until(on('ganglion/shop/door-1/up'))
  await device.setFault('foreign-topic')
  device.set({ doorOpen: true })
  const foreign = await broker.until(on('zigbee2mqtt/smoke'))
  assert.equal(foreign.account, 'door-1')
  await broker.until((heard) => heard.payload.includes('"contact":false'))
})

test('a silent device says nothing until the fault ends', async (t) => {
  const broker = await tryBroker(t)
  const { bridge, devices } = startBridge(t, broker)
  await broker.until(on('zigbee2mqtt/shed/smoke 2'))
  await bridge.setFault('device-silent')
  devices[0]?.set({ smoke: true })
  await bridge.setFault(undefined)
  devices[1]?.set({ smoke: true })
  await broker.until((heard) => heard.payload.includes('"smoke":true'))
  assert.deepEqual(
    broker.heard.filter((heard) => heard.payload.includes('"smoke":true')).map(({ topic }) => topic),
    ['zigbee2mqtt/shed/smoke 2'],
  )
})

function isJson(payload: Buffer): boolean {
  try {
    JSON.parse(payload.toString())
    return true
  } catch {
    return false
  }
}
