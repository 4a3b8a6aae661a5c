import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { play, stepsOf, stepText } from './play.ts'
import type { Happening, Scenario } from './scenario.ts'

const timeline: readonly Happening[] = [
  { at: 1000, kind: 'set', device: 'smoke-1', values: { smoke: true, battery: 40 } },
  { at: 2000, kind: 'fault', on: 'platform', name: 'unavailable', for: 3000 },
  { at: 3000, kind: 'fault', on: 'everything', name: 'reannounce', for: undefined },
  { at: 4000, kind: 'fault', on: 'beam-1', name: 'empty', for: undefined },
  { at: 9000, kind: 'fault', on: 'eye', name: 'stall', for: 60_000 },
]
const scenario = { timeline, length: 10_000 }

describe('the play', () => {
  test('ends every fault at its time and none after the scenario', () => {
    const ends = stepsOf(scenario).filter((step) => step.kind === 'fault-ends')
    assert.deepEqual(
      ends.map(({ at, on }) => [at, on]),
      [
        [5000, 'platform'],
        [10_000, 'beam-1'],
        [10_000, 'eye'],
      ],
    )
  })

  test('does each step at its time and ends with the length of the scenario', async () => {
    const clock = new FakeClock()
    const done: string[] = []
    let isOver = false
    const playing = play(
      scenario as unknown as Scenario,
      clock,
      new AbortController().signal,
      async (step) => {
        done.push(`${clock.ticks()} ${stepText(step)}`)
      },
    ).then(() => (isOver = true))
    await clock.turn(4999)
    assert.deepEqual(done, [
      '1000 smoke-1: smoke true, battery 40',
      '2000 platform: fault unavailable',
      '3000 everything: fault reannounce',
      '4000 beam-1: fault empty',
    ])
    await clock.turn(5000)
    assert.ok(!isOver)
    await clock.turn(1)
    await playing
    assert.equal(done.length, 8)
  })

  test('stops at once when it is aborted', async () => {
    const abort = new AbortController()
    const playing = play(scenario as unknown as Scenario, new FakeClock(), abort.signal, () =>
      Promise.resolve(),
    )
    const reason = new Error('enough')
    abort.abort(reason)
    await assert.rejects(playing, reason)
  })
})
