import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeGbUnit, type GbUnit } from '../../wire/gb26875-units.ts'
import { decodeGb26875, type GbSaid } from './gb26875.ts'

const time = { second: 2, minute: 58, hour: 9, day: 26, month: 9, year: 26 }
const at = Date.parse('2026-09-26T09:58:02+08:00')
const panel = { systemType: 1, system: 1 }
const component = { zone: 2, point: 1 }
const detector = { ...panel, componentType: 42, component }

function only(unit: GbUnit): GbSaid {
  const { said, complaint } = decodeGb26875(encodeGbUnit(unit))
  assert.equal(complaint, undefined)
  assert.equal(said.length, 1)
  assert.ok(said[0])
  return said[0]
}

test('a fire is a fire with the bit for "test" as well as without it, and never a test', () => {
  for (const state of [2, 3]) {
    const { of, fields } = only({ type: 2, objects: [{ ...detector, state, description: '', time }] })
    assert.deepEqual(of, { system: 1, component })
    assert.equal(fields['fire'], true)
    assert.equal('test' in fields, false)
  }
})

test('every bit of a state is said by its name', () => {
  const componentBits = [
    'normal',
    'fire',
    'fault',
    'shielded',
    'supervised',
    'started',
    'feedback',
    'delayed',
    'powerFault',
  ]
  for (const [bit, name] of componentBits.entries()) {
    const { fields } = only({ type: 2, objects: [{ ...detector, state: 1 << bit, description: '', time }] })
    const set = Object.entries(fields).filter(([, value]) => value === true)
    assert.deepEqual(set, [[name, true]])
  }
  const systemBits = [
    ...componentBits.slice(0, 8),
    'mainsFault',
    'backupFault',
    'busFault',
    'manual',
    'configChanged',
  ]
  for (const [bit, name] of systemBits.entries()) {
    const { fields } = only({ type: 1, objects: [{ ...panel, state: 1 << bit, time }] })
    assert.deepEqual(
      Object.entries(fields).filter(([, value]) => value === true),
      [[name, true]],
    )
  }
  const ownBits = ['normal', 'fire', 'fault', 'mainsFault', 'backupFault', 'centreFault', 'lineFault']
  for (const [bit, name] of ownBits.entries()) {
    const { of, fields } = only({ type: 21, objects: [{ state: 1 << bit, time }] })
    assert.deepEqual(of, {})
    assert.deepEqual(
      Object.entries(fields).filter(([, value]) => value === true),
      [[name, true]],
    )
  }
})

test('analog values are in plain units, those of a maker are raw under their number', () => {
  const value = (analog: number, raw: number): unknown =>
    only({ type: 3, objects: [{ ...detector, analog, value: raw, time }] }).fields
  assert.deepEqual(value(3, 655), { temperature: 65.5 })
  assert.deepEqual(value(3, -105), { temperature: -10.5 })
  assert.deepEqual(value(2, 125), { height: 1.25 })
  assert.deepEqual(value(6, 250), { gasLel: 25 })
  assert.deepEqual(value(8, 2287), { voltage: 228.7 })
  assert.deepEqual(value(9, 123), { current: 12.3 })
  assert.deepEqual(value(128, 412), { user: { 128: 412 } })
})

test('an event has its own time, and none when its clock is dead', () => {
  const unit = (when: typeof time): GbUnit => ({ type: 21, objects: [{ state: 2, time: when }] })
  assert.equal(only(unit(time)).time, at)
  assert.equal('time' in only(unit({ ...time, month: 0 })), false)
})

test('a reset, or an alarm that is over, ends what stood; a pressed alarm button is a fire', () => {
  const operated = (operation: number): GbSaid =>
    only({ type: 4, objects: [{ ...panel, operation, operator: 1, time }] })
  for (const operation of [0x01, 0x08, 0x09]) {
    assert.deepEqual(operated(operation).fields, { fire: false })
    assert.equal(operated(operation).resets, true)
  }
  for (const operation of [0x04, 0x05]) {
    assert.deepEqual(operated(operation).fields, { fire: true })
    assert.equal(operated(operation).resets, undefined)
  }
  // Mute, self-test, duty answered, test.
  for (const operation of [0x02, 0x10, 0x20, 0x40]) assert.deepEqual(operated(operation).fields, {})
  assert.equal(only({ type: 1, objects: [{ ...panel, state: 1 << 13, time }] }).resets, true)
  assert.equal(only({ type: 1, objects: [{ ...panel, state: (1 << 13) | 2, time }] }).resets, undefined)
})

test('a heartbeat, versions, configurations and clocks are signs of life', () => {
  assert.deepEqual(decodeGb26875(new Uint8Array()), { said: [{ of: {}, fields: {} }] })
  const units: GbUnit[] = [
    { type: 5, objects: [{ ...panel, major: 1, minor: 2 }] },
    { type: 6, objects: [{ ...panel, text: '1#' }] },
    { type: 7, objects: [{ ...detector, description: '' }] },
    { type: 8, objects: [{ ...panel, time }] },
    { type: 25, objects: [{ major: 1, minor: 1 }] },
    { type: 26, objects: [{ text: '' }] },
    { type: 28, objects: [{ time }] },
  ]
  for (const unit of units) assert.deepEqual(only(unit), { of: {}, fields: {} })
})

test('what is not understood is a sign of life with a complaint; what does not fit is to be denied', () => {
  const unknown = decodeGb26875(Uint8Array.of(200, 1, 7))
  assert.deepEqual([unknown.said.length, unknown.complaint], [1, 'data of type 200'])
  assert.equal(
    decodeGb26875(Uint8Array.of(90, 1, 0, 0, 0, 1, 1, 20)).complaint,
    'data of type 90, which go down',
  )
  assert.equal(decodeGb26875(Uint8Array.of(2, 0)).complaint, 'data without an object')
  const wrong = decodeGb26875(Uint8Array.of(2, 1, 0))
  assert.deepEqual([wrong.said, wrong.isWrong], [[], true])
})

test('each object of a frame speaks for itself', () => {
  const second = { ...detector, component: { zone: 2, point: 7 }, state: 4, description: '', time }
  const first = { ...detector, state: 2, description: '车棚', time }
  const { said } = decodeGb26875(encodeGbUnit({ type: 2, objects: [first, second] }))
  assert.deepEqual(
    said.map(({ of, fields }) => [of.component?.point, fields['fire'], fields['fault']]),
    [
      [1, true, false],
      [7, false, true],
    ],
  )
  assert.equal(said[0]?.called, 'type 42 "车棚"')
})

test('whatever the data hold, they are judged and nothing is thrown', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (data) => void decodeGb26875(data)))
})
