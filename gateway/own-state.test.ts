import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock, instant } from '../base/clock.ts'
import { Health } from './health.ts'
import { OwnState } from './own-state.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

test('the box says how full its disk is, whether its clock was set and how long the platform is away', async (t) => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'own-state-'))
  t.after(() => rmSync(dataFolder, { recursive: true }))
  const clock = new FakeClock()
  const health = new Health(clock, silent)
  t.after(() => health.stop())
  const own = new OwnState({ clock, dataFolder, states: () => health.states(), connectors: ['platform'] })

  const { diskFree, ...well } = own.fields()
  assert.ok(typeof diskFree === 'number' && diskFree >= 0 && diskFree <= 100)
  assert.deepEqual(well, { clockUnset: false, platformAway: 0 })

  health.state('platform', 'away', 'refused')
  health.state('a camera', 'away', 'not a connector')
  await clock.turn(60_000)
  health.state('platform', 'away', 'timed out')
  await clock.turn(30_000)
  own.peerTime(instant(clock.now() + 5000))
  assert.deepEqual(own.fields(), { diskFree, clockUnset: false, clockOff: 5, platformAway: 90 })

  clock.jump(instant(0))
  assert.equal(own.fields()['clockUnset'], true)
})
