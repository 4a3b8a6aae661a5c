import type { Instant } from '../base/clock.ts'
import type { ZoneStay } from '../gateway/detection.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Raise, RuleContext, Seen, Step } from '../gateway/rule.ts'

/** What one device of the place said; its readings are of the quantities the rule asked for. */
export interface Said {
  readonly deviceId: string
  readonly readings: readonly Reading[]
  readonly stays: readonly ZoneStay[]
}

export type Standing = 'real' | 'drill' | 'none'

export interface DeviceStep<Memo> {
  /** The same object when nothing changed; undefined when there is nothing to remember. */
  readonly memo: Memo | undefined
  readonly raise?: Raise
  readonly clearedAt?: Instant
  /** What stands is not what stood: it ended and began again in this one step. */
  readonly isAnew?: true
}

/** A rule as if every place had one device. */
export interface DeviceRule<Memo> {
  /** `said` is undefined when time alone has passed. */
  step(memo: Memo | undefined, said: Said | undefined, now: Instant, deviceId: string): DeviceStep<Memo>
  standing(memo: Memo): Standing
  /** When time alone changes something. */
  due(memo: Memo, now: Instant): Instant | undefined
}

/** Rule memory of a place: only devices that have something to remember. */
export type Memos<Memo> = Readonly<Record<string, Memo>>

/** The memory of a place where all is well. */
export const nothingSeen: Readonly<Record<string, never>> = Object.freeze({})

/**
 * Lets several devices watch one place: its breach begins with the first device that says so and ends with the
 * last. With one memory for all, a second detector's regular "no smoke" would end the first one's fire.
 */
export function perDevice<Memo>(
  rule: DeviceRule<Memo>,
  context: Pick<RuleContext, 'isHere'>,
): (state: Memos<Memo>, seen: Seen, now: Instant) => Step<Memos<Memo>> {
  return (state, seen, now) => {
    if (seen.kind === 'heard') return { state }
    if (seen.kind === 'wake') return woken(state, now)
    const memo = memoOf(state, seen.deviceId)
    const step = rule.step(memo, seen, now, seen.deviceId)
    if (step.memo === memo) return { state }
    const others = without(state, seen.deviceId)
    const after = { ...others, ...entry(seen.deviceId, step.memo) }
    return place(state, after, [step], now, step.isAnew ? others : state)
  }

  function woken(before: Memos<Memo>, now: Instant): Step<Memos<Memo>> {
    // A detector that was replaced can no longer say that its smoke is gone. One at a time: a step has one clear.
    const gone = Object.keys(before).find((deviceId) => !context.isHere(deviceId))
    if (gone !== undefined) {
      const step = { memo: undefined, clearedAt: now }
      return { ...place(before, without(before, gone), [step], now), wakeAt: now }
    }
    let after = before
    const steps: DeviceStep<Memo>[] = []
    for (const [deviceId, memo] of Object.entries(before)) {
      const step = rule.step(memo, undefined, now, deviceId)
      if (step.memo === memo) continue
      after = { ...without(after, deviceId), ...entry(deviceId, step.memo) }
      steps.push(step)
    }
    return place(before, after, steps, now)
  }

  function place(
    before: Memos<Memo>,
    after: Memos<Memo>,
    steps: readonly DeviceStep<Memo>[],
    now: Instant,
    between = before,
  ): Step<Memos<Memo>> {
    const stood = (sort: Standing): boolean => stands(before, sort) && stands(between, sort)
    const began = (['real', 'drill'] as const).find((sort) => !stood(sort) && stands(after, sort))
    const ended = (['real', 'drill'] as const).find(
      (sort) => stands(before, sort) && !(stands(between, sort) && stands(after, sort)),
    )
    const raise = steps.map((step) => step.raise).find((found) => found?.drill === (began === 'drill'))
    const clearedAt = steps.findLast((step) => step.clearedAt !== undefined)?.clearedAt ?? now
    const dues = Object.values(after).flatMap((memo) => rule.due(memo, now) ?? [])
    return {
      state: after === before || Object.keys(after).length > 0 ? after : nothingSeen,
      ...(began !== undefined && raise !== undefined && { raise }),
      ...(ended !== undefined && { clear: { at: clearedAt, drill: ended === 'drill' } }),
      ...(dues.length > 0 && { wakeAt: dues.reduce((a, b) => (b < a ? b : a)) }),
    }
  }

  function stands(state: Memos<Memo>, sort: Standing): boolean {
    return Object.values(state).some((memo) => rule.standing(memo) === sort)
  }
}

/** A device may be called `constructor`: only what was put in counts. */
const memoOf = <Memo>(state: Memos<Memo>, deviceId: string): Memo | undefined =>
  Object.hasOwn(state, deviceId) ? state[deviceId] : undefined

const without = <Memo>(state: Memos<Memo>, deviceId: string): Memos<Memo> =>
  Object.fromEntries(Object.entries(state).filter(([id]) => id !== deviceId))

const entry = <Memo>(deviceId: string, memo: Memo | undefined): Memos<Memo> =>
  memo === undefined ? {} : { [deviceId]: memo }
