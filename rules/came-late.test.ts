import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../base/clock.ts'
import { cameLate } from './came-late.ts'
import alarm from './kinds/alarm.ts'
import dwell from './kinds/dwell.ts'
import threshold from './kinds/threshold.ts'
import { RuleRun } from './rule-run.ts'

const late = (at: number, since: number, now: number): boolean =>
  cameLate(instant(at), instant(since), instant(now))

test('a reading from before what is known came late, also when the device’s own clock is ahead', () => {
  assert.equal(late(5, 10, 20), true)
  assert.equal(late(10, 10, 20), false)
  assert.equal(late(30, 40, 20), true)
})

test('a reading of now is not late because the clock was set back', () => {
  assert.equal(late(20, 1000, 20), false)
  assert.equal(late(19, 1000, 20), false)
})

test('every kind of rule hears the end of what began before the clock was set back', () => {
  const smoke = new RuleRun(alarm, { quantity: 'smoke' }).until(1000).say({ smoke: true })
  smoke.until(10).say({ smoke: false })
  assert.deepEqual(smoke.said.at(-1), { at: 10, is: 'clear', drill: false, ended: 10 })

  const hot = new RuleRun(threshold, { quantity: 'portTemperature', above: '70 °C', clearBelow: '60 °C' })
  hot.until(1000).say({ portTemperature: 80 }).until(10).say({ portTemperature: 20 })
  assert.deepEqual(hot.said.at(-1), { at: 10, is: 'clear', drill: false, ended: 10 })

  const beam = new RuleRun(dwell, { quantity: 'beamBlocked', for: '5 s' })
  beam.until(1000).say({ beamBlocked: true }).until(1006).until(10).say({ beamBlocked: false })
  assert.deepEqual(beam.said.at(-1), { at: 10, is: 'clear', drill: false, ended: 10 })
})
