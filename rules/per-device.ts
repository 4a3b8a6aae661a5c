import type { Duration, Instant } from '../base/clock.ts'
import type { ZoneStay } from '../gateway/detection.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Raise, RuleContext, Seen, Step } from '../gateway/rule.ts'
import { deviceOf, sourceOf } from './newest.ts'

/** What one device of the place said; its readings are of the quantities the rule asked for, and of one part. */
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

/** What a step may know beside the readings. */
export interface Around {
  readonly place: Pick<RuleContext, 'isHere' | 'isDrill'>
  /** On a wake: the wall clock has just jumped by so much. */
  readonly jumpedBy: Duration
}

/** A rule as if every place had one device with one part. */
export interface DeviceRule<Memo> {
  /** `said` is undefined when time alone has passed. */
  step(
    memo: Memo | undefined,
    said: Said | undefined,
    now: Instant,
    deviceId: string,
    around: Around,
  ): DeviceStep<Memo>
  standing(memo: Memo): Standing
  /** When time alone changes something. */
  due(memo: Memo, now: Instant): Instant | undefined
}

/** Rule memory of a place: only devices (or their parts) that have something to remember. */
export type Memos<Memo> = Readonly<Record<string, Memo>>

/** The memory of a place where all is well. */
export const nothingSeen: Readonly<Record<string, never>> = Object.freeze({})

/** The answer where nothing stands and nothing began: every reading of every device comes here. */
const nothingNew: Step<typeof nothingSeen> = Object.freeze({ state: nothingSeen })

/** Step of a device that has nothing to remember. */
export const nothing: DeviceStep<never> = Object.freeze({ memo: undefined })

/** A place that one memory is kept for has one entry, which belongs to no device. */
const ONE = ''

/**
 * Lets several devices watch one place: its breach begins with the first device that says so and ends with the
 * last. With one memory for all, a second detector's regular "no smoke" would end the first one's fire. Parts of one
 * device that a whole site is asked for are told apart likewise.
 */
export function perDevice<Memo>(
  rule: DeviceRule<Memo>,
  context: Pick<RuleContext, 'isHere' | 'isDrill'>,
): (state: Memos<Memo>, seen: Seen, now: Instant) => Step<Memos<Memo>> {
  const around: Around = { place: context, jumpedBy: 0 }
  return (state, seen, now) => {
    if (seen.kind === 'heard') return { state }
    if (seen.kind === 'wake') {
      return woken(
        rule,
        state,
        now,
        { place: context, jumpedBy: seen.jumpedBy ?? 0 },
        (source) => source !== ONE && context.isHere(deviceOf(source)),
      )
    }
    const part = seen.readings[0]?.part ?? ''
    if (seen.readings.every((reading) => reading.part === part)) {
      return shown(rule, state, seen, now, sourceOf(seen.deviceId, part), around)
    }
    return shownInParts(rule, state, seen, now, around)
  }
}

/** One memory for all devices of the place: where one rule asks several of them together. */
export function perPlace<Memo>(
  rule: DeviceRule<Memo>,
  context: Pick<RuleContext, 'isHere' | 'isDrill'>,
): (state: Memos<Memo>, seen: Seen, now: Instant) => Step<Memos<Memo>> {
  const around: Around = { place: context, jumpedBy: 0 }
  return (state, seen, now) => {
    if (seen.kind === 'heard') return { state }
    if (seen.kind === 'readings') return shown(rule, state, seen, now, ONE, around)
    return woken(
      rule,
      state,
      now,
      { place: context, jumpedBy: seen.jumpedBy ?? 0 },
      (source) => source === ONE,
    )
  }
}

/** One source has said something. */
function shown<Memo>(
  rule: DeviceRule<Memo>,
  state: Memos<Memo>,
  said: Said,
  now: Instant,
  source: string,
  around: Around,
): Step<Memos<Memo>> {
  const memo = memoOf(state, source)
  const step = rule.step(memo, said, now, said.deviceId, around)
  if (step.memo === memo) return state === nothingSeen ? nothingNew : { state }
  const between = step.isAnew ? without(state, source) : state
  return place(rule, { before: state, between, after: withMemo(state, source, step.memo) }, [step], now)
}

