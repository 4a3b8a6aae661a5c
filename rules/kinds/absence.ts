import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import { quantityIds } from '../../gateway/quantity.ts'
import type { RuleKind, Seen, Step } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'

const AbsenceSettings = Type.Object(
  {
    /** What has to be said; by default the device has to say anything at all. */
    quantity: Type.Optional(Type.Enum(quantityIds)),
    /** At least so often; raised an eighth of it later at the latest. */
    every: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type AbsenceSettings = Static<typeof AbsenceSettings>

/** A device that is heard has nothing to remember. */
interface AbsenceMemo {
  readonly lostSince?: Instant
  /** About when the quantity was last said: each time would be a write for every reading. */
  readonly saidAt?: Instant
}

const heard: AbsenceMemo = Object.freeze({})

/** Every message of every device passes here: nothing is made for it. The wake of before looks again. */
const nothingNew: Step<AbsenceMemo> = Object.freeze({ state: heard })

/** How much of the span may pass until it is noted again that the quantity was said. */
const NOTED_EVERY = 1 / 8

/** Of its time a device has this much after a start, however long it was silent before: its way here has to come back. */
const AFTER_START = 1 / 4

/**
 * 失联: raises when the device was silent for longer than its site file or profile allows, at once when it was asked again
 * and again and does not answer, or when a quantity was not said for too long although the device speaks; clears with
 * the next message. `since` is when it was last heard.
 */
const absence: RuleKind<typeof AbsenceSettings, AbsenceMemo> = {
  settings: AbsenceSettings,
  check({ quantity, every }) {
    if ((quantity === undefined) !== (every === undefined)) {
      return [
        {
          path: '',
          text: '"quantity" and "every" belong together; without both it is about the whole device',
        },
      ]
    }
    return every !== undefined && parseDuration(every) < 1000
      ? [{ path: '/every', text: `wanted 1 s at least; got "${every}"` }]
      : []
  },
  wants: ({ quantity }) => (quantity === undefined ? [] : [quantity]),
  words: ['for'],
  start: heard,
  ready: (settings, { silentAfter }) =>
    settings.every === undefined
      ? wholeDevice(silentAfter)
      : oneQuantity(settings, parseDuration(settings.every)),
}
export default absence

type StepOf = (state: AbsenceMemo, seen: Seen, now: Instant) => Step<AbsenceMemo>

function wholeDevice(silentAfter: Duration): StepOf {
  return (state, seen, now) => {
    const isLost = state.lostSince !== undefined
    if (seen.kind === 'heard') {
      if (!isLost) return state === heard ? nothingNew : { state }
      return { state: heard, clear: { at: now, drill: false }, wakeAt: later(now, silentAfter) }
    }
    if (seen.kind === 'readings' || isLost) return { state }
    // A clock that was set back would put the last word into the future, and the next look years away.
    const last = seen.lastHeard === undefined || seen.lastHeard > now ? now : seen.lastHeard
    const earliest = later(seen.startedAt ?? last, Math.ceil(silentAfter * AFTER_START))
    const due = instant(Math.max(later(last, silentAfter), earliest))
    if (now < due && !seen.isUnanswered) return { state, wakeAt: due }
    // Nothing is heard of it for no less than that.
    const span = now < due ? Math.max(1000, Math.floor((now - last) / 1000) * 1000) : silentAfter
    return {
      state: { lostSince: last },
      raise: { since: last, drill: false, readings: [], words: { for: spanText(span) } },
    }
  }
}

/** Measured by arrival: a device whose clock stands still speaks all the same. */
function oneQuantity({ quantity }: AbsenceSettings, every: Duration): StepOf {
  const slack = Math.ceil(every * NOTED_EVERY)
  return (state, seen, now) => {
    if (seen.kind === 'heard') return { state }
    if (seen.kind === 'readings') {
      if (!seen.readings.some((reading) => reading.quantity === quantity && reading.quality !== 'bad'))
        return { state }
      const isNoted = state.saidAt !== undefined && now >= state.saidAt && now - state.saidAt < slack
      if (state.lostSince === undefined && isNoted) return { state }
      return {
        state: { saidAt: now },
        ...(state.lostSince !== undefined && { clear: { at: now, drill: false } }),
        wakeAt: later(now, every + slack),
      }
    }
    if (state.lostSince !== undefined) return { state }
    const noted =
      state.saidAt === undefined ? now : instant(Math.min(state.saidAt + (seen.jumpedBy ?? 0), now))
    const next = noted === state.saidAt ? state : { saidAt: noted }
    // The gateway's own absence is no silence.
    const due = later(instant(Math.max(noted, seen.startedAt ?? noted)), every + slack)
    if (now < due) return { state: next, wakeAt: due }
    return {
      state: { lostSince: noted },
      raise: { since: noted, drill: false, readings: [], words: { for: spanText(every) } },
    }
  }
}

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
