import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock, pause } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import { supervise } from './supervise.ts'

function watch(chance = 0.5) {
  const clock = new FakeClock()
  const abort = new AbortController()
  const states: string[] = []
  const began: number[] = []
  const context = {
    clock,
    state: (subject: string, word: string, detail = '') => states.push(`${subject} ${word} ${detail}`.trim()),
    chance: () => chance,
  }
  const run = (work: (signal: AbortSignal) => Promise<void>): Promise<void> =>
    supervise(
      {
        name: 'work',
        run(signal) {
          began.push(clock.ticks() / 1000)
          return work(signal)
        },
      },
      context,
      abort.signal,
    )
  return { clock, abort, states, began, run }
}

const fails = (): Promise<void> => Promise.reject(new GanglionError('device-unreachable', 'no route'))

test('what fails is run again after 1 s, 2 s, 4 s … and never later than a minute', async () => {
  const { clock, abort, began, states, run } = watch()
  const done = run(fails)
  await clock.turn(300_000)
  assert.deepEqual(began, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243])
  assert.deepEqual(states.slice(0, 2), ['work running', 'work failed device-unreachable: no route'])
  abort.abort()
  await done
  assert.equal(states.at(-1), 'work stopped')
})

test('many that fail together do not try again together', async () => {
  const waits = await Promise.all(
    [0, 0.5, 1].map(async (chance) => {
      const { clock, abort, began, run } = watch(chance)
      const done = run(fails)
      await clock.turn(1500)
      abort.abort()
      await done
      return began[1]
    }),
  )
  assert.deepEqual(waits, [0.75, 1, 1.25])
})

test('after a minute that went well the next failure waits shortly again', async () => {
  const { clock, abort, began, run } = watch()
  let runs = 0
  const done = run(async (signal) => {
    runs++
    if (runs === 4) await pause(clock, 60_000, signal)
    throw new Error('broken')
  })
  await clock.turn(70_000)
  assert.deepEqual(began.slice(3, 6), [7, 68, 70])
  abort.abort()
  await done
})

test('what ends by itself is run again too', async () => {
  const { clock, abort, states, run } = watch()
  const done = run(() => Promise.resolve())
  await clock.turn(1000)
  assert.deepEqual(states, [
    'work running',
    'work ended it stopped by itself',
    'work running',
    'work ended it stopped by itself',
  ])
  abort.abort()
  await done
})

test('an abort ends the work, and what it throws then is no failure', async () => {
  const { clock, abort, states, run } = watch()
  const done = run((signal) => pause(clock, 1e9, signal))
  await clock.turn(5000)
  abort.abort()
  await done
  assert.deepEqual(states, ['work running', 'work stopped'])
})

test('what throws before its first await is a failure like any other', async () => {
  const { clock, abort, states, run } = watch()
  const done = run(() => {
    throw new Error('at once')
  })
  await clock.turn(0)
  assert.equal(states[1], 'work failed Error: at once')
  abort.abort()
  await done
})
