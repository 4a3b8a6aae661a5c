import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GanglionError } from '../../base/errors.ts'
import { deviceOf, OpenIntake, startTransport } from '../../tests/transport-suite.ts'
import self from './self.ts'

test('the box speaks of itself at its interval and says how it is then', async (t) => {
  const intake = new OpenIntake()
  let asked = 0
  const running = await startTransport(
    t,
    self,
    {
      devices: [deviceOf('box-1', 'ganglion-box', { every: '10 s' })],
      ownState: () => ({ diskFree: 50 - asked++ }),
    },
    { intake },
  )
  await running.clock.turn(20_000)
  assert.deepEqual(
    intake.accepted.map(({ deviceId, fields }) => [deviceId, fields]),
    [50, 49, 48].map((diskFree) => ['box-1', { diskFree }]),
  )
})

test('the box goes on to speak of itself when the store could not take it once', async (t) => {
  const intake = new OpenIntake()
  const { clock } = await startTransport(
    t,
    self,
    { devices: [deviceOf('box-1', 'ganglion-box', { every: '10 s' })] },
    { intake },
  )
  intake.gate = () => Promise.reject(new GanglionError('store-full', 'full', { retry: 'later' }))
  await clock.turn(10_000)
  intake.gate = () => Promise.resolve()
  const before = intake.accepted.length
  await clock.turn(10_000)
  assert.equal(intake.accepted.length, before + 1)
})
