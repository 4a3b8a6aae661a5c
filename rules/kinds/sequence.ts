import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import type { RuleContext, RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import {
  earliest,
  joined,
  nothingJoined,
  withBreach,
  withoutBreach,
  type Course,
  type CourseMemo,
  type JoinedState,
  type Standing,
} from '../joined.ts'
import { limitKeys, Party, partyComplaints, PartySettings, wantsOf } from '../party.ts'
import {
  begunSpans,
  dueOf,
  isSo,
  lastSo,
  nobody,
  spansOf,
  standing,
  type PartyMemo,
  type SoSpan,
} from '../party-memo.ts'
import { partyNearness } from '../party-nearness.ts'
import { without } from '../without.ts'

const SequenceSettings = Type.Object(
  {
    first: PartySettings,
    second: PartySettings,
    ...limitKeys,
    within: Span,
    /** `both`: first, then second. `first-alone`: no second came. `second-alone`: no first had been. */
    raise: Type.Optional(Type.Enum(['both', 'first-alone', 'second-alone'] as const)),
    /** `second-alone`: a first that comes this much later, or is told so late, still counts. */
    grace: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type SequenceSettings = Static<typeof SequenceSettings>

/** The one that came alone so far, and when it was heard of. */
interface Waiting {
  readonly span: SoSpan
  readonly from: Instant
}

interface SequenceMemo extends CourseMemo {
  readonly first: PartyMemo
  readonly second: PartyMemo
  readonly waiting?: Waiting
  /** The beginning of the second that was raised last: each is raised once. */
  readonly told?: Instant
}

/**
 * 先后: raises when something follows something else in time, or when one of the two is missing: a bicycle leaves the
 * shed and nobody opened it with a credential before; a charger is full and is not switched off.
 */
const sequence: RuleKind<typeof SequenceSettings, JoinedState<SequenceMemo>> = {
  settings: SequenceSettings,
  check({ first, second, limits, raise, grace }) {
    const parties = [
      ['/first', first],
      ['/second', second],
    ] as const
    const wrong = [...partyComplaints(parties, limits)]
    if (grace === undefined || raise === 'second-alone') return wrong
    return [...wrong, { path: '/grace', text: '"grace" belongs to "raise: second-alone"' }]
  },
  wants: ({ first, second, limits }) => wantsOf([first, second], limits),
  words: ['within', 'parts'],
  start: nothingJoined,
  nearness: ({ first, second, limits }) => partyNearness([first, second], limits),
  ready: (settings, context) => joined(sequenceOf(settings, context), context),
}
export default sequence

function sequenceOf(settings: SequenceSettings, context: RuleContext): Course<SequenceMemo> {
  const one = new Party(settings.first, settings.limits, context)
  const two = new Party(settings.second, settings.limits, context)
  const within = parseDuration(settings.within)
  const grace: Duration = settings.grace === undefined ? 0 : parseDuration(settings.grace)
  const sort = settings.raise ?? 'both'

  return {
    start: { first: nobody, second: nobody },
    said(before, group, now) {
      const first = one.afterSaid(before.first, group, now)
      const second = two.afterSaid(before.second, group, now)
      if (first === before.first && second === before.second) return before
      const memo = { ...before, first, second }
      if (sort === 'both') return afterBoth(memo)
      const leader = sort === 'first-alone' ? 'first' : 'second'
      const [begun] = begunSpans(before[leader], memo[leader])
      if (!begun || isSo(before[leader])) return memo
      // A first that begins anew is another one: what stood because of the last one is over.
      const over = memo.breach && sort === 'first-alone' ? withoutBreach(memo, begun.since) : memo
      return over.breach || over.waiting ? over : { ...over, waiting: { span: begun, from: now } }
    },
    time(before, now, jumpedBy) {
      const first = one.afterTime(before.first, now, jumpedBy)
      const second = two.afterTime(before.second, now, jumpedBy)
      const isSame = first === before.first && second === before.second
      let memo = isSame ? before : { ...before, first, second }
      if (memo.waiting) memo = onTheNewClock(memo, memo.waiting, jumpedBy, now)
      if (memo.waiting) memo = afterWait(memo, memo.waiting, now)
      if (memo.told !== undefined) memo = withTold(memo, instant(Math.min(memo.told + jumpedBy, now)))
      const over = memo.breach && endOf(memo, memo.breach, now)
      if (over === undefined) return memo
      const last = spansOf(memo.second).at(-1)?.since
      // What else began while it stood was part of it.
      return withoutBreach(sort === 'both' && last !== undefined ? withTold(memo, last) : memo, over)
    },
    due(memo, now) {
      const waits = memo.waiting && dueOfWait(memo.waiting)
      // A second that was over before it was heard of is raised and cleared.
      const past = memo.breach && endOf(memo, memo.breach, now) !== undefined ? now : undefined
      return earliest(dueOf(memo.first), dueOf(memo.second), waits, past)
    },
  }

  /** Both orders of arrival: a message of the first may come after that of the second. */
  function afterBoth(memo: SequenceMemo): SequenceMemo {
    if (memo.breach) return memo
    for (const later of spansOf(memo.second)) {
      if (memo.told !== undefined && later.since <= memo.told) continue
      const before = spansOf(memo.first).findLast((span) => precedes(span, later.since))
      if (before)
        return withBreach({ ...memo, told: later.since }, standingOf([before], [later], before.since))
    }
    return memo
  }

  function precedes({ since, until }: SoSpan, at: Instant): boolean {
    return since <= at && (until === undefined || later(until, within) >= at)
  }

  function dueOfWait({ from }: Waiting): Instant {
    return later(from, sort === 'first-alone' ? within : grace)
  }

  function afterWait(memo: SequenceMemo, waiting: Waiting, now: Instant): SequenceMemo {
    const rest: SequenceMemo = without(memo, 'waiting')
    if (hasAnswer(memo, waiting.span.since)) return rest
    if (now < dueOfWait(waiting)) return memo
    const { span } = waiting
    const [first, second] = sort === 'first-alone' ? [[span], []] : [[], [span]]
    return withBreach(rest, standingOf(first, second, span.since))
  }

  /** Has the other one been? */
  function hasAnswer({ first, second }: SequenceMemo, at: Instant): boolean {
    if (sort === 'first-alone')
      return isSo(second) || spansOf(second).some(({ until }) => (until ?? at) >= at)
    return spansOf(first).some(
      ({ since, until }) => since <= later(at, grace) && (until === undefined || later(until, within) >= at),
    )
  }

  /** Since when what stood is over. */
  function endOf({ first, second }: SequenceMemo, { since }: Standing, now: Instant): Instant | undefined {
    if (sort !== 'first-alone') return isSo(second) ? undefined : (lastSo(second, now) ?? now)
    const answer = standing(second)[0]
    if (answer) return answer.since < since ? since : answer.since
    // A pulse was over before anybody had waited for its answer.
    const until = lastSo(first, now)
    return isSo(first) || until === undefined || until <= later(since, within) ? undefined : until
  }

  function standingOf(first: readonly SoSpan[], second: readonly SoSpan[], since: Instant): Standing {
    const [a, b] = [one.shown(first), two.shown(second)]
    return {
      since,
      readings: [...a.readings, ...b.readings],
      conditions: [...a.conditions, ...b.conditions],
      words: {
        within: settings.within,
        parts: [...new Set([...one.namesOf(first), ...two.namesOf(second)])].join(', '),
      },
    }
  }
}

const withTold = (memo: SequenceMemo, told: Instant): SequenceMemo =>
  memo.told === told ? memo : { ...memo, told }

/** A wait that the old clock began goes on by the new one; none began in the future. */
function onTheNewClock(memo: SequenceMemo, waiting: Waiting, jumpedBy: Duration, now: Instant): SequenceMemo {
  const move = (at: Instant): Instant => instant(Math.min(at + jumpedBy, now))
  const { span, from } = waiting
  if (move(from) === from && move(span.since) === span.since) return memo
  return { ...memo, waiting: { span: { ...span, since: move(span.since) }, from: move(from) } }
}
