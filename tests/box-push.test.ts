import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parse } from 'yaml'
import { makeBox, startBox, TestPlatform, writeYaml, type BoxProcess, type TestBox } from './box-rig.ts'
import { onenetSignature } from './push-request.ts'
import { send } from './push-sender.ts'

/** Pushed alarms through a whole gateway, to the platform. */

const SECRET = '0123456789abcdef0123456789abcdef'
const TOKEN = 'tok3n123'
const IMEI = '860374051096202'

async function pushBox(t: TestContext): Promise<TestBox> {
  const box = await makeBox(t, {
    shed: () => [
      { id: 'lian', profile: 'lian-nb-smoke', via: { 'http-push': { push: 'aep', device: IMEI } } },
      {
        id: 'hm',
        profile: 'heiman-hm-618ph-4g',
        via: { 'http-push': { push: 'studio', device: 'iot-0001' } },
      },
    ],
  })
  const file = parse(readFileSync(join(box.folder, 'box.yaml'), 'utf8')) as { listen: object } // written by makeBox
  writeYaml(box.folder, 'box', {
    ...file,
    listen: { ...file.listen, push: '127.0.0.1:0' },
    pushes: [
      { id: 'aep', form: 'ctwing', path: '/push/aep', secret: 'file:secrets/aep' },
      { id: 'studio', form: 'onenet-studio', path: '/push/studio', token: 'file:secrets/studio' },
    ],
  })
  mkdirSync(join(box.dataFolder, 'secrets'), { mode: 0o700 })
  writeFileSync(join(box.dataFolder, 'secrets/aep'), SECRET, { mode: 0o600 })
  writeFileSync(join(box.dataFolder, 'secrets/studio'), TOKEN, { mode: 0o600 })
  return box
}

async function portOf(gateway: BoxProcess): Promise<number> {
  const { states } = await gateway.healthy('the push port', (report) =>
    report.states.some(({ subject, word }) => subject === 'http-push' && word === 'listening'),
  )
  return Number(
    states
      .find(({ subject }) => subject === 'http-push')
      ?.detail.split(':')
      .at(-1),
  )
}

const aepReport = (status: number, at: number): string =>
  JSON.stringify({
    messageType: 'dataReport',
    deviceId: '40edca19b0124480864366de4621de99',
    IMEI,
    productId: '15114816',
    timestamp: at,
    payload: { serviceId: 'notification', serviceData: { Alarm_Status: status, Battery_Level: 90 } },
  })

test('a pushed fire is one case however often its cloud says it, and a simulated one is a drill', async (t) => {
  const box = await pushBox(t)
  const gateway = await startBox(t, box)
  const platform = await TestPlatform.start(t, box)
  const port = await portOf(gateway)
  const path = `/push/aep/${SECRET}`
  const now = Date.now()
  assert.equal((await send(port, { path, body: aepReport(14, now - 5000) })).status, 200)
  await platform.got('the drill', (all) => all.some(({ drill }) => drill))
  for (let n = 0; n < 3; n++) assert.equal((await send(port, { path, body: aepReport(1, now) })).status, 200)
  await platform.got('the fire', (all) => all.some(({ drill }) => !drill))
  const fires = platform.received.filter(({ drill, place }) => !drill && place === 'shed/lian')
  assert.deepEqual(
    fires.map(({ class: cls, revision }) => [cls, revision]),
    [['smoke', 1]],
  )
  assert.equal((await send(port, { path: '/push/aep/wrong', body: aepReport(1, now) })).status, 404)
})

test('a push that comes again after the gateway was killed is known', async (t) => {
  const box = await pushBox(t)
  const first = await startBox(t, box)
  const msg = JSON.stringify({
    deviceName: 'iot-0001',
    messageType: 'notify',
    notifyType: 'property',
    data: { params: { alarmSta: { value: 4, time: Date.now() } } },
  })
  const signature = onenetSignature(TOKEN, 'abcdefgh', msg)
  const body = JSON.stringify({ msg, nonce: 'abcdefgh', signature, id: '1', time: 1 })
  const push = async (gateway: BoxProcess): Promise<number> =>
    (await send(await portOf(gateway), { path: '/push/studio', body })).status
  assert.equal(await push(first), 200)
  await first.end('SIGKILL')
  const second = await startBox(t, box)
  const platform = await TestPlatform.start(t, box)
  assert.equal(await push(second), 200)
  await platform.gotCase('smoke')
  const { messages } = await second.healthy('the second', () => true)
  assert.equal(messages, 0, 'nothing was taken twice')
  assert.deepEqual(
    platform.received.filter(({ place }) => place === 'shed/hm').map(({ revision }) => revision),
    [1],
  )
})
