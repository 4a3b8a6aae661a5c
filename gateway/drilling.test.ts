import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FakeClock, instant } from '../base/clock.ts'
import {
  boxYaml,
  openPath,
  siteYaml,
  tempFolder,
  testRooms,
  tinyBox,
  writeFiles,
  type Path,
} from '../tests/fixtures.ts'
import { loadBox, type Box } from './config.ts'
import { Draft } from './draft.ts'
import { drillShown, drillsOf } from './drill-record.ts'

const MINUTE = 60_000

class Rig {
  readonly clock = new FakeClock()
  readonly #t: TestContext
  readonly #folder: string
  readonly box: Box
  path!: Path

  private constructor(t: TestContext, folder: string, box: Box) {
    this.#t = t
    this.#folder = folder
    this.box = box
  }

  static async open(t: TestContext): Promise<Rig> {
    const folder = tempFolder(t)
    const rig = new Rig(t, folder, await tinyBox(folder))
    await rig.start()
    return rig
  }

  async start(): Promise<void> {
    this.path = await openPath(this.#t, { box: this.box, folder: this.#folder, clock: this.clock })
    await this.settle()
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await this.clock.turn(0)
      await this.path.store.settled()
    }
  }

  async say(deviceId: string, fields: object, time?: number): Promise<void> {
    await this.path.pipeline.accept({
      deviceId,
      fields: { ...fields },
      ...(time !== undefined && { time: instant(time) }),
    })
    await this.settle()
  }

  async turn(ms: number): Promise<void> {
    await this.clock.turn(ms)
    await this.settle()
  }

  /** `class drill|real open|cleared`, the oldest first. */
  cases(): readonly string[] {
    return this.path
      .stored()
      .map(
        (one) =>
          `${one.class} ${one.drill ? 'drill' : 'real'} ${one.clearedAt === null ? 'open' : 'cleared'}`,
      )
  }

  drill(deviceId: string): Record<string, unknown> {
    const [drill] = drillsOf(this.path.store.reader, deviceId, 1)
    assert.ok(drill)
    return drillShown(drill, this.path.store.reader) as Record<string, unknown> // a plain object
  }
}

test('while it lasts the cases of the device are drills, and it ends by itself', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 10 * MINUTE, 'Ms Li')
  assert.match(JSON.stringify(rig.path.health.states()), /"drill d1".*by Ms Li/)
  await rig.say('d1', { smoke: true })
  await rig.turn(1000)
  await rig.say('d1', { smoke: false })
  assert.deepEqual(rig.cases(), ['smoke drill cleared'])
  await rig.turn(10 * MINUTE)
  assert.doesNotMatch(JSON.stringify(rig.path.health.states()), /drill d1/)
  await rig.say('d1', { smoke: true })
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real open'])
})

test('a second detector of the same place is in earnest meanwhile, in both orders', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d2', 10 * MINUTE, 'Ms Li')
  await rig.say('d2', { smoke: true })
  await rig.turn(1000)
  await rig.say('d3', { smoke: true })
  assert.deepEqual(rig.cases(), ['smoke drill open', 'smoke real open'])
  await rig.say('d2', { smoke: false })
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real open'])
  await rig.say('d3', { smoke: false })
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real cleared'])
})

test('what still stands when the drill ends becomes a case in earnest', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 5 * MINUTE, 'Ms Li')
  await rig.say('d1', { smoke: true })
  await rig.turn(5 * MINUTE)
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real open'])
  await rig.say('d1', { smoke: false })
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real cleared'])
})

test('a case in earnest that was open before goes on, and is cleared after the drill', async (t) => {
  const rig = await Rig.open(t)
  await rig.say('d1', { smoke: true })
  await rig.turn(1000)
  await rig.path.drilling.begin('d1', 5 * MINUTE, 'Ms Li')
  await rig.say('d1', { smoke: false })
  assert.deepEqual(rig.cases(), ['smoke real open'])
  await rig.turn(5 * MINUTE)
  assert.deepEqual(rig.cases(), ['smoke real cleared'])
})

test('a rule that waits is tried too, and one that is silent raises no real case', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('beam', 240 * MINUTE, 'Ms Li')
  await rig.say('beam', { beam: true })
  await rig.turn(11_000)
  assert.deepEqual(rig.cases(), ['door drill open'])
  await rig.say('beam', { beam: false })
  await rig.path.drilling.begin('meter', 240 * MINUTE, 'Ms Li')
  await rig.say('meter', { mA: 10 })
  await rig.turn(40 * MINUTE)
  assert.ok(rig.cases().includes('lost drill open'), rig.cases().join())
  assert.ok(!rig.cases().some((one) => one === 'lost real open'))
})

