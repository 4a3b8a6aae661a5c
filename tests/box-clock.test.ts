import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { instant, systemClock, type Clock, type Duration, type Instant } from '../base/clock.ts'
import {
  BEAM,
  BoxInProcess,
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  TestPlatform,
  troubleOf,
  until,
} from './box-rig.ts'

/** The system's clock whose wall time is set anew by someone; timers run on, as in the field. */
class JumpingClock implements Clock {
  #by = 0

  now(): Instant {
    return instant(systemClock.now() + this.#by)
  }

  ticks(): number {
    return systemClock.ticks()
  }

  after(wait: Duration, work: () => void): () => void {
    return systemClock.after(wait, work)
  }

  jump(by: Duration): void {
    this.#by += by
  }
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
const BEAMS = 8
const ROUND_MS = 200
/** Fifteen rounds: the clock is wrong in every way before a device that speaks could be taken for lost. */
const SILENT_AFTER = '3 s'

test('a clock that jumps loses no alarm, calls no living device lost, and a silent one still', async (t) => {
  const ids = Array.from({ length: BEAMS }, (_, index) => `beam-${index}`)
  const box = await makeBox(t, {
    shop: () => ids.map((id) => ({ id, profile: 'ir-beam', via: { mqtt: {} }, silentAfter: SILENT_AFTER })),
  })
  const clock = new JumpingClock()
  const platform = await TestPlatform.start(t, box, { clock })
  const gateway = await BoxInProcess.start(t, box, { clock })
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')
  const beams = await Promise.all(ids.map((id) => dial(t, box, id)))
  const sayAll = async (from: number): Promise<void> => {
    const speaking = beams.slice(from)
    await Promise.all(
      speaking.map((speaker, index) =>
        speaker.say(`ganglion/shop/beam-${index + from}/up`, { blocked: false }),
      ),
    )
    await pause(ROUND_MS)
  }
  const areLost = (): boolean => platform.revisionsOf('device-lost').length > 0

  for (let round = 0; round < 20; round++) {
    await sayAll(0)
    clock.jump(HOUR)
  }
  await bridge.say(SMOKE, smokePayload(true))
  await platform.gotCase('smoke')
  assert.ok(!areLost(), 'nobody is lost')
  const [smoke] = platform.received
  assert.ok(Math.abs(Date.parse(smoke?.since ?? '') - clock.now()) < HOUR, 'since is of the new time')
  const forward = gateway.report
  assert.ok(troubleOf(forward, 'clock jumped'), 'the jump is counted')

  await sayAll(0)
  clock.jump(-30 * DAY)
  await beam.say(BEAM, { blocked: true })
  await platform.gotCase('beyond-door')
  await bridge.say(SMOKE, smokePayload(false))
  await platform.got('the end of the smoke', (all) => all.some(({ clearedAt }) => clearedAt !== null))
  // The first beam has said its last word.
  await until('the case of the silent beam', async () => {
    await sayAll(1)
    return areLost()
  })
  assert.deepEqual(platform.revisionsOf('device-lost'), ['shop/beam-0:1'])
  await gateway.healthy('an empty outbox', ({ delivery }) => delivery[0]?.waiting === 0)
})

test('a dwell that began before the clock was set back ends in its own time', async (t) => {
  const box = await makeBox(t)
  const clock = new JumpingClock()
  const platform = await TestPlatform.start(t, box, { clock })
  await BoxInProcess.start(t, box, { clock })
  const beam = await dial(t, box, 'beam')
  // Within its 100 ms, and nothing is heard of the beam afterwards.
  await beam.say(BEAM, { blocked: true })
  clock.jump(-DAY)
  await platform.gotCase('beyond-door')
})
