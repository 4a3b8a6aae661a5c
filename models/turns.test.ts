import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

/** Work that goes on until it is let go. */
function held(log: string[], name: string): { work: () => Promise<void>; letGo: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  return {
    work: async () => {
      log.push(name)
      await promise
    },
    letGo: () => resolve(undefined),
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one thing at a time, in the order in which they began to wait, and the newest offer of each', async () => {
  const turns = new Turns()
  const log: string[] = []
  const first = held(log, 'a1')
  const note = (name: string) => async () => void log.push(name)
  const dropped = (name: string) => () => void log.push(`${name} dropped`)
  turns.offer('a', first.work, dropped('a1'))
  turns.offer('b', note('b1'), dropped('b1'))
  turns.offer('a', note('a2'), dropped('a2'))
  turns.offer('b', note('b2'), dropped('b2'))
  await settled()
  assert.deepEqual(log, ['a1', 'b1 dropped'])
  first.letGo()
  await settled()
  assert.deepEqual(log, ['a1', 'b1 dropped', 'b2', 'a2'])
})

test('a camera that offers all the time does not keep another one from its turn', async () => {
  const turns = new Turns()
  const log: string[] = []
  const greedy = async (): Promise<void> => {
    log.push('greedy')
    if (log.length < 6) turns.offer('greedy', greedy, () => undefined)
  }
  turns.offer('greedy', greedy, () => undefined)
  turns.offer(
    'modest',
    async () => void log.push('modest'),
    () => undefined,
  )
  await settled()
  // Its own second offer began to wait before.
  assert.equal(log.indexOf('modest'), 2)
})
