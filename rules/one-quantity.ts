import type { Instant } from '../base/clock.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Compared, Raise } from '../gateway/rule.ts'
import {
  afterLook,
  byNewClock,
  isBreach,
  isRipe,
  type Breach,
  type Patience,
  type WhenMemo,
} from './breach.ts'
import { cameLate } from './came-late.ts'
import type { Frame } from './condition-nodes.ts'
import { emptyFrame } from './newest.ts'
import { nothing, type DeviceRule } from './per-device.ts'
import { backBy, judgedBy, limitWords, type WhenPair, type WhenWords } from './when.ts'

/** A condition over one quantity: each reading is judged by itself, and nothing remembered while it is not over. */
export function ofOneQuantity(
  { when, clear }: WhenPair,
  quantity: QuantityId,
  patience: Patience,
  words: WhenWords,
): DeviceRule<WhenMemo>['step'] {
  // Written before each look and read by nobody after it: a step makes no garbage while all is well.
  const frame = emptyFrame()
  const frames: readonly Frame[] = [frame]

  return (memo, said, now, deviceId, { jumpedBy }) => {
    let breach = memo && isBreach(memo) ? byNewClock(memo, jumpedBy, now) : undefined
    let clearedAt: Instant | undefined
    let newest: Reading | undefined
    for (const reading of said?.readings ?? []) {
      if (reading.quantity !== quantity || reading.quality === 'bad') continue
      if (breach && cameLate(reading.at, breach.since, now)) continue
      newest = reading
      show(reading)
      const over = when.judge(frames)
      if (over === false && breach === undefined) continue
      const { at, part, value } = reading
      const back = backBy(clear, over, frames)
      const after = afterLook(
        breach,
        { at, part, value, isAtLimit: frame.hasLimit, over, back },
        patience,
        now,
      )
      if (breach?.isRaised && after === undefined) clearedAt = at
      breach = after
    }
    if (!breach || !isRipe(breach, patience, newest?.at, now)) {
      if (breach === undefined && clearedAt === undefined) return nothing
      return { memo: breach, ...(clearedAt !== undefined && { clearedAt }) }
    }
    return { memo: { ...breach, isRaised: true }, raise: raiseOf(breach, newest, deviceId) }
  }

  function show({ value, quality }: Reading): void {
    frame.values[0] = value
    frame.atLimit[0] = frame.hasLimit = quality === 'at-limit'
  }

  function explain(reading: Reading): readonly Compared[] {
    show(reading)
    return when.explain(frames)
  }

  function raiseOf(breach: Breach, newest: Reading | undefined, deviceId: string): Raise {
    const { part, value, isAtLimit, since } = breach
    const first: Reading = { quantity, part, value, quality: isAtLimit ? 'at-limit' : 'good', at: since }
    const last = newest && newest.at > first.at ? newest : first
    const conditions = explain(last)
    const readings = (last === first ? [first] : [first, last]).map((reading) =>
      judgedBy({ reading, deviceId }, when, explain(reading)),
    )
    return {
      since,
      drill: false,
      readings,
      conditions,
      words: { ...words, ...limitWords(conditions, last.quality === 'at-limit'), part },
    }
  }
}
