import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJuy } from './juy.ts'

/** Port, order, seconds, energy, money, reason, power, card and no price steps. */
function bill(port: number, reason: number): Uint8Array {
  const data = Buffer.alloc(33)
  data.writeUInt8(port, 0)
  data.writeUInt32LE(77, 1)
  data.writeUInt32LE(1000, 5)
  data.writeUInt32LE(16, 9)
  data.writeUInt8(reason, 17)
  return data
}

test('charging that ended for smoke or heat is an alarm of the station', () => {
  const end = (reason: number): unknown => decodeJuy({ command: 0x85, data: bill(3, reason) }).fields
  const port = (stopReason: string): unknown => ({
    3: { power: 0, energy: 0.16, seconds: 1000, stopReason },
  })
  assert.deepEqual(end(8), { smoke: true, ports: port('smoke') })
  assert.deepEqual(end(7), { heat: true, ports: port('hot') })
  assert.deepEqual(end(0), { ports: port('full') })
  assert.deepEqual(end(77), { ports: port('reason-77') })
})

test('a port that no station has is complained of, and an alarm beside it is not lost', () => {
  for (const port of [0, 65]) {
    const { fields, complaint } = decodeJuy({ command: 0x85, data: bill(port, 8) })
    assert.deepEqual([fields, complaint], [{ smoke: true }, `port ${port}`])
  }
})

test('a state that nobody knows is shown by its number', () => {
  const { fields } = decodeJuy({ command: 0x82, data: Uint8Array.of(20, 30, 2, 9, 3) })
  assert.deepEqual(fields['ports'], { 1: { state: 'state-9' }, 2: { state: 'relay-stuck' } })
})

test('a command that nobody knows, or data that do not fit, are complained of', () => {
  assert.deepEqual(decodeJuy({ command: 0x99, data: Uint8Array.of(1) }), {
    fields: {},
    complaint: 'command 99 with 1 bytes',
  })
  assert.equal(
    decodeJuy({ command: 0x82, data: Uint8Array.of(20, 30, 9) }).complaint,
    'command 82 with 3 bytes',
  )
  assert.equal(decodeJuy({ command: 0x87, data: new Uint8Array(6) }).complaint, undefined)
})
