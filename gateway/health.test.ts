import assert from 'node:assert/strict'
import test from 'node:test'
import { FakeClock, isoTime } from '../base/clock.ts'
import { Health } from './health.ts'

function listen() {
  const clock = new FakeClock()
  const said: string[] = []
  const say = (_fields: object, message: string): void => void said.push(message)
  return { clock, said, health: new Health(clock, { info: say, warn: say, error: say }) }
}

test('a state is shown since it is so, and logged when its word changes', async () => {
  const { clock, said, health } = listen()
  const since = isoTime(clock.now())
  health.state('camera', 'streaming', '25 fps')
  await clock.turn(1000)
  health.state('camera', 'streaming', '25 fps')
  assert.deepEqual(health.states(), [{ subject: 'camera', word: 'streaming', detail: '25 fps', since }])
  health.state('camera', 'streaming', '24 fps')
  health.state('camera', 'away')
  health.state('platform', 'delivering')
  assert.deepEqual(said, ['camera: streaming', 'camera: away', 'platform: delivering'])
  assert.deepEqual(
    health.states().map(({ subject, word, detail }) => [subject, word, detail]),
    [
      ['camera', 'away', ''],
      ['platform', 'delivering', ''],
    ],
  )
})

test('troubles are counted, with the last example, and logged once a second', async () => {
  const { clock, said, health } = listen()
  for (let count = 1; count <= 500; count++) health.trouble('frame-invalid', `frame ${count}`)
  assert.deepEqual(said, ['frame-invalid'])
  await clock.turn(1000)
  assert.equal(said.length, 2)
  assert.deepEqual(health.troubles(), [{ what: 'frame-invalid', count: 500, last: 'frame 500' }])
  health.trouble('long', 'x'.repeat(10_000))
  assert.equal(health.troubles()[1]?.last.length, 300)
  health.stop()
})
