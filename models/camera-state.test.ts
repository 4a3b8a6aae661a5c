import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cameraStates, waitAfter, type CameraFault } from './camera-state.ts'

const faults = Object.keys(cameraStates).filter(
  (word) => word !== 'seeing' && word !== 'connecting',
) as CameraFault[] // all but the two that are no faults

test('a wrong password is tried three times and then left alone for five minutes', () => {
  const waits = [1, 2, 3, 4].map((failures) => waitAfter('auth-refused', failures, 0.5))
  assert.deepEqual(waits, [2000, 4000, 300_000, 300_000])
})

test('a full camera is asked again after 30 s and at last every 5 min', () => {
  const waits = [1, 2, 3, 4, 5, 50].map((failures) => waitAfter('full', failures, 1))
  assert.deepEqual(waits, [30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
})

test('property: every fault waits between 0.8 s and 5 min, and never less after more failures', () => {
  assert.ok(faults.length > 5)
  fc.assert(
    fc.property(
      fc.constantFrom(...faults),
      fc.integer({ min: 1, max: 1000 }),
      fc.float({ min: 0, max: 1, noNaN: true }),
      (fault, failures, chance) => {
        const wait = waitAfter(fault, failures, chance)
        assert.ok(wait >= 800 && wait <= 300_000)
        assert.ok(waitAfter(fault, failures + 1, chance) >= wait)
      },
    ),
  )
})
