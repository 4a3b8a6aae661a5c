import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { deviceOf } from '../../tests/transport-suite.ts'
import { Draft } from '../draft.ts'
import { toReading, type Reading } from '../reading.ts'
import type { DoorDevice } from './doors.ts'
import { Doors } from './doors.ts'

const gate: DoorDevice = {
  ...deviceOf('gate', 'door-controller', {}),
  door: {
    readers: ['gate'],
    part: '',
    leaving: 'handle',
    lock: 'fail-safe',
    expectedMs: 5000,
    heldAfterMs: 30_000,
  },
}

/** A door whose box can be held from storing what it says. */
function watched(last: readonly Reading[] = []) {
  const clock = new FakeClock()
  const noted: string[] = []
  const rig = {
    clock,
    noted,
    doors: new Doors({ clock, devices: new Map([['gate', gate]]), readingsOf: () => last }),
    isFull: false,
  }
  rig.doors.start(async (_id, readings) => {
    if (rig.isFull) throw new Error('full')
    noted.push(...readings.map(({ quantity, value }) => `${quantity} ${String(value)}`))
  })
  const say = (isOpen: boolean, draft = new Draft()): readonly string[] =>
    rig.doors
      .follow(draft, 'gate', [toReading('doorOpen', '', isOpen, clock.now())])
      .map(({ quantity, value }) => `${quantity} ${String(value)}`)
  return { ...rig, rig, say }
}

test('what could not be stored is said again with the next message', () => {
  const { say } = watched()
  say(false)
  const draft = new Draft()
  assert.deepEqual(say(true, draft), ['doorForced true'])
  draft.undo()
  assert.deepEqual(say(true), ['doorForced true'])
})

test('that a door is held open is said when its time has come, and again until it is stored', async () => {
  const { clock, doors, noted, rig, say } = watched()
  say(false)
  doors.letThrough('gate')
  assert.deepEqual(say(true), [])
  rig.isFull = true
  await clock.turn(30_500)
  assert.deepEqual(noted, [])
  rig.isFull = false
  await clock.turn(1000)
  assert.deepEqual(noted, ['doorHeldOpen true'])
  await clock.turn(60_000)
  assert.deepEqual(noted, ['doorHeldOpen true'])
  assert.deepEqual(say(false), ['doorHeldOpen false'])
})

test('a door that was forced before a restart stays so until it is seen shut', () => {
  const clock = new FakeClock()
  const { say } = watched([toReading('doorForced', '', true, clock.now())])
  assert.deepEqual(say(true), ['doorHeldOpen false', 'doorForced true'])
  assert.deepEqual(say(false), ['doorForced false'])
})

test('a changed box knows the doors that stay as before, and forgets those that are gone', () => {
  const { doors, say } = watched()
  say(false)
  doors.replan(new Map([['gate', { ...gate, door: { ...gate.door, heldAfterMs: 1000 } }]]))
  assert.deepEqual(say(true), ['doorForced true'])
  doors.replan(new Map())
  assert.deepEqual([say(false), doors.all(), doors.ofReader('gate')], [[], [], undefined])
})
