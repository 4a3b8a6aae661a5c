import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock } from './clock.ts'
import { Repeats, type Trouble } from './repeats.ts'

function listen() {
  const clock = new FakeClock()
  const told: (readonly [number, string, number, string])[] = []
  const report = ({ what, count, last }: Trouble): void => void told.push([clock.ticks(), what, count, last])
  return { clock, told, repeats: new Repeats(clock, report) }
}

test('a new trouble is told at once, its repetitions once a second with their count and last example', async () => {
  const { clock, told, repeats } = listen()
  for (let i = 1; i <= 4; i++) repeats.add('noise', `byte ${i}`)
  await clock.turn(1000)
  for (let i = 5; i <= 6; i++) repeats.add('noise', `byte ${i}`)
  await clock.turn(1000)
  assert.deepEqual(told, [
    [0, 'noise', 1, 'byte 1'],
    [1000, 'noise', 3, 'byte 4'],
    [2000, 'noise', 2, 'byte 6'],
  ])
})

test('a trouble that rested for a second is told at once again', async () => {
  const { clock, told, repeats } = listen()
  repeats.add('noise', 'a')
  await clock.turn(5000)
  repeats.add('noise', 'b')
  assert.deepEqual(told, [
    [0, 'noise', 1, 'a'],
    [5000, 'noise', 1, 'b'],
  ])
})

test('kinds are counted apart, and all of them are known since the start', async () => {
  const { clock, told, repeats } = listen()
  repeats.add('a', '1')
  repeats.add('b', '2')
  repeats.add('a', '3')
  await clock.turn(60_000)
  repeats.add('a', '4')
  assert.deepEqual(
    told.map(([at, what, count]) => [at, what, count]),
    [
      [0, 'a', 1],
      [0, 'b', 1],
      [1000, 'a', 1],
      [60_000, 'a', 1],
    ],
  )
  assert.deepEqual(repeats.totals(), [
    { what: 'a', count: 3, last: '4' },
    { what: 'b', count: 1, last: '2' },
  ])
})

test('a flood of kinds is bounded', () => {
  const { repeats, told } = listen()
  for (let kind = 0; kind < 11_000; kind++) repeats.add(`kind ${kind}`, '')
  assert.equal(repeats.totals().length, 10_000)
  assert.equal(told.length, 10_000)
})

test('after stop nothing is told', async () => {
  const { clock, told, repeats } = listen()
  repeats.add('a', '1')
  repeats.add('a', '2')
  repeats.stop()
  await clock.turn(5000)
  assert.equal(told.length, 1)
})
