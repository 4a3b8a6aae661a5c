import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { dial, makeBox, smokePayload, startBox, TestPlatform, type Speaker } from './box-rig.ts'

const ALARMS = 12
/** Changes of state of each alarm, each one revision of its case. */
const CHANGES = 16
const KILLS = 3

const ids = Array.from({ length: ALARMS }, (_, index) => `smoke-${index}`)

async function alarm(bridge: Speaker, id: string): Promise<void> {
  for (let change = 0; change < CHANGES; change++) {
    await bridge.say(`zigbee2mqtt/${id}`, smokePayload(change % 2 === 0))
    // So that the rounds of killing fall into the middle of it.
    await pause(60)
  }
}

test('kill -9 in the middle of alarms: each that was acknowledged arrives, and none becomes two', async (t) => {
  const box = await makeBox(t, {
    shed: () =>
      ids.map((id) => ({ id, profile: 'heiman-hs1sa', via: { mqtt: { account: 'z2m', address: id } } })),
  })
  const platform = await TestPlatform.start(t, box)
  let gateway = await startBox(t, box)
  const bridge = await dial(t, box, 'z2m')
  let isDone = false
  const alarms = Promise.all(ids.map((id) => alarm(bridge, id))).then(() => (isDone = true))
  for (let round = 0; round < KILLS; round++) {
    const before = platform.received.length
    await platform.got('news between two kills', (all) => all.length > before + 2)
    assert.ok(!isDone, 'alarms are under way')
    await pause(Math.random() * 60)
    await gateway.end('SIGKILL')
    gateway = await startBox(t, box)
  }
  await alarms
  await platform.got('all that was acknowledged', (all) => all.length >= ALARMS * CHANGES)
  const { delivery } = await gateway.healthy('an empty outbox', (report) => report.delivery[0]?.waiting === 0)
  assert.equal(delivery[0]?.refused, 0)
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
})
