import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import type { QuantityId } from '../quantity.ts'
import { toReading } from '../reading.ts'
import { stepDoor, unseen, type DoorLimits, type DoorSeen, type DoorState } from './door-state.ts'

const limits: DoorLimits = { expectedMs: 5000, heldAfterMs: 30_000, seesLeaving: true }

type Said = Readonly<Partial<Record<QuantityId | 'strike', boolean>>>

const readings = (said: Said): DoorSeen => ({
  kind: 'readings',
  readings: Object.entries(said).map(
    ([name, value]) =>
      name === 'strike'
        ? toReading('switchOn', 'strike', value, instant(0))
        : toReading(name as QuantityId, '', value, instant(0)), // keys of Said
  ),
})

/** A door that is told one thing after the other; answers what it says of itself, by second. */
function told(
  story: readonly (readonly [second: number, seen: DoorSeen | Said])[],
  own = limits,
): readonly string[] {
  let state: DoorState = unseen
  const said: string[] = []
  for (const [second, what] of story) {
    const seen = 'kind' in what ? what : readings(what) // a Said has no such quantity
    const step = stepDoor(own, state, seen, second * 1000)
    state = step.state
    for (const [quantity, value] of Object.entries(step.says)) said.push(`${second} ${quantity} ${value}`)
  }
  return said
}

const shut = [0, { doorOpen: false }] as const
const begins = ['0 doorHeldOpen false', '0 doorForced false']

test('a door that opens within the time of a grant is not forced, and one that opens after it is', () => {
  assert.deepEqual(
    told([shut, [10, { kind: 'let-through' }], [14, { doorOpen: true }], [16, { doorOpen: false }]]),
    begins,
  )
  assert.deepEqual(
    told([shut, [10, { kind: 'let-through' }], [16, { doorOpen: true }], [18, { doorOpen: false }]]),
    [...begins, '16 doorForced true', '18 doorForced false'],
  )
})

test('who leaves by the button, by a linked strike or by the fire release forces nothing', () => {
  for (const way of ['exitButton', 'strike', 'fireRelease'] as const)
    assert.deepEqual(
      told([shut, [10, { [way]: true, doorOpen: true }], [11, { [way]: false, doorOpen: false }]]),
      begins,
    )
})

test('nothing is called forced where it cannot be seen that somebody leaves', () => {
  const blind = { ...limits, seesLeaving: false }
  assert.deepEqual(told([shut, [10, { doorOpen: true }]], blind), ['0 doorHeldOpen false'])
})

test('a door is held open from its limit on until it is shut', () => {
  assert.deepEqual(
    told([
      shut,
      [1, { kind: 'let-through' }],
      [2, { doorOpen: true }],
      [31, { kind: 'wake' }],
      [32, { kind: 'wake' }],
      [40, { doorOpen: true }],
      [50, { doorOpen: false }],
    ]),
    [...begins, '32 doorHeldOpen true', '50 doorHeldOpen false'],
  )
})

test('what the fire alarm holds open is held by nobody until the alarm lets go', () => {
  assert.deepEqual(
    told([
      shut,
      [1, { fireRelease: true, doorOpen: true }],
      [600, { kind: 'wake' }],
      [601, { fireRelease: false, doorOpen: true }],
      [630, { kind: 'wake' }],
      [631, { kind: 'wake' }],
    ]),
    [...begins, '631 doorHeldOpen true'],
  )
})

test('what happened while its line was lost is not called forced', () => {
  assert.deepEqual(told([shut, [10, { kind: 'lost' }], [100, { doorOpen: true }]]), [
    ...begins,
    '100 doorHeldOpen false',
    '100 doorForced false',
  ])
})

test('a bad reading of the contact moves nothing', () => {
  const bad: DoorSeen = {
    kind: 'readings',
    readings: [{ ...toReading('doorOpen', '', true, instant(0)), quality: 'bad' }],
  }
  assert.deepEqual(told([shut, [10, bad]]), begins)
})

const flag = fc.option(fc.boolean(), { nil: undefined })
const anySeen: fc.Arbitrary<DoorSeen> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ doorOpen: flag, exitButton: flag, fireRelease: flag, strike: flag })
      .map((said) => readings(defined(said))),
  },
  fc.constantFrom<DoorSeen>({ kind: 'wake' }, { kind: 'let-through' }, { kind: 'lost' }),
)

const defined = (said: Readonly<Record<string, boolean | undefined>>): Said =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))

test('in any story: each word is news, a shut door is neither forced nor held, and force comes only when nobody was let through', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), anySeen), { maxLength: 60 }),
      (story) => {
        let state = unseen
        let now = 0
        let lastLetThrough = -Infinity
        let isReleased = false
        const known = new Map<string, boolean>()
        for (const [wait, seen] of story) {
          now += wait
          const step = stepDoor(limits, state, seen, now)
          const before = state
          state = step.state
          if (seen.kind === 'lost') known.clear()
          const said = (quantity: QuantityId, part = ''): boolean | undefined =>
            seen.kind === 'readings'
              ? (seen.readings.find((one) => one.quantity === quantity && one.part === part)?.value as
                  boolean | undefined)
              : undefined
          isReleased = said('fireRelease') ?? isReleased
          if (
            seen.kind === 'let-through' ||
            (seen.kind === 'readings' && (said('exitButton') || said('switchOn', 'strike') || isReleased))
          )
            lastLetThrough = now
          for (const [quantity, value] of Object.entries(step.says)) {
            assert.notEqual(known.get(quantity), value, `${quantity} said twice`)
            known.set(quantity, value)
          }
          if (state.isOpen === false) assert.deepEqual([state.isForced, state.isHeld], [false, false])
          if (state.isForced && !before.isForced) {
            assert.equal(before.isOpen, false)
            assert.ok(now - lastLetThrough > limits.expectedMs)
          }
          if (state.isHeld && !before.isHeld)
            assert.ok(now - state.openSince >= limits.heldAfterMs && !isReleased)
          if (step.wakeAt !== undefined) assert.ok(step.wakeAt > now)
        }
      },
    ),
    { numRuns: 500 },
  )
})
