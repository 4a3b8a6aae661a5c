import { Type, type Static } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import { Span } from './words.ts'

/** 在线规则, as a profile states it; every key has a default. */
export const AvailabilityRule = Type.Object(
  {
    checksIn: Type.Optional(
      Type.String({
        ...Span,
        description: 'a sign of life at the latest so often, where that is not reportsEvery: 24 h',
      }),
    ),
    canBeAsked: Type.Optional(
      Type.Boolean({
        description:
          'the gateway can ask it and it answers at once; true by default where all is polled (Modbus, DL/T 645)',
      }),
    ),
    missed: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description:
          'missing after so many check-ins in a row did not come; by default as many as keep false alarms rare: 6 at 1 min, 5 at 5 min, 4 from 90 min on',
      }),
    ),
  },
  { additionalProperties: false },
)

/** How it is known that a device is missing. */
export interface Availability {
  readonly checksIn: Duration
  /** It is missing when it does not answer when asked again. */
  readonly canBeAsked: boolean
  /** Where it cannot be asked: after so many check-ins in a row did not come. */
  readonly missed: number
}

const DAY_MS = 86_400_000
/** Of a hundred messages that a busy radio carries five are lost. */
const LOST_SHARE = 0.05
/** A check-in that is so much later than it was due is missed: no device keeps time to the second. */
const LATENESS = 1 / 4
/** As long as a busy line behind a 4G modem may take to ask one unit as often as it has to be asked. */
const ASKED_FOR_MS = 5 * 60_000
/** One false alarm in 10,000 days of one device. */
const FALSE_ALARMS_A_DAY = 1 / 10_000
const FEWEST_MISSED = 4

export function availabilityOf(
  rule: Static<typeof AvailabilityRule> | undefined,
  { reportsEvery, isPolled }: { readonly reportsEvery: Duration; readonly isPolled: boolean },
): Availability {
  const checksIn = rule?.checksIn === undefined ? reportsEvery : parseDuration(rule.checksIn)
  return {
    checksIn,
    canBeAsked: rule?.canBeAsked ?? isPolled,
    missed: rule?.missed ?? missedUntilBelieved(checksIn),
  }
}

/**
 * The silence after which a device is missing. One that can be asked is missing as soon as it was asked again and again
 * in vain; its silence only tells where nobody can ask it, and must not be quicker than asking.
 */
export function silenceOf({ checksIn, canBeAsked, missed }: Availability): Duration {
  const silence = roundedUp((missed + LATENESS) * checksIn)
  return canBeAsked ? Math.max(silence, ASKED_FOR_MS) : silence
}

/** People read it: hours, minutes or seconds without a rest. */
function roundedUp(span: Duration): Duration {
  const unit = units.find((ms) => span >= 10 * ms) ?? 1
  return Math.ceil(span / unit) * unit
}
const units = [3_600_000, 60_000, 1000] as const

/** Of one device: its site file may have it asked more rarely than its profile thinks. @param every as its address says */
export function silentAfterOf(
  { availability, silentAfter }: { readonly availability: Availability; readonly silentAfter: Duration },
  every: unknown,
): Duration {
  if (!availability.canBeAsked || typeof every !== 'string') return silentAfter
  return Math.max(silentAfter, silenceOf({ ...availability, checksIn: parseDuration(every) }))
}

/**
 * The fewest check-ins in a row whose loss by chance is a false alarm rarer than stated above. A run of n losses
 * begins at any check-in that came, so its rate is (check-ins a day) × 0.95 × 0.05ⁿ.
 */
export function missedUntilBelieved(checksIn: Duration): number {
  const startsADay = (DAY_MS / Math.max(checksIn, 1)) * (1 - LOST_SHARE)
  const needed = Math.log(FALSE_ALARMS_A_DAY / startsADay) / Math.log(LOST_SHARE)
  return Math.max(FEWEST_MISSED, Math.ceil(needed))
}
