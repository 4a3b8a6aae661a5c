import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { openStore, tempFolder } from '../tests/fixtures.ts'
import { Draft } from './draft.ts'
import type { Arrival } from './ports.ts'
import { SeenBefore } from './seen-before.ts'

const arrival = (rest: Partial<Arrival> = {}): Arrival => ({
  deviceId: 'd1',
  fields: { smoke: true },
  ...rest,
})

test('keys are forgotten when nobody can ask for them any more, and none before', async (t) => {
  const clock = new FakeClock()
  const store = await openStore(t, tempFolder(t))
  const seenBefore = new SeenBefore(store, clock)
  const remember = async (messageId: string): Promise<void> => {
    const draft = new Draft()
    assert.equal(seenBefore.remember(draft, arrival({ messageId }), 'shed', clock.now()), true)
    await store.commit(draft)
    draft.stored()
  }
  const kept = async (): Promise<unknown> => {
    await store.settled()
    return store.reader.prepare('SELECT count(*) FROM source_keys').pluck().get()
  }
  await remember('first')
  await clock.turn(5 * 60_000)
  await remember('second')
  await clock.turn(5 * 60_000)
  assert.equal(await kept(), 2)
  await clock.turn(60_000)
  assert.equal(await kept(), 1)
  assert.equal(await seenBefore.has(arrival({ messageId: 'first' }), clock.now()), false)
  assert.equal(await seenBefore.has(arrival({ messageId: 'second' }), clock.now()), true)
  seenBefore.stop()
  await clock.turn(3_600_000)
  assert.equal(await kept(), 1)
})

test('a message that is under way is known to its twin, and forgotten when it could not be stored', async (t) => {
  const clock = new FakeClock()
  const seenBefore = new SeenBefore(await openStore(t, tempFolder(t)), clock)
  const draft = new Draft()
  const message = arrival({ messageId: 'a' })
  assert.equal(await seenBefore.has(message, clock.now()), false)
  seenBefore.remember(draft, message, 'shed', clock.now())
  assert.equal(await seenBefore.has(message, clock.now()), true)
  assert.equal(seenBefore.remember(new Draft(), message, 'shed', clock.now()), false)
  draft.undo()
  assert.equal(await seenBefore.has(message, clock.now()), false)
  seenBefore.stop()
})

test('a message with neither id nor time leaves no key', async (t) => {
  const clock = new FakeClock()
  const seenBefore = new SeenBefore(await openStore(t, tempFolder(t)), clock)
  const draft = new Draft()
  seenBefore.remember(draft, arrival(), 'shed', clock.now())
  assert.deepEqual(draft.changes, [])
  seenBefore.remember(draft, arrival({ time: clock.now() }), 'shed', clock.now())
  assert.equal(draft.changes.length, 1)
  seenBefore.stop()
})

test('a message that its sender may repeat for longer is known for so long, and not longer', async (t) => {
  const clock = new FakeClock()
  const store = await openStore(t, tempFolder(t))
  const seenBefore = new SeenBefore(store, clock)
  t.after(() => seenBefore.stop())
  const pushed = (messageId: string, repeatsFor: number): Arrival => arrival({ messageId, repeatsFor })
  for (const message of [pushed('hours', 4 * 3_600_000), pushed('never less', 1000)]) {
    const draft = new Draft()
    seenBefore.remember(draft, message, 'shed', clock.now())
    await store.commit(draft)
    draft.stored()
  }
  const knows = (messageId: string): Promise<boolean> => seenBefore.has(pushed(messageId, 0), clock.now())
  await clock.turn(9 * 60_000)
  assert.equal(await knows('never less'), true)
  await clock.turn(2 * 60_000)
  assert.equal(await knows('never less'), false)
  await clock.turn(3.7 * 3_600_000)
  await store.settled()
  assert.equal(await knows('hours'), true)
  await clock.turn(3_600_000)
  assert.equal(await knows('hours'), false)
})
