import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../base/clock.ts'
import { toReading } from '../gateway/reading.ts'
import alarm from './kinds/alarm.ts'

test('"how near" of an alarm is whether it alarmed at all', () => {
  const readings = [false, true, false].map((value, index) => toReading('smoke', '', value, instant(index)))
  const near = alarm.nearness?.({ quantity: 'smoke' })
  assert.deepEqual(near?.(readings), [{ text: 'smoke', value: true, unit: '', met: true, at: 1 }])
  assert.deepEqual(near(readings.slice(0, 1)), [{ text: 'smoke', value: false, unit: '', met: false, at: 0 }])
  assert.deepEqual(near([]), [{ text: 'smoke', unit: '', met: false }])
})
