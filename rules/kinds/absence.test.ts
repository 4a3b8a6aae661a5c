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
