import { Type } from 'typebox'
import { later, type Instant } from '../../base/clock.ts'
import type { RuleKind, Step } from '../../gateway/rule.ts'

const AbsenceSettings = Type.Object({}, { additionalProperties: false })

/** A device that is heard has nothing to remember. */
interface AbsenceMemo {
  readonly lostSince?: Instant
}

const heard: AbsenceMemo = Object.freeze({})

/** Every message of every device passes here: nothing is made for it. The wake of before looks again. */
const nothingNew: Step<AbsenceMemo> = Object.freeze({ state: heard })

/**
 * 失联: raises when the device was silent for longer than its site file or profile allows; clears with its next
 * message. `since` is when it was last heard.
 */
const absence: RuleKind<typeof AbsenceSettings, AbsenceMemo> = {
  settings: AbsenceSettings,
  wants: () => [],
  words: ['for'],
  start: heard,
  ready:
    (_settings, { silentAfter }) =>
    (state, seen, now) => {
      const isLost = state.lostSince !== undefined
      if (seen.kind === 'heard') {
        if (!isLost) return state === heard ? nothingNew : { state }
        return { state: heard, clear: { at: now, drill: false }, wakeAt: later(now, silentAfter) }
      }
      if (seen.kind === 'readings' || isLost) return { state }
      // A clock that was set back would put the last word into the future, and the next look years away.
      const last = seen.lastHeard === undefined || seen.lastHeard > now ? now : seen.lastHeard
      const due = later(last, silentAfter)
      if (now < due) return { state, wakeAt: due }
      return {
        state: { lostSince: last },
        raise: { since: last, drill: false, readings: [], words: { for: spanText(silentAfter) } },
      }
    },
}
export default absence

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** 90,000,000 ms is "25 h": the largest unit that divides it. */
function spanText(span: number): string {
  const [unit, factor] = units.find(([, ms]) => span >= ms && span % ms === 0) ?? ['ms', 1]
  return `${span / factor} ${unit}`
}