test('a drill survives a restart with its end and its case', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 10 * MINUTE, 'Ms Li')
  await rig.say('d1', { smoke: true })
  await rig.path.stop()
  await rig.start()
  await rig.say('d1', { smoke: true })
  assert.deepEqual(rig.cases(), ['smoke drill open'])
  await rig.turn(1000)
  await rig.say('d1', { smoke: false })
  await rig.turn(10 * MINUTE)
  assert.deepEqual(rig.cases(), ['smoke drill cleared'])
  assert.notEqual(rig.drill('d1')['endedAt'], null)
  await rig.say('d1', { smoke: true })
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real open'])
})

test('one whose time passed while the gateway was away is over at the start', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', MINUTE, 'Ms Li')
  await rig.say('d1', { smoke: true })
  await rig.path.stop()
  await rig.clock.turn(2 * MINUTE)
  await rig.start()
  assert.deepEqual(rig.cases(), ['smoke drill cleared', 'smoke real open'])
})

test('with no platform a drill waits for it, and completes itself later, also after a restart', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 10 * MINUTE, 'Ms Li')
  const sensorAt = rig.clock.now() - 700
  await rig.say('d1', { smoke: true }, sensorAt)
  await rig.say('d1', { smoke: false })
  await rig.turn(10 * MINUTE)
  assert.equal(rig.drill('d1')['state'], 'waiting for the platform')
  await rig.path.stop()
  await rig.start()
  await rig.turn(MINUTE)
  const draft = new Draft()
  rig.path.cases.delivered(draft, rig.drill('d1')['case'] as string) // of a drill with a case
  await rig.path.store.commit(draft)
  draft.stored()
  const { hops, state } = rig.drill('d1') as {
    hops: { hop: string; afterMs: number | null }[]
    state: string
  }
  assert.equal(state, 'complete')
  assert.deepEqual(
    hops.map(({ hop }) => hop),
    ['sensor', 'arrival', 'raised', 'stored', 'delivered'],
  )
  assert.equal(hops[1]?.afterMs, 700)
  assert.ok((hops[4]?.afterMs ?? 0) >= 11 * MINUTE)
})

test('what the platform says of it is the last hop', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 10 * MINUTE, 'Ms Li')
  await rig.say('d1', { smoke: true })
  const key = rig.drill('d1')['case'] as string // of a drill with a case
  const draft = new Draft()
  rig.path.cases.move(draft, { key, stage: 'accepted', version: 1, at: '2026-01-01T00:00:00Z' })
  await rig.path.store.commit(draft)
  draft.stored()
  const { hops } = rig.drill('d1') as { hops: { hop: string }[] }
  assert.equal(hops.at(-1)?.hop, 'answered')
})

test('a platform that refuses the drill is not waited for', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 10 * MINUTE, 'Ms Li')
  await rig.say('d1', { smoke: true })
  const [entry] = rig.path.outbox.take(1)
  assert.ok(entry)
  const draft = new Draft()
  rig.path.outbox.settle(entry, { is: 'refused', reason: 'no such class' }, draft)
  await rig.path.store.commit(draft)
  draft.stored()
  assert.equal(rig.drill('d1')['state'], 'refused by the platform: no such class')
})

test('a device is in one drill at a time, and a person may end it', async (t) => {
  const rig = await Rig.open(t)
  const { drilling } = rig.path
  await drilling.begin('d1', MINUTE, 'Ms Li')
  await assert.rejects(drilling.begin('d1', MINUTE, 'Mr Wu'), /in a drill of Ms Li until/)
  await assert.rejects(drilling.begin('nobody', MINUTE, 'Mr Wu'), { code: 'device-unknown' })
  await rig.say('d1', { smoke: true })
  await rig.say('d1', { smoke: false })
  assert.notEqual((await drilling.end('d1')).endedAt, undefined)
  await assert.rejects(drilling.end('d1'), { code: 'not-allowed' })
  assert.equal(rig.drill('d1')['state'], 'waiting for the platform')
})

test('a box that is read again goes on with the drill', async (t) => {
  const rig = await Rig.open(t)
  await rig.path.drilling.begin('d1', 10 * MINUTE, 'Ms Li')
  const folder = tempFolder(t)
  const moved = siteYaml.replace(
    '{ id: d1, profile: detector, via: { wire: {} } }',
    '{ id: d1, profile: detector, via: { wire: {} }, part: attic }',
  )
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': moved })
  await rig.path.reload(await loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms'))))
  await rig.say('d1', { smoke: true })
  assert.deepEqual(rig.cases(), ['smoke drill open'])
  assert.equal(rig.path.stored()[0]?.place, 'shed/attic')
})
