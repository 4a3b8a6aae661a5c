import type { Reading } from '../gateway/reading.ts'
import type { Compared } from '../gateway/rule.ts'

/**
 * 差多少: of each comparison the moment at which it came nearest, over readings of one place. `take` is what the rule
 * remembers, `look` what its comparisons come to, always as many.
 */
export function nearestOf<State>(
  readings: readonly Reading[],
  start: State,
  take: (state: State, reading: Reading) => State,
  look: (state: State) => readonly Compared[],
): readonly Compared[] {
  let state = start
  let nearest = look(state)
  for (const reading of readings) {
    state = take(state, reading)
    nearest = look(state).map((now, index) => {
      const before = nearest[index]
      return before && !isNearer(now, before) ? before : { ...now, at: reading.at }
    })
  }
  return nearest
}

function isNearer(now: Compared, before: Compared): boolean {
  if (now.met !== before.met) return now.met
  if (before.value === undefined) return now.value !== undefined
  return (now.margin ?? -Infinity) > (before.margin ?? -Infinity)
}