/** A message of several parts is as many messages; what they come to together is one step. */
function shownInParts<Memo>(
  rule: DeviceRule<Memo>,
  state: Memos<Memo>,
  seen: Said,
  now: Instant,
  around: Around,
): Step<Memos<Memo>> {
  let [between, after] = [state, state]
  const steps: DeviceStep<Memo>[] = []
  for (const part of new Set(seen.readings.map((reading) => reading.part))) {
    const source = sourceOf(seen.deviceId, part)
    const said = { ...seen, readings: seen.readings.filter((reading) => reading.part === part) }
    const memo = memoOf(after, source)
    const step = rule.step(memo, said, now, seen.deviceId, around)
    if (step.memo === memo) continue
    after = withMemo(after, source, step.memo)
    if (step.isAnew) between = without(between, source)
    steps.push(step)
  }
  return steps.length === 0 ? { state } : place(rule, { before: state, between, after }, steps, now)
}

function woken<Memo>(
  rule: DeviceRule<Memo>,
  before: Memos<Memo>,
  now: Instant,
  around: Around,
  isKept: (source: string) => boolean,
): Step<Memos<Memo>> {
  const sources = Object.keys(before)
  if (sources.length === 0) return { state: before }
  // A detector that was replaced can no longer say that its smoke is gone. One at a time: a step has one clear.
  const gone = sources.find((source) => !isKept(source))
  if (gone !== undefined) {
    const step = { memo: undefined, clearedAt: now }
    const after = without(before, gone)
    return { ...place(rule, { before, between: before, after }, [step], now), wakeAt: now }
  }
  let after = before
  const steps: DeviceStep<Memo>[] = []
  for (const source of sources) {
    const memo = memoOf(before, source)
    const step = rule.step(memo, undefined, now, deviceOf(source), around)
    if (step.memo === memo) continue
    after = withMemo(after, source, step.memo)
    steps.push(step)
  }
  return place(rule, { before, between: before, after }, steps, now)
}

/** Memories of one step; `between` lacks those that ended and began anew in it. */
interface Course<Memo> {
  readonly before: Memos<Memo>
  readonly between: Memos<Memo>
  readonly after: Memos<Memo>
}

function place<Memo>(
  rule: DeviceRule<Memo>,
  { before, between, after }: Course<Memo>,
  steps: readonly DeviceStep<Memo>[],
  now: Instant,
): Step<Memos<Memo>> {
  const stands = (state: Memos<Memo>, sort: Standing): boolean => {
    for (const source in state) {
      const memo = memoOf(state, source)
      if (memo !== undefined && rule.standing(memo) === sort) return true
    }
    return false
  }
  const stood = (sort: Standing): boolean =>
    stands(before, sort) && (between === before || stands(between, sort))
  const began = sorts.find((sort) => stands(after, sort) && !stood(sort))
  const ended = sorts.find((sort) => stands(before, sort) && !(stood(sort) && stands(after, sort)))
  const raise = began && steps.map((step) => step.raise).find((found) => found?.drill === (began === 'drill'))
  const clearedAt = steps.findLast((step) => step.clearedAt !== undefined)?.clearedAt ?? now
  const wakeAt = earliestDue(rule, after, now)
  return {
    state: after === before || hasEntries(after) ? after : nothingSeen,
    ...(raise !== undefined && { raise }),
    ...(ended !== undefined && { clear: { at: clearedAt, drill: ended === 'drill' } }),
    ...(wakeAt !== undefined && { wakeAt }),
  }
}

const sorts = ['real', 'drill'] as const

function earliestDue<Memo>(rule: DeviceRule<Memo>, state: Memos<Memo>, now: Instant): Instant | undefined {
  let first: Instant | undefined
  for (const source in state) {
    const memo = memoOf(state, source)
    const due = memo === undefined ? undefined : rule.due(memo, now)
    if (due !== undefined && (first === undefined || due < first)) first = due
  }
  return first
}

/** A device may be called `constructor`: only what was put in counts. */
const memoOf = <Memo>(state: Memos<Memo>, source: string): Memo | undefined =>
  Object.hasOwn(state, source) ? state[source] : undefined

const hasEntries = (state: Memos<unknown>): boolean => {
  for (const source in state) return Object.hasOwn(state, source)
  return false
}

const withMemo = <Memo>(state: Memos<Memo>, source: string, memo: Memo | undefined): Memos<Memo> =>
  memo === undefined ? without(state, source) : { ...state, [source]: memo }

function without<Memo>(state: Memos<Memo>, source: string): Memos<Memo> {
  if (!Object.hasOwn(state, source)) return state
  const others: Record<string, Memo> = {}
  for (const [other, memo] of Object.entries(state)) if (other !== source) others[other] = memo
  return others
}
