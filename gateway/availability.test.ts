import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from '../base/amount.ts'
import { availabilityOf, missedUntilBelieved, silenceOf, silentAfterOf } from './availability.ts'

test('six check-ins of a minute, five of five minutes and four of hours are missed before a device is', () => {
  const missed = (text: string): number => missedUntilBelieved(parseDuration(text))
  assert.equal(missed('60 s'), 6)
  assert.equal(missed('5 min'), 5)
  assert.deepEqual([missed('90 min'), missed('6 h'), missed('25 h')], [4, 4, 4])
})

test('at one message lost in twenty no interval makes more than one false alarm in 10,000 days', () => {
  let seen = 0
  for (let everyMs = 100; everyMs <= 7 * 86_400_000; everyMs = Math.ceil(everyMs * 1.07)) {
    const missed = missedUntilBelieved(everyMs)
    const rate = (n: number): number => (86_400_000 / everyMs) * 0.95 * 0.05 ** n
    assert.ok(rate(missed) <= 1.0000001e-4, `${everyMs} ms: ${missed}`)
    if (missed > 4) assert.ok(rate(missed - 1) > 1e-4, `${everyMs} ms: ${missed} are more than needed`)
    seen++
  }
  assert.ok(seen > 200, `saw ${seen}`)
})

test('chance agrees: false alarms of a device that says something every minute', () => {
  const missed = missedUntilBelieved(60_000)
  let state = 1
  let [inARow, alarms] = [0, 0]
  const days = 10_000
  for (let minute = 0; minute < days * 1440; minute++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const isLost = state / 2 ** 32 < 0.05
    inARow = isLost ? inARow + 1 : 0
    if (inARow === missed) alarms++
  }
  assert.ok(alarms <= 1, `${alarms} in ${days} days`)
})

test('a rule of a profile stands over what follows from its interval', () => {
  const given = { reportsEvery: 3_600_000, isPolled: false }
  assert.deepEqual(availabilityOf(undefined, given), { checksIn: 3_600_000, canBeAsked: false, missed: 5 })
  assert.deepEqual(availabilityOf({ checksIn: '24 h', missed: 2, canBeAsked: true }, given), {
    checksIn: 86_400_000,
    canBeAsked: true,
    missed: 2,
  })
  assert.equal(availabilityOf(undefined, { reportsEvery: 1000, isPolled: true }).canBeAsked, true)
})

test('a check-in may be a quarter of its interval late, and the silence is a span that people read', () => {
  const silence = (text: string): number => {
    const checksIn = parseDuration(text)
    return silenceOf({ checksIn, canBeAsked: false, missed: missedUntilBelieved(checksIn) })
  }
  const spans = { '60 s': '375 s', '5 min': '27 min', '6 h': '26 h', '24 h': '102 h' }
  for (const [every, silent] of Object.entries(spans)) assert.equal(silence(every), parseDuration(silent))
})

test('the silence of a device that is asked is longer than asking it again, however often it is asked', () => {
  const availability = availabilityOf(undefined, { reportsEvery: 1000, isPolled: true })
  const profile = { availability, silentAfter: silenceOf(availability) }
  assert.equal(silentAfterOf(profile, undefined), 300_000)
  assert.equal(silentAfterOf(profile, '1 s'), 300_000)
  assert.equal(silentAfterOf(profile, '10 min'), 73 * 60_000)
  const own = { ...profile, availability: { ...availability, canBeAsked: false }, silentAfter: 5000 }
  assert.equal(silentAfterOf(own, '10 min'), 5000)
})
