import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { RuleRun } from '../rule-run.ts'
import absence from './absence.ts'

const run = (silentAfter = 6000) => new RuleRun(absence, {}, { silentAfter }).restart()

test('a device is lost when it was silent for its time, and found with its next message', () => {
  const place = run().until(2).heard().until(20).heard().until(22)
  assert.deepEqual(place.said, [
    { at: 8, is: 'raise', drill: false, since: 2 },
    { at: 20, is: 'clear', drill: false, ended: 20 },
  ])
  assert.deepEqual(place.raises[0]?.words, { for: '6 s' })
})

test('a device that never says anything is lost after its time', () => {
  assert.deepEqual(run().until(30).said, [{ at: 6, is: 'raise', drill: false, since: 0 }])
})

test('a message of a device that is there makes nothing and writes nothing', () => {
  const place = run()
  for (let second = 0; second < 100; second++) place.until(second).heard()
  assert.equal(place.writes, 0)
  const step = absence.ready({}, { silentAfter: 6000 } as Parameters<typeof absence.ready>[1]) // asks for no more
  const seen = { kind: 'heard', deviceId: 'a' } as const
  assert.equal(step(absence.start, seen, instant(1)), step(absence.start, seen, instant(2)))
})

test('the time in which the gateway was off is no silence of the device', () => {
  const place = run().until(4).heard().restart(500)
  assert.deepEqual(place.until(505).said, [])
  assert.deepEqual(place.until(506).said, [{ at: 506, is: 'raise', drill: false, since: 500 }])
})

test('a device that was lost before the restart is still lost, and raised once', () => {
  const place = run().until(10).restart(100).until(200)
  assert.equal(place.said.length, 1)
  assert.deepEqual(place.heard().said.at(-1), { at: 200, is: 'clear', drill: false, ended: 200 })
})

test('what was silent before a restart has what is left of its time, and a quarter of it at least', () => {
  const step = absence.ready({}, { silentAfter: 6000 } as Parameters<typeof absence.ready>[1]) // asks for no more
  const seen = (lastHeard: number) => ({
    kind: 'wake' as const,
    lastHeard: instant(lastHeard),
    startedAt: instant(100_000),
  })
  assert.deepEqual(step(absence.start, seen(98_000), instant(100_000)), {
    state: absence.start,
    wakeAt: 104_000,
  })
  assert.equal(step(absence.start, seen(94_500), instant(100_000)).wakeAt, 101_500)
  assert.equal(step(absence.start, seen(94_500), instant(101_500)).raise?.since, 94_500)
})

test('a device that was asked in vain is lost at once, and how long it was silent is no more than it was', () => {
  const step = absence.ready({}, { silentAfter: 120_000 } as Parameters<typeof absence.ready>[1]) // asks for no more
  const wake = { kind: 'wake', lastHeard: instant(1000), isUnanswered: true } as const
  const { state, raise } = step(absence.start, wake, instant(14_700))
  assert.deepEqual([raise?.since, raise?.words], [1000, { for: '13 s' }])
  assert.equal(step(state, wake, instant(15_000)).raise, undefined)
  const heardAgain = step(state, { kind: 'heard', deviceId: 'a' }, instant(20_000))
  assert.deepEqual(heardAgain.clear, { at: 20_000, drill: false })
  assert.deepEqual(step(absence.start, wake, instant(200_000)).raise?.words, { for: '2 min' })
})

test('a clock that was set back does not put the next look years away', () => {
  const step = absence.ready({}, { silentAfter: 6000 } as Parameters<typeof absence.ready>[1]) // asks for no more
  const { wakeAt } = step(absence.start, { kind: 'wake', lastHeard: instant(9_000_000) }, instant(1000))
  assert.equal(wakeAt, 7000)
})

test('the limit stands in the text in its largest whole unit', () => {
  const words = [500, 90_000, 90_000_000, 172_800_000].map(
    (ms) => run(ms).until(200_000).raises[0]?.words['for'],
  )
  assert.deepEqual(words, ['500 ms', '90 s', '25 h', '2 d'])
})

test('a device is lost once for every silence that is long enough', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 })), (waits) => {
      const place = run()
      for (const wait of waits) place.until(place.now + wait).heard()
      const silences = waits.filter((wait) => wait >= 6).length
      assert.equal(place.said.filter(({ is }) => is === 'raise').length, silences)
      assert.equal(place.said.filter(({ is }) => is === 'clear').length, silences)
    }),
  )
})

const said = { quantity: 'temperature', every: '80 s' } as const

test('a quantity that is not said for its time is missed, though the device says other things', () => {
  const place = new RuleRun(absence, said).until(5).say({ temperature: 20 })
  for (let second = 10; second < 200; second += 10) place.until(second).say({ battery: 90 })
  assert.deepEqual(place.said, [{ at: 95, is: 'raise', drill: false, since: 5 }])
  assert.deepEqual(place.raises[0]?.words, { for: '80 s' })
  place.until(300).say({ temperature: 20 })
  assert.deepEqual(place.said.at(-1), { at: 300, is: 'clear', drill: false, ended: 300 })
})

test('a quantity that is never said is missed after its time', () => {
  assert.deepEqual(new RuleRun(absence, said).restart(0).until(200).said, [
    { at: 90, is: 'raise', drill: false, since: 0 },
  ])
})

test('readings of a quantity are written no more than eight times in its span', () => {
  const place = new RuleRun(absence, said)
  for (let second = 0; second < 800; second++) place.until(second).say({ temperature: 20 })
  assert.deepEqual(place.said, [])
  assert.ok(place.writes <= 80, String(place.writes))
})

test('neither the absence of the gateway nor a clock that jumps is a silence of the quantity', () => {
  const place = new RuleRun(absence, said).say({ temperature: 20 }).restart(5000)
  assert.deepEqual(place.until(5089).said, [])
  assert.equal(place.until(5090).said.length, 1)
  const jumped = new RuleRun(absence, said).say({ temperature: 20 }).until(40).jump(9000)
  assert.deepEqual(jumped.until(jumped.now + 49).said, [])
  assert.equal(jumped.until(jumped.now + 1).said.length, 1)
})

test('a bad reading says nothing', () => {
  const place = new RuleRun(absence, said).say({ temperature: 20 })
  for (let second = 10; second < 100; second += 10) place.until(second).say({ temperature: 999 })
  assert.equal(place.said.length, 1)
})

test('a quantity and how often it has to be said belong together', () => {
  assert.equal(absence.check?.({ quantity: 'temperature' }).length, 1)
  assert.equal(absence.check({ quantity: 'temperature', every: '10 ms' }).length, 1)
  assert.equal(absence.check(said).length, 0)
})

test('a quantity is missed in every silence that is longer than its span and an eighth, and in none that is shorter', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ wait: fc.integer({ min: 1, max: 200 }), restart: fc.boolean() }), {
        maxLength: 30,
      }),
      (steps) => {
        const place = new RuleRun(absence, said).say({ temperature: 20 })
        let last = 0
        for (const { wait, restart } of steps) {
          const before = place.said.length
          place.until(place.now + wait)
          if (restart) {
            place.restart()
            last = Math.max(last, place.now)
          }
          const isLost = place.said.at(-1)?.is === 'raise'
          const silence = place.now - last
          if (!restart && silence < 80) assert.equal(place.said.length, before)
          if (silence > 90) assert.ok(isLost)
          place.say({ temperature: 20 })
          last = place.now
        }
      },
    ),
  )
})
