import { pause, type Clock, type Duration } from '../base/clock.ts'
import type { FaultName } from './faults.ts'
import type { Happening, Scenario } from './scenario.ts'

/** One step of the play: a happening, or the end of a fault. */
export type Step =
  | Happening
  | { readonly at: Duration; readonly kind: 'fault-ends'; readonly on: string; readonly name: FaultName }

/** The time line with the ends of its faults, in the order of time; no fault outlives the scenario. */
export function stepsOf({ timeline, length }: Pick<Scenario, 'timeline' | 'length'>): readonly Step[] {
  const ends = timeline.flatMap((happening): Step[] => {
    // Announcing anew is a moment and not a state.
    if (happening.kind !== 'fault' || happening.name === 'reannounce') return []
    const { at, on, name } = happening
    return [{ at: Math.min(length, at + (happening.for ?? length)), kind: 'fault-ends', on, name }]
  })
  return [...timeline, ...ends].toSorted((a, b) => a.at - b.at)
}

/** Does every step at its time and answers when the scenario's length is over. */
export async function play(
  scenario: Scenario,
  clock: Clock,
  signal: AbortSignal,
  act: (step: Step) => Promise<void>,
): Promise<void> {
  const start = clock.ticks()
  for (const step of stepsOf(scenario)) {
    await pause(clock, start + step.at - clock.ticks(), signal)
    await act(step)
  }
  await pause(clock, start + scenario.length - clock.ticks(), signal)
}

/** A step as one line that people read. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'set': {
      const values = Object.entries(step.values).map(([key, value]) => `${key} ${value}`)
      return `${step.device}: ${values.join(', ')}`
    }
    case 'scene':
      return `${step.device}: sees ${step.scene}`
    case 'fault':
      return `${step.on}: fault ${step.name}`
    case 'fault-ends':
      return `${step.on}: fault ${step.name} ends`
  }
}
