import assert from 'node:assert/strict'
import test from 'node:test'
import { demoFolder, shippedRooms } from '../commands/rooms.ts'
import { loadBox } from '../gateway/config.ts'
import { bindRules } from '../gateway/slots.ts'

test('the demo box is right, and each of its devices is watched by a rule', async () => {
  const box = await loadBox(demoFolder, await shippedRooms())
  assert.deepEqual(
    box.sites.map(({ id }) => id),
    ['lane-shop', 'shed-7'],
  )
  assert.ok(box.devices.size >= 7)
  const { byDevice } = bindRules(box)
  for (const { device, onHeard, onReading } of byDevice.values()) {
    assert.ok(onHeard.length > 0, `nobody would miss ${device.id}`)
    if (!['shed-7-door'].includes(device.id)) assert.ok(onReading.size > 0, `no rule reads ${device.id}`)
  }
})
