import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import type { Accepted, Arrival, Intake } from '../../gateway/ports.ts'
import { Receiving } from './receiving.ts'

const of = (deviceId: string, n: number): Arrival => ({ deviceId, fields: { n } })

/** A hub whose every answer is given by hand. */
function hub(limit = 10) {
  const clock = new FakeClock()
  const over = new AbortController()
  const asked: {
    readonly arrival: Arrival
    readonly take: () => void
    readonly refuse: (error: Error) => void
  }[] = []
  const acknowledged: number[] = []
  const failures: unknown[] = []
  const accept = (arrival: Arrival): Promise<Accepted> =>
    new Promise((resolve, refuse) => asked.push({ arrival, take: () => resolve('taken'), refuse }))
  const receiving = new Receiving({
    clock,
    intake: { accept } as unknown as Intake, // nothing else of it is called
    limit,
    signal: over.signal,
    acknowledge: (packetId) => acknowledged.push(packetId),
    failed: (error) => failures.push(error),
  })
  return { clock, over, asked, acknowledged, failures, receiving }
}

test('no more than the limit are under way; room is made from the front', async () => {
  const { receiving, asked, acknowledged, clock } = hub(2)
  let called = 0
  for (const [index, id] of ['a', 'b'].entries()) receiving.take(of(id, 1), index + 1, () => called++)
  assert.equal(called, 1)
  asked[1]?.take()
  await clock.turn(0)
  assert.deepEqual([called, acknowledged], [1, []])
  asked[0]?.take()
  await clock.turn(0)
  assert.deepEqual([called, acknowledged], [2, [1, 2]])
})

test('messages of one device are taken in turn, those of others at once', async () => {
  const { receiving, asked, clock } = hub()
  receiving.take(of('a', 1), 1, () => undefined)
  receiving.take(of('a', 2), 2, () => undefined)
  receiving.take(of('b', 3), 3, () => undefined)
  await clock.turn(0)
  assert.deepEqual(
    asked.map(({ arrival }) => arrival.fields['n']),
    [1, 3],
  )
  asked[0]?.take()
  await clock.turn(0)
  assert.equal(asked[2]?.arrival.fields['n'], 2)
})

test('a refusal of the store is tried again after a second, and its successor waits', async () => {
  const { receiving, asked, acknowledged, failures, clock } = hub()
  receiving.take(of('a', 1), 1, () => undefined)
  receiving.take(of('a', 2), 2, () => undefined)
  asked[0]?.refuse(new GanglionError('store-full', 'full', { retry: 'later' }))
  await clock.turn(999)
  assert.equal(asked.length, 1)
  await clock.turn(1)
  assert.equal(asked[1]?.arrival.fields['n'], 1)
  asked[1].take()
  await clock.turn(0)
  assert.deepEqual([acknowledged, failures], [[1], []])
})

test('what trying again does not mend ends the connection, unless that has ended by itself', async () => {
  for (const isOver of [false, true]) {
    const { receiving, asked, acknowledged, failures, over, clock } = hub()
    receiving.take(of('a', 1), 1, () => undefined)
    if (isOver) over.abort()
    asked[0]?.refuse(new Error('broken'))
    await clock.turn(0)
    assert.equal(failures.length, isOver ? 0 : 1)
    assert.deepEqual(acknowledged, [])
  }
})

test('nothing is acknowledged on a connection that has ended', async () => {
  const { receiving, asked, acknowledged, over, clock } = hub()
  receiving.take(of('a', 1), 1, () => undefined)
  over.abort()
  asked[0]?.take()
  await clock.turn(5000)
  assert.deepEqual(acknowledged, [])
})

test('QoS 0 and what nobody needs take their place in the order and are not acknowledged', async () => {
  const { receiving, asked, acknowledged, clock } = hub()
  receiving.take(of('a', 1), undefined, () => undefined)
  receiving.take(undefined, 2, () => undefined)
  assert.deepEqual(acknowledged, [])
  asked[0]?.take()
  await clock.turn(0)
  assert.deepEqual(acknowledged, [2])
})
