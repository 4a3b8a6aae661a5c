import type { Duration, Instant } from '../base/clock.ts'
import type { Raise, RuleContext, Seen, Step } from '../gateway/rule.ts'
import { groupsOf, type Group } from './party.ts'
import { without } from './without.ts'

/** What stands, as a case is told of it. */
export type Standing = Omit<Raise, 'drill'>

export interface CourseMemo {
  readonly breach?: Standing
  /** When the last breach ended. */
  readonly endedAt?: Instant
}

/** A rule over several things as if none of them practised. All its memory is in `Memo`; the same object is no change. */
export interface Course<Memo extends CourseMemo> {
  readonly start: Memo
  said(memo: Memo, group: Group, now: Instant): Memo
  /** Time has passed, and perhaps nothing else. */
  time(memo: Memo, now: Instant, jumpedBy: Duration): Memo
  /** When time alone changes something. */
  due(memo: Memo, now: Instant): Instant | undefined
}

/** One memory of what the real devices say, one of what all of them say; only where some practise. */
export interface JoinedState<Memo> {
  readonly real?: Memo
  readonly drill?: Memo
}

export const nothingJoined: JoinedState<never> = Object.freeze({})

/**
 * 真假分开: what is proven by real devices alone is real. What stands only together with a practising device, such as
 * a camera without its sign, is a drill.
 */
export function joined<Memo extends CourseMemo>(
  course: Course<Memo>,
  context: Pick<RuleContext, 'isDrill' | 'hasDrills'>,
): (state: JoinedState<Memo>, seen: Seen, now: Instant) => Step<JoinedState<Memo>> {
  return (state, seen, now) => {
    if (seen.kind === 'heard') return { state }
    const isReal = seen.kind === 'wake' || !context.isDrill(seen.deviceId)
    const real = isReal ? after(state.real, seen, now) : state.real
    const drill = context.hasDrills() ? after(state.drill, seen, now) : undefined
    const isSame = real === state.real && drill === state.drill
    const next = isSame ? state : toState(real, drill)
    const wakeAt = earliest(real && course.due(real, now), drill && course.due(drill, now))
    return { state: next, ...(!isSame && changes(state, next, now)), ...(wakeAt !== undefined && { wakeAt }) }
  }

  function after(
    before: Memo | undefined,
    seen: Exclude<Seen, { kind: 'heard' }>,
    now: Instant,
  ): Memo | undefined {
    let memo = course.time(before ?? course.start, now, seen.kind === 'wake' ? (seen.jumpedBy ?? 0) : 0)
    if (seen.kind === 'readings') {
      const stood = memo.breach
      for (const group of groupsOf(seen.deviceId, seen.readings, seen.stays))
        memo = course.said(memo, group, now)
      // What was over before it was heard of is raised with this step and cleared with the next.
      if (memo.breach === undefined || memo.breach === stood) memo = course.time(memo, now, 0)
    }
    return memo === course.start ? before : memo
  }
}

function toState<Memo>(real: Memo | undefined, drill: Memo | undefined): JoinedState<Memo> {
  return { ...(real && { real }), ...(drill && { drill }) }
}

function changes<Memo extends CourseMemo>(
  before: JoinedState<Memo>,
  after: JoinedState<Memo>,
  now: Instant,
): Pick<Step<unknown>, 'raise' | 'clear'> {
  const was = effective(before)
  const is = effective(after)
  if (was?.breach.since === is?.breach.since && was?.drill === is?.drill) return {}
  const memo = was?.drill === true ? after.drill : after.real
  const endedAt = memo?.breach === undefined ? memo?.endedAt : undefined
  return {
    ...(was && { clear: { at: endedAt ?? now, drill: was.drill } }),
    ...(is && { raise: { ...is.breach, drill: is.drill } }),
  }
}

/** Only one of the two stands: a drill beside the same thing in earnest would be the same case twice. */
function effective({
  real,
  drill,
}: JoinedState<CourseMemo>): { breach: Standing; drill: boolean } | undefined {
  if (real?.breach) return { breach: real.breach, drill: false }
  return drill?.breach && { breach: drill.breach, drill: true }
}

export function earliest(...times: readonly (Instant | undefined)[]): Instant | undefined {
  let first: Instant | undefined
  for (const time of times) if (time !== undefined && (first === undefined || time < first)) first = time
  return first
}

/** Memory with what stands now; `endedAt` when it does not any more. */
export function withBreach<Memo extends CourseMemo>(memo: Memo, breach: Standing): Memo {
  return { ...without(memo, 'endedAt'), breach } as unknown as Memo // only the two keys of CourseMemo were touched
}

export function withoutBreach<Memo extends CourseMemo>(memo: Memo, endedAt: Instant): Memo {
  return { ...without(memo, 'breach'), endedAt } as unknown as Memo // only the two keys of CourseMemo were touched
}
