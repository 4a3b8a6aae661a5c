import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import mqtt from 'mqtt'
import { parse } from 'yaml'
import { atEnd } from './fixtures.ts'
import { makeBox, smokePayload, startBox, stateOf, TestPlatform, writeYaml, type TestBox } from './box-rig.ts'
import { mosquitto, skipWithoutMosquitto } from './mqtt-peers.ts'

const ALARMS = 8
/** Changes of state of each alarm, each one revision of its case. */
const CHANGES = 16
const KILLS = 3
const ids = Array.from({ length: ALARMS }, (_, index) => `smoke-${index}`)

/** Adds a bridge on an external broker to the box. */
function joinBroker({ folder }: TestBox, port: number): void {
  const box = parse(readFileSync(join(folder, 'box.yaml'), 'utf8')) as { readonly bridges: readonly object[] } // the rig wrote it
  writeYaml(folder, 'box', {
    ...box,
    brokers: [{ id: 'city', url: `mqtt://127.0.0.1:${port}` }],
    bridges: [...box.bridges, { id: 'far', codec: 'zigbee2mqtt', base: 'shed/zigbee2mqtt', broker: 'city' }],
  })
}

test(
  'kill -9 behind a broker of others: each alarm that it took arrives, none becomes two, and strangers are shown',
  { skip: skipWithoutMosquitto },
  async (t) => {
    const peer = await mosquitto(t)
    const box = await makeBox(t, {
      shed: () =>
        ids.map((id) => ({
          id,
          profile: 'heiman-hs1sa',
          via: { 'mqtt-client': { account: 'far', address: id } },
        })),
    })
    joinBroker(box, peer.port)
    const platform = await TestPlatform.start(t, box)
    let gateway = await startBox(t, box)
    await gateway.healthy('the broker', (report) => stateOf(report, 'mqtt-client city') === 'connected')
    const bridge = await mqtt.connectAsync({ host: '127.0.0.1', port: peer.port })
    atEnd(t, () => bridge.endAsync(true))
    const say = (name: string, payload: object): Promise<unknown> =>
      bridge.publishAsync(`shed/zigbee2mqtt/${name}`, JSON.stringify(payload), { qos: 1 })
    let isDone = false
    const alarms = Promise.all(
      ids.map(async (id) => {
        for (let change = 0; change < CHANGES; change++) {
          await say(id, smokePayload(change % 2 === 0))
          // So that the rounds of killing fall into the middle of it.
          await pause(60)
        }
      }),
    ).then(() => (isDone = true))
    for (let round = 0; round < KILLS; round++) {
      const before = platform.received.length
      await platform.got('news between two kills', (all) => all.length > before + 2)
      if (round === 0) assert.ok(!isDone, 'alarms are under way')
      await gateway.end('SIGKILL')
      gateway = await startBox(t, box)
    }
    await alarms
    await platform.got('all that was taken', (all) => all.length >= ALARMS * CHANGES)
    assert.equal(platform.platform.cases().length, ALARMS)
    for (const id of ids) {
      const revisions = platform.received
        .filter(({ place }) => place === `shed/${id}`)
        .map((one) => one.revision)
      assert.deepEqual(
        revisions.sort((a, b) => a - b),
        Array.from({ length: CHANGES }, (_, index) => index + 1),
      )
    }

    await say('bridge/devices', [
      { type: 'EndDevice', friendly_name: ids[0], definition: null },
      { type: 'EndDevice', friendly_name: 'cellar', definition: { vendor: 'HEIMAN', model: 'HS1SA' } },
    ])
    await say('cellar', { smoke: false, password: 'hunter2' })
    const strangers = async (): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${box.ports.api}/api/strangers`, {
        headers: { authorization: `Bearer ${gateway.token()}` },
      })
      return answer.json()
    }
    await gateway.healthy('the stranger', ({ troubles }) =>
      troubles.some(({ what }) => what === 'mqtt-client: device-unknown (far)'),
    )
    const [only, ...more] = (await strangers()) as Readonly<Record<string, unknown>>[] // our own API
    assert.deepEqual(more, [])
    assert.deepEqual(
      [
        only?.['account'],
        only?.['address'],
        only?.['vendor'],
        only?.['model'],
        only?.['count'],
        only?.['example'],
      ],
      ['far', 'cellar', 'HEIMAN', 'HS1SA', 2, '{"smoke":false,"password":"…"}'],
    )
  },
)
