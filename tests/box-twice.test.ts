import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import {
  BEAM,
  BoxProcess,
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  startBox,
  TestPlatform,
  until,
} from './box-rig.ts'

const statesOf = (file: string): string => readFileSync(file, 'utf8')

test('a second gateway on the same data folder is told who holds it, and the first one goes on', async (t) => {
  const box = await makeBox(t)
  const first = await startBox(t, box)
  const platform = await TestPlatform.start(t, box)
  const api = statesOf(join(box.dataFolder, 'api.json'))
  const other = await makeBox(t, { dataFolder: box.dataFolder })
  const second = new BoxProcess(t, other)
  assert.deepEqual(await second.refused(), { code: 1, signal: null })
  assert.match(second.complaint, /store-locked/)
  assert.match(second.complaint, new RegExp(`process ${first.pid}\\b`))
  assert.equal(statesOf(join(box.dataFolder, 'api.json')), api)
  const bridge = await dial(t, box, 'z2m')
  await bridge.say(SMOKE, smokePayload(true))
  await platform.gotCase('smoke')
})

test('a second gateway on the same API port is told the port, and leaves nothing locked', async (t) => {
  const first = await makeBox(t)
  await startBox(t, first)
  const other = await makeBox(t)
  const second = new BoxProcess(t, { ...first, dataFolder: other.dataFolder })
  assert.deepEqual(await second.refused(), { code: 1, signal: null })
  assert.match(second.complaint, /listen-failed/)
  assert.match(second.complaint, new RegExp(`127\\.0\\.0\\.1:${first.ports.api}\\b`))
  const left = readdirSync(other.dataFolder)
  assert.ok(!left.includes('lock') && !left.includes('api.json'))
  await startBox(t, other)
})

test('a wire port that is taken is shown in health and taken up as soon as it is free', async (t) => {
  const first = await makeBox(t)
  const holder = await startBox(t, first)
  const other = await makeBox(t)
  const text = statesOf(join(other.folder, 'box.yaml'))
  writeFileSync(
    join(other.folder, 'box.yaml'),
    text.replace(`:${other.ports.mqtt}\n`, `:${first.ports.mqtt}\n`),
  )
  const second = await startBox(t, other)
  await second.healthy('the MQTT port taken', ({ states, troubles }) => {
    const mqtt = states.find(({ subject }) => subject === 'mqtt')
    const trouble = troubles.find(({ what }) => what.startsWith('mqtt: failed'))
    return mqtt?.word === 'failed' && mqtt.detail.includes('listen-failed') && trouble !== undefined
  })
  await holder.end()
  await second.healthy('the MQTT port its own', ({ states }) =>
    states.some(({ subject, word }) => subject === 'mqtt' && word === 'listening'),
  )
})

test('a database of a newer Ganglion is refused by its word and left as it is', async (t) => {
  const box = await makeBox(t)
  const file = join(box.dataFolder, 'ganglion.db')
  const db = new Database(file)
  db.exec('CREATE TABLE of_tomorrow (x)')
  db.pragma('user_version = 999')
  db.close()
  const gateway = new BoxProcess(t, box)
  assert.deepEqual(await gateway.refused(), { code: 1, signal: null })
  assert.match(gateway.complaint, /store-newer/)
  assert.match(gateway.complaint, /format 999/)
  const after = new Database(file, { readonly: true })
  assert.equal(after.pragma('user_version', { simple: true }), 999)
  assert.deepEqual(after.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all(), [
    'of_tomorrow',
  ])
  after.close()
  assert.ok(!existsSync(join(box.dataFolder, 'lock')))
})

test('the lock of a gateway that was killed is taken over, also when its number lives again', async (t) => {
  const box = await makeBox(t)
  const first = await startBox(t, box)
  await first.end('SIGKILL')
  assert.ok(existsSync(join(box.dataFolder, 'lock')))
  const second = await startBox(t, box)
  await second.end('SIGKILL')
  // After a power cut this process may have the number of the old gateway.
  writeFileSync(join(box.dataFolder, 'lock'), `${process.pid} 1`)
  await startBox(t, box)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops a busy gateway with exit code 0, and the next start goes on from the stored state`, async (t) => {
    const box = await makeBox(t)
    const platform = await TestPlatform.start(t, box)
    const first = await startBox(t, box)
    const bridge = await dial(t, box, 'z2m')
    await bridge.say(SMOKE, smokePayload(true))
    await platform.gotCase('smoke')
    // A platform that hangs and a client in the middle of its sentence hold nothing up.
    await platform.platform.setFault('hanging')
    const beam = await dial(t, box, 'beam')
    await beam.say(BEAM, { blocked: true })
    await until('the beam case stored', async () => (await first.health()).cases.ongoing === 2)
    const unfinished = bridge.say(SMOKE, smokePayload(true))
    assert.deepEqual(await first.end(signal), { code: 0, signal: null })
    assert.match(first.output, /stopping …\n$/)
    assert.equal(first.complaint, '')
    const left = readdirSync(box.dataFolder)
    assert.ok(!left.includes('lock') && !left.includes('api.json'))

    await platform.platform.setFault(undefined)
    const second = await startBox(t, box)
    await unfinished
    await bridge.say(SMOKE, smokePayload(true))
    await platform.gotCase('beyond-door')
    assert.equal((await second.health()).cases.ongoing, 2)
    // The smoke that stood all the time is one case; its end is the same case's next revision.
    await bridge.say(SMOKE, smokePayload(false))
    await platform.got('the end of the smoke', (all) => all.some(({ revision }) => revision === 2))
    assert.deepEqual(platform.revisionsOf('smoke'), ['shed/smoke:1', 'shed/smoke:2'])
    assert.deepEqual(platform.revisionsOf('beyond-door'), ['shop/door-line:1'])
    assert.equal(platform.platform.cases().length, 2)
  })
}
