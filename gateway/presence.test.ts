import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, instant, later, type Instant } from '../base/clock.ts'
import { openStore, tempFolder } from '../tests/fixtures.ts'
import { Presence } from './presence.ts'

const MINUTE = 60_000

test('only what lies within the times in which the gateway was there is silence', async (t) => {
  const store = await openStore(t, tempFolder(t))
  const clock = new FakeClock()
  /** One run of so many minutes that ends as it was asked to. */
  const run = async (minutes: number): Promise<Instant> => {
    const began = clock.now()
    const presence = new Presence(store, clock)
    await clock.turn(minutes * MINUTE)
    await store.put(presence.stop())
    return began
  }
  const first = await run(30)
  await clock.turn(600 * MINUTE)
  const second = await run(7)
  await clock.turn(600 * MINUTE)
  const now = new Presence(store, clock)
  const silence = (began: Instant, minutes: number): number =>
    now.silenceSince(later(began, minutes * MINUTE)) / MINUTE
  assert.equal(silence(first, 10), 27)
  assert.equal(silence(first, 30), 7)
  assert.equal(silence(second, 2), 5)
  assert.equal(silence(first, 100), 0, 'nobody was there: nobody can say')
  assert.equal(now.silenceSince(instant(0)), 0)
  now.stop()
})

test('a run that ends in a crash is known up to its last ten minutes', async (t) => {
  const store = await openStore(t, tempFolder(t))
  const clock = new FakeClock()
  const began = clock.now()
  const crashed = new Presence(store, clock)
  await clock.turn(29 * MINUTE)
  await store.settled()
  crashed.stop()
  const next = new Presence(store, clock)
  assert.equal(next.silenceSince(began), 20 * MINUTE)
  next.stop()
})

test('a clock that is set anew makes no silence, whichever way it goes', async (t) => {
  for (const by of [40 * 365 * 1440 * MINUTE, -365 * 1440 * MINUTE]) {
    const store = await openStore(t, tempFolder(t))
    const clock = new FakeClock()
    const began = clock.now()
    const first = new Presence(store, clock)
    await clock.turn(5 * MINUTE)
    clock.jump(instant(clock.now() + by))
    await clock.turn(8 * MINUTE)
    const heard = clock.now()
    await clock.turn(4 * MINUTE)
    await store.put(first.stop())
    const next = new Presence(store, clock)
    assert.ok(next.silenceSince(later(began, 2 * MINUTE)) <= 15 * MINUTE)
    assert.equal(next.silenceSince(heard), 4 * MINUTE, `${by}`)
    next.stop()
  }
})
