import { instant, type Instant } from '../base/clock.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Raise } from '../gateway/rule.ts'
import {
  afterLook,
  byNewClock,
  isBreach,
  isRipe,
  type Breach,
  type Patience,
  type WhenMemo,
} from './breach.ts'
import {
  afterEnds,
  framesOf,
  nothingHeard,
  ofThoseHere,
  readingsIn,
  turnsNothing,
  withReadings,
  worthKeeping,
  type Newest,
} from './newest.ts'
import { nothing, type DeviceRule, type DeviceStep } from './per-device.ts'
import { backBy, judgedBy, limitWords, type WhenPair, type WhenWords } from './when.ts'

/** A condition over several quantities: all that the devices of the place last said is judged together. */
export function ofSeveralQuantities(
  { when, clear, wants }: WhenPair,
  patience: Patience,
  words: WhenWords,
): DeviceRule<WhenMemo>['step'] {
  const conditions = clear ? [when, clear] : [when]

  return (memo, said, now, _deviceId, { place, jumpedBy }) => {
    const before = memo?.newest ?? nothingHeard
    if (said && memo?.since === undefined && turnsNothing(before, said.deviceId, said.readings, conditions)) {
      return memo === undefined ? nothing : { memo }
    }
    const lasting = afterEnds(before, now)
    const known = memo && isBreach(memo) ? byNewClock(memo, jumpedBy, now) : undefined
    const shown = said
      ? withReadings(lasting, said.deviceId, said.readings, wants, now)
      : ofThoseHere(lasting, (id) => place.isHere(id))
    const ripenedBy = (look: Look): DeviceStep<WhenMemo> =>
      ripened(memo, look, now, (id) => place.isDrill(id))
    if (shown === before) return ripenedBy({ breach: known, newest: before, shown: before, at: undefined })

    const frames = framesOf(shown, when)
    const over = when.judge(frames)
    const at = said ? newestTime(said.readings) : now
    const back = backBy(clear, over, clear ? framesOf(shown, clear) : frames)
    const part = said?.readings[0]?.part ?? ''
    const breach = afterLook(known, { at, part, value: true, isAtLimit: false, over, back }, patience, now)
    const newest = worthKeeping(before, shown, conditions)
    const isCleared = known?.isRaised === true && breach === undefined
    return {
      ...ripenedBy({ breach, newest, shown, at }),
      ...(isCleared && { clearedAt: at }),
    }
  }

  /** Raises what has stood for long enough. */
  function ripened(
    memo: WhenMemo | undefined,
    { breach, newest, shown, at }: Look,
    now: Instant,
    isDrill: (deviceId: string) => boolean,
  ): DeviceStep<WhenMemo> {
    if (!breach || !isRipe(breach, patience, at, now))
      return { memo: sameOr(memo, breach, newest, memo?.drill) }
    const raise = raiseOf(breach, shown, isDrill)
    return {
      memo: sameOr(memo, { ...breach, isRaised: true }, newest, raise.drill ? true : undefined),
      raise,
    }
  }

  function raiseOf(breach: Breach, shown: Newest, isDrill: (deviceId: string) => boolean): Raise {
    const compared = when.explain(framesOf(shown, when))
    const readings = readingsIn(shown, when)
    return {
      since: breach.since,
      drill: readings.some(({ deviceId }) => isDrill(deviceId)),
      readings: readings.map((by) => judgedBy(by, when, compared)),
      conditions: compared,
      words: { ...words, ...limitWords(compared, false), part: breach.part },
    }
  }
}

/** What a step found: `newest` is what is kept of `shown`. */
interface Look {
  readonly breach: Breach | undefined
  readonly newest: Newest
  readonly shown: Newest
  /** The time of the readings; undefined when there were none. */
  readonly at: Instant | undefined
}

/** The same memory when it says nothing new. */
function sameOr(
  memo: WhenMemo | undefined,
  breach: Breach | undefined,
  newest: Newest,
  drill: true | undefined,
): WhenMemo | undefined {
  if (!breach && newest === nothingHeard) return undefined
  const isSame =
    (memo?.newest ?? nothingHeard) === newest &&
    memo?.since === breach?.since &&
    memo?.from === breach?.from &&
    memo?.polls === breach?.polls &&
    memo?.isRaised === breach?.isRaised
  if (isSame) return memo
  if (!breach) return { newest }
  const { part, since, from, value, isAtLimit, polls, isRaised } = breach
  return { part, since, from, value, isAtLimit, polls, isRaised, newest, ...(drill && isRaised && { drill }) }
}

const newestTime = (readings: readonly Reading[]): Instant =>
  instant(Math.max(...readings.map(({ at }) => at)))
