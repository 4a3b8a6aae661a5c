import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { atEnd } from './fixtures.ts'
import { RawMqtt } from './raw-mqtt.ts'
import {
  BEAM,
  dial,
  makeBox,
  secretOf,
  SMOKE,
  smokePayload,
  startBox,
  stateOf,
  TestPlatform,
  troubleOf,
  until,
  type Entry,
  type TestBox,
} from './box-rig.ts'

async function raw(t: TestContext, box: TestBox, account: string, secret?: string): Promise<RawMqtt> {
  const client = new RawMqtt(box.ports.mqtt)
  atEnd(t, () => client.socket.destroy())
  client.connect(account, { clientId: 'raw', secret: secret ?? secretOf(box, account) })
  await until(`an answer to ${account}`, () => client.has('connack') || client.isClosed)
  return client
}

interface LogLine {
  readonly code?: string
  readonly count: number
}

const upOf = (beam: string): string => `ganglion/shop/${beam}/up`
const beamEntry = (id: string): Entry => ({ id, profile: 'ir-beam', via: { mqtt: {} } })

/** One gateway hears them all, one after the other, and raises a case after each. */
test('bad MQTT input is counted, and the next good alarm is a case', async (t) => {
  const beams = ['typed', 'large', 'foreign', 'stranger', 'fast']
  const box = await makeBox(t, { shop: () => beams.map(beamEntry) })
  const gateway = await startBox(t, box)
  const platform = await TestPlatform.start(t, box)
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')

  /** It is heard, and what it says becomes a case. */
  const stillRaises = async (account: string): Promise<void> => {
    const speaker = account === 'beam' ? beam : await dial(t, box, account)
    const place = account === 'beam' ? 'shop/door-line' : `shop/${account}`
    await speaker.say(upOf(account), { blocked: true })
    await platform.got(`the case of ${place}`, (all) => all.some((one) => one.place === place))
  }

  await t.test('what cannot be read is acknowledged and counted with its example', async () => {
    const rubbish = ['{"smoke": tr', Buffer.from([0xff, 0xfe, 0x80]), '', '[1]', 'null']
    for (const payload of rubbish) {
      await bridge.say(SMOKE, payload)
      await beam.say(BEAM, payload)
    }
    await bridge.say('zigbee2mqtt/unheard', smokePayload(true))
    const report = await gateway.health()
    assert.equal(troubleOf(report, 'payload-invalid (z2m)')?.count, rubbish.length)
    assert.equal(troubleOf(report, 'payload-invalid (beam)')?.count, rubbish.length)
    assert.match(troubleOf(report, 'device-unknown (z2m)')?.last ?? '', /unheard/)
    await stillRaises('beam')
    await bridge.say(SMOKE, smokePayload(true))
    await platform.gotCase('smoke')
    await bridge.say(SMOKE, smokePayload(false))
  })

  await t.test('values of wrong types are acknowledged and counted, and raise nothing', async () => {
    const typed = await dial(t, box, 'typed', { clientId: 'wrong-types' })
    await bridge.say(SMOKE, { smoke: 'yes', battery: 250, test: 1 })
    await typed.say(upOf('typed'), { blocked: { deep: true } })
    await typed.say(upOf('typed'), { id: [1], time: 'yesterday' })
    const report = await gateway.health()
    assert.equal(troubleOf(report, 'payload-invalid (smoke)')?.last, 'smoke: "yes" is not believed')
    const ofTyped = report.troubles.filter(({ what }) => what.includes('(typed)'))
    assert.deepEqual(
      ofTyped.map(({ count, last }) => `${count} ${last}`),
      ['1 beamBlocked: "{\\"deep\\":true}" is not believed', '1 id: wanted a text of 1 to 64 characters'],
    )
    assert.deepEqual(platform.revisionsOf('smoke'), ['shed/smoke:1', 'shed/smoke:2'])
    await stillRaises('typed')
  })

  await t.test('a packet beyond 64 KiB ends its connection unacknowledged and is counted', async () => {
    const client = await raw(t, box, 'large')
    client.publish(upOf('large'), Buffer.alloc(65 * 1024, 0x20))
    await until('the end of the connection', () => client.isClosed)
    assert.equal(client.has('puback'), false)
    assert.equal(troubleOf(await gateway.health(), 'payload-too-large')?.count, 1)
    await stillRaises('large')
  })

  await t.test('who speaks on another’s topic is cut off unacknowledged and counted by name', async () => {
    const client = await raw(t, box, 'foreign')
    client.publish(SMOKE, JSON.stringify(smokePayload(true)))
    await until('the end of the connection', () => client.isClosed)
    assert.equal(client.has('puback'), false)
    assert.match(troubleOf(await gateway.health(), 'not-allowed (foreign)')?.last ?? '', /zigbee2mqtt\/smoke/)
    assert.deepEqual(platform.revisionsOf('smoke'), ['shed/smoke:1', 'shed/smoke:2'])
    await stillRaises('foreign')
  })

  await t.test('a wrong password and an unknown account get the same refusal and are counted', async () => {
    for (const account of ['stranger', 'nobody']) {
      const { received } = await raw(t, box, account, 'not-the-secret')
      const [connack] = received
      assert.equal(connack?.cmd === 'connack' ? connack.returnCode : undefined, 4)
    }
    const report = await gateway.health()
    assert.equal(troubleOf(report, 'not-allowed (stranger)')?.count, 1)
    assert.equal(troubleOf(report, 'not-allowed (unknown)')?.count, 1)
    assert.equal(stateOf(report, 'mqtt stranger'), undefined)
    await stillRaises('stranger')
  })

  await t.test(
    'a device that sends too much is cut off and counted, and is heard when it is calm',
    async () => {
      const client = await raw(t, box, 'fast')
      for (let messageId = 1; messageId <= 300; messageId++)
        client.publish(upOf('fast'), JSON.stringify({ blocked: false, rssi: -60 }), { messageId })
      await until('the end of the connection', () => client.isClosed)
      assert.ok(troubleOf(await gateway.health(), 'rate-exceeded (fast)'))
      await stillRaises('fast')
    },
  )

  await t.test('a repeated trouble is logged at once and then with its count, not each time', async () => {
    const logged = (): readonly LogLine[] =>
      readFileSync(join(box.dataFolder, 'log', 'ganglion.log'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as LogLine) // written by our own log
        .filter(({ code }) => code === 'mqtt: payload-invalid (z2m)')
    const counted = (): number => logged().reduce((sum, { count }) => sum + count, 0)
    await until('all of them in the log', () => counted() === 5)
    assert.equal(logged()[0]?.count, 1)
    assert.ok(logged().length < 5)
  })

  assert.equal(platform.platform.counters().repeats, 0)
  assert.ok(gateway.isRunning)
})
