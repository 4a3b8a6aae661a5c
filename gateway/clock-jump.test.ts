import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock, later } from '../base/clock.ts'
import { openPath, tempFolder, tinyBox } from '../tests/fixtures.ts'

test('a wait is as long as it is, however the wall clock is set meanwhile', async (t) => {
  for (const by of [86_400_000, -3_600_000]) {
    const folder = tempFolder(t)
    const clock = new FakeClock()
    const path = await openPath(t, { box: await tinyBox(folder), folder, clock })
    await clock.turn(0)
    await path.pipeline.accept({ deviceId: 'beam', fields: { beam: true } })
    await clock.turn(4000)
    clock.jump(later(clock.now(), by))
    // The next message comes before anybody has looked at the clock.
    await path.pipeline.accept({ deviceId: 'beam', fields: { beam: true } })
    await clock.turn(5900)
    await path.store.settled()
    assert.deepEqual(path.stored(), [], String(by))
    await clock.turn(200)
    await path.store.settled()
    assert.equal(path.stored().length, 1, String(by))
  }
})

test('an interruption within the gap is none, also where the clock is set in the middle of it', async (t) => {
  const folder = tempFolder(t)
  const clock = new FakeClock()
  const path = await openPath(t, { box: await tinyBox(folder), folder, clock })
  await clock.turn(0)
  await path.pipeline.accept({ deviceId: 'beam', fields: { beam: true } })
  await clock.turn(12_000)
  await path.store.settled()
  await path.pipeline.accept({ deviceId: 'beam', fields: { beam: false } })
  clock.jump(later(clock.now(), 86_400_000))
  await clock.turn(1000)
  await path.pipeline.accept({ deviceId: 'beam', fields: { beam: true } })
  await clock.turn(10_000)
  await path.store.settled()
  assert.deepEqual(
    path.stored().map(({ count, clearedAt }) => [count, clearedAt]),
    [[1, null]],
  )
})
