import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FakeClock, isoTime, later } from '../base/clock.ts'
import {
  boxYaml,
  openPath,
  siteYaml,
  tempFolder,
  testRooms,
  writeFiles,
  type Path,
} from '../tests/fixtures.ts'
import { loadBox } from './config.ts'
import { Draft } from './draft.ts'

const alarm = 'kind: alarm, settings: { quantity: doorOpen }'
const dwell = 'kind: dwell, settings: { quantity: doorOpen, for: 10 s }'

/** The gateway of one folder, run again and again with another text of its rule "open". */
function gatewayOf(
  t: TestContext,
  clock: FakeClock,
  files: Readonly<Record<string, string>> = {},
): (rule: string, version?: number) => Promise<Path> {
  const folder = tempFolder(t)
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': siteYaml })
  return async (rule, version = 1) => {
    const rooms = testRooms(join(folder, 'rooms'), {
      'packs/test.yaml': `name: { zh: 试, en: Test }
rules:
  open: { version: ${version}, ${rule}, class: door, source: default, title: { zh: 门, en: Door }, why: { zh: 门, en: Door } }
`,
      ...files,
    })
    return openPath(t, { box: await loadBox(join(folder, 'box'), rooms), folder, clock })
  }
}

const opened = { deviceId: 'contact', fields: { open: true } }
const closed = { deviceId: 'contact', fields: { open: false } }

for (const [what, rule] of [
  ['became another kind', dwell],
  ['is no longer for this site', `${alarm}, siteKinds: [street]`],
] as const) {
  test(`what stands because of a rule that ${what} is cleared by the next start, and told anew where it is so`, async (t) => {
    const clock = new FakeClock()
    const start = gatewayOf(t, clock)
    const before = await start(alarm)
    await before.pipeline.accept(opened)
    assert.equal(before.stored()[0]?.clearedAt, null)
    await before.stop()

    const after = await start(rule)
    await after.store.settled()
    const [found] = after.stored()
    assert.deepEqual([found?.clearedAt, found?.revision], [isoTime(clock.now()), 2])
    await after.stop()

    const again = await start(alarm)
    await again.pipeline.accept(opened)
    assert.deepEqual([again.stored()[0]?.clearedAt, again.stored()[0]?.count], [null, 2])
  })
}

test('a rule that became another kind starts without the memory of the old one', async (t) => {
  const clock = new FakeClock()
  const start = gatewayOf(t, clock)
  const before = await start(alarm)
  await before.pipeline.accept(opened)
  await before.stop()

  const after = await start(dwell)
  await after.pipeline.accept(opened)
  await clock.turn(10_000)
  await after.store.settled()
  assert.deepEqual(after.health.troubles(), [])
  assert.equal(after.stored()[0]?.count, 2)
  await after.stop()

  // What the new kind remembered is its own by now, under its own name.
  const again = await start(dwell)
  await again.pipeline.accept(closed)
  assert.notEqual(again.stored()[0]?.clearedAt, null)
  await again.stop()
})

test('a rule of another version goes on with what it remembers', async (t) => {
  const clock = new FakeClock()
  const start = gatewayOf(t, clock)
  const before = await start(alarm)
  await before.pipeline.accept(opened)
  await before.stop()

  const after = await start(alarm, 2)
  await after.pipeline.accept(opened)
  assert.equal(after.stored()[0]?.count, 1)
  await after.pipeline.accept(closed)
  assert.notEqual(after.stored()[0]?.clearedAt, null)
  await after.stop()
})

test('an alarm that no device takes back ends while the gateway is away, and the next one is a case of its own', async (t) => {
  const clock = new FakeClock()
  const start = gatewayOf(t, clock, {
    'profiles/contact.yaml':
      '{ vendor: Test, model: M, name: { zh: 试, en: M }, codec: json, reportsEvery: 1 h, points: { doorOpen: { from: open, lasts: 10 min } }, examples: [] }',
  })
  const before = await start(alarm)
  const raisedAt = clock.now()
  await before.pipeline.accept(opened)
  await before.stop()
  await clock.turn(3_600_000)

  const after = await start(alarm)
  await clock.turn(0)
  await after.store.settled()
  const [first] = after.stored()
  assert.equal(first?.clearedAt, isoTime(later(raisedAt, 600_000)))
  const draft = new Draft()
  after.cases.move(draft, { key: first.key, stage: 'closed', version: 1, at: isoTime(clock.now()) })
  await after.store.commit(draft)
  await after.pipeline.accept(opened)
  assert.equal(after.stored().length, 2)
  await after.stop()
})
