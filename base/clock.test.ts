import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock, instant, isoTime, later, pause, systemClock } from './clock.ts'

test('timers run in the order of their times, those of one time in the order they were set', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  clock.after(20, () => ran.push('late'))
  clock.after(10, () => ran.push('first'))
  clock.after(10, () => ran.push('second'))
  clock.after(-5, () => ran.push('at once'))
  clock.after(30, () => ran.push('not yet'))
  await clock.turn(29)
  assert.deepEqual(ran, ['at once', 'first', 'second', 'late'])
})

test('a timer sees its own time, and the one it sets in turn runs when due', async () => {
  const clock = new FakeClock(instant(1000))
  const seen: [number, number][] = []
  const tick = (): void => {
    seen.push([clock.now(), clock.ticks()])
    clock.after(10, tick)
  }
  clock.after(10, tick)
  await clock.turn(35)
  assert.deepEqual(seen, [
    [1010, 10],
    [1020, 20],
    [1030, 30],
  ])
  assert.deepEqual([clock.now(), clock.ticks()], [1035, 35])
})

test('what a timer sets free goes on before the next timer runs', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  const waits = async (): Promise<void> => {
    await pause(clock, 10)
    await Promise.resolve()
    ran.push('after the pause')
  }
  const done = waits()
  clock.after(11, () => ran.push('next timer'))
  await clock.turn(20)
  await done
  assert.deepEqual(ran, ['after the pause', 'next timer'])
})

test('a cancelled timer does not run', async () => {
  const clock = new FakeClock()
  const cancel = clock.after(10, () => assert.fail('it ran'))
  cancel()
  cancel()
  await clock.turn(20)
})

test('the wall clock jumps, ticks and timers do not', async () => {
  const clock = new FakeClock('2026-03-02T08:00:00+08:00')
  let ranAt = ''
  clock.after(1000, () => (ranAt = isoTime(clock.now())))
  clock.jump(instant(Date.parse('2020-01-01T00:00:00Z')))
  await clock.turn(999)
  assert.equal(ranAt, '')
  await clock.turn(1)
  assert.equal(ranAt, '2020-01-01T00:00:01.000Z')
  assert.equal(clock.ticks(), 1000)
})

test('a pause ends with its time, or at once with the reason of the abort', async () => {
  const clock = new FakeClock()
  const reason = new Error('stopped')
  const aborted = AbortSignal.abort(reason)
  await assert.rejects(pause(clock, 10, aborted), reason)
  const abort = new AbortController()
  let cancelled = 0
  const counting = {
    now: () => clock.now(),
    ticks: () => clock.ticks(),
    after: () => () => cancelled++,
  }
  const broken = pause(counting, 10, abort.signal)
  abort.abort(reason)
  await assert.rejects(broken, reason)
  assert.equal(cancelled, 1, 'its timer is left behind')
  let isOver = false
  const over = pause(clock, 10, new AbortController().signal).then(() => (isOver = true))
  await clock.turn(9)
  assert.equal(isOver, false)
  await clock.turn(1)
  await over
})

test('the clock of the system runs its timers once, and ticks never go back', async () => {
  const cancel = systemClock.after(0, () => assert.fail('it ran'))
  cancel()
  const before = systemClock.ticks()
  await new Promise<void>((resolve) => systemClock.after(-1, resolve))
  await new Promise<void>((resolve) => systemClock.after(1, resolve))
  assert.ok(systemClock.ticks() > before)
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 60_000)
  // setTimeout would fire at once.
  systemClock.after(1e12, () => assert.fail('it ran'))()
})

test('times are written in UTC with milliseconds', () => {
  assert.equal(isoTime(later(instant(0), 86_400_001)), '1970-01-02T00:00:00.001Z')
})
