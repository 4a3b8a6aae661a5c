import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FakeClock, instant, later } from '../base/clock.ts'
import { Wakes } from './wakes.ts'

interface Sleeper {
  readonly name: string
}

function bed() {
  const clock = new FakeClock(instant(0))
  const woken: [string, number][] = []
  const jumps: number[] = []
  const wakes = new Wakes<Sleeper>(
    clock,
    ({ name }) => woken.push([name, clock.now()]),
    (by) => jumps.push(by),
  )
  return { clock, jumps, woken, wakes }
}

const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }] as const

test('each is woken once, at its time, in the order of the times', async () => {
  const { clock, woken, wakes } = bed()
  wakes.set(c, instant(3000))
  wakes.set(a, instant(1000))
  wakes.set(b, instant(2000))
  await clock.turn(10_000)
  assert.deepEqual(woken, [
    ['a', 1000],
    ['b', 2000],
    ['c', 3000],
  ])
})

test('only the last time that was asked for counts, sooner or later', async () => {
  const { clock, woken, wakes } = bed()
  wakes.set(a, instant(1000))
  wakes.set(a, instant(5000))
  wakes.set(b, instant(5000))
  wakes.set(b, instant(1000))
  wakes.set(c, instant(1000))
  wakes.set(c, instant(3000))
  wakes.set(c, instant(1000))
  await clock.turn(10_000)
  assert.deepEqual(woken, [
    ['b', 1000],
    ['c', 1000],
    ['a', 5000],
  ])
})

test('a time that has passed wakes at once', async () => {
  const { clock, woken, wakes } = bed()
  await clock.turn(5000)
  wakes.set(a, instant(1))
  await clock.turn(0)
  assert.deepEqual(woken, [['a', 5000]])
})

test('who is woken may ask for the next time', async () => {
  const clock = new FakeClock(instant(0))
  let count = 0
  const wakes: Wakes<Sleeper> = new Wakes(
    clock,
    (who) => {
      count++
      wakes.set(who, later(clock.now(), 1000))
    },
    () => assert.fail('the clock did not jump'),
  )
  wakes.set(a, instant(1000))
  await clock.turn(5500)
  assert.equal(count, 5)
})

test('a clock that jumps wakes everybody within a minute, and says by how much', async () => {
  for (const by of [-86_400_000, 86_400_000]) {
    const { clock, jumps, woken, wakes } = bed()
    wakes.set(a, instant(3_600_000))
    wakes.set(b, instant(7_200_000))
    await clock.turn(1000)
    clock.jump(later(clock.now(), by))
    await clock.turn(60_000)
    assert.deepEqual(woken.map(([name]) => name).sort(), ['a', 'b'])
    assert.deepEqual(jumps, [by])
  }
})

test('after stop nobody is woken', async () => {
  const { clock, woken, wakes } = bed()
  wakes.set(a, instant(1000))
  wakes.stop()
  wakes.set(b, instant(500))
  await clock.turn(2000)
  assert.deepEqual(woken, [])
})

test('however times are asked for, everybody is woken when they last asked', async () => {
  const asks = fc.array(fc.record({ who: fc.nat(7), in: fc.nat(50), turn: fc.nat(5) }), {
    maxLength: 60,
    size: 'max',
  })
  await fc.assert(
    fc.asyncProperty(asks, async (script) => {
      const clock = new FakeClock(instant(0))
      const wanted = new Map<Sleeper, number>()
      const wakes = new Wakes<Sleeper>(
        clock,
        (who) => {
          assert.equal(clock.now(), wanted.get(who))
          wanted.delete(who)
        },
        () => assert.fail('the clock did not jump'),
      )
      const sleepers = Array.from({ length: 8 }, (_, index) => ({ name: String(index) }))
      for (const ask of script) {
        const who = sleepers[ask.who]
        assert.ok(who)
        wanted.set(who, clock.now() + ask.in)
        wakes.set(who, later(clock.now(), ask.in))
        await clock.turn(ask.turn)
      }
      await clock.turn(100)
      assert.deepEqual([...wanted], [])
    }),
    { numRuns: 100 },
  )
})
