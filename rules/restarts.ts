import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Static, TSchema } from 'typebox'
import type { QuantityId } from '../gateway/quantity.ts'
import type { RuleKind } from '../gateway/rule.ts'
import { RuleRun, type Values } from './rule-run.ts'

/** One message of a random story: after so many seconds, perhaps late, perhaps behind a restart. */
export interface Told {
  readonly wait: number
  readonly values: Values
  readonly late: number
  readonly device: string
  readonly restart: boolean
}

/** Random stories over these values, in which messages come late and the gateway is restarted. */
export const stories = (
  values: Readonly<Partial<Record<QuantityId, fc.Arbitrary<number | boolean>>>>,
  longestWait: number,
): fc.Arbitrary<readonly Told[]> =>
  fc.array(
    fc.record({
      wait: fc.integer({ min: 1, max: longestWait }),
      values: fc.record(values, { requiredKeys: [] }),
      late: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(longestWait)),
      device: fc.constantFrom('a', 'b'),
      restart: fc.boolean(),
    }),
    { maxLength: 60 },
  )

/** Tells a story to a rule; `restarts`: the gateway is run again where the story says so. */
export function toldTo<S extends TSchema, State>(
  kind: RuleKind<S, State>,
  settings: Static<S>,
  story: readonly Told[],
  restarts: boolean,
): RuleRun<S, State> {
  const run = new RuleRun(kind, settings)
  for (const { wait, values, late, device, restart } of story) {
    run.until(run.now + wait)
    if (restart && restarts) run.restart()
    run.say(values, { at: run.now - late }, device)
    assert.ok(JSON.stringify(run.state).length <= 4096, 'two devices are remembered in more than 2 KB each')
  }
  return run.until(run.now + longest(story))
}

const longest = (story: readonly Told[]): number =>
  story.reduce((most, { wait }) => Math.max(most, wait), 0) * 10

/** A gateway that is run again in the middle of anything raises and clears what it would have without. */
export function assertRestartsChangeNothing<S extends TSchema, State>(
  kind: RuleKind<S, State>,
  settings: Static<S>,
  told: fc.Arbitrary<readonly Told[]>,
): void {
  fc.assert(
    fc.property(told, (story) => {
      assert.deepEqual(toldTo(kind, settings, story, true).said, toldTo(kind, settings, story, false).said)
    }),
  )
}
