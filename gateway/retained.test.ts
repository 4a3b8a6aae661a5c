import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, isoTime } from '../base/clock.ts'
import { openPath, tempFolder, tinyBox } from '../tests/fixtures.ts'
import { Draft } from './draft.ts'
import type { Stage } from './stage.ts'

/** What a broker or a bridge tells again: a state, but nothing new. */

test('the cached state that a bridge sends at its start opens no second case, also when the first one is closed', async (t) => {
  const folder = tempFolder(t)
  const clock = new FakeClock()
  const path = await openPath(t, { box: await tinyBox(folder), folder, clock })
  const say = (fields: object, retained?: true) =>
    path.pipeline.accept({ deviceId: 'd1', fields: { ...fields }, ...(retained && { retained }) })
  await say({ smoke: true })
  await say({ smoke: true })
  await say({ smoke: true }, true)
  const [first] = path.stored()
  assert.deepEqual([path.stored().length, first?.count], [1, 1])
  const stages: readonly Stage[] = ['accepted', 'filed', 'closed']
  for (const [index, stage] of stages.entries()) {
    const draft = new Draft()
    const move = { key: first?.key ?? '', stage, version: index + 1, at: isoTime(clock.now()) }
    path.cases.move(draft, move)
    await path.store.commit(draft)
    draft.stored()
  }
  await say({ smoke: true })
  await say({ smoke: true }, true)
  assert.equal(path.stored().length, 1)
})

test('a standing alarm that only the broker remembers is a case', async (t) => {
  const folder = tempFolder(t)
  const path = await openPath(t, { box: await tinyBox(folder), folder })
  await path.pipeline.accept({ deviceId: 'd1', fields: { smoke: true }, retained: true })
  assert.equal(path.stored().length, 1)
})

test('what the broker remembers of a dead device is no sign of life', async (t) => {
  const folder = tempFolder(t)
  const clock = new FakeClock()
  const path = await openPath(t, { box: await tinyBox(folder), folder, clock })
  const lost = () => path.stored().filter(({ class: cls, place }) => cls === 'lost' && place === 'shed/meter')
  await path.pipeline.accept({ deviceId: 'meter', fields: { mA: 10 } })
  for (let minutes = 0; minutes < 40; minutes += 5) {
    await clock.turn(5 * 60_000)
    await path.pipeline.accept({ deviceId: 'meter', fields: { mA: 10 }, retained: true })
  }
  await path.store.settled()
  assert.equal(lost().length, 1)
  assert.equal(lost()[0]?.clearedAt, null)
})
