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
  type PartyMemo,
  type SoSpan,
} from '../party-memo.ts'
import { partyNearness } from '../party-nearness.ts'

const TogetherSettings = Type.Object(
  {
    /** By names of the rule's own; each of them may be said by another device. */
    all: Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9-]{0,30}$' }), PartySettings, {
      additionalProperties: false,
      minProperties: 2,
      maxProperties: 6,
    }),
    ...limitKeys,
    /** What was so less than this long ago still counts; by default all have to be so at once. */
    within: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type TogetherSettings = Static<typeof TogetherSettings>

interface TogetherMemo extends CourseMemo {
  readonly parties: readonly PartyMemo[]
}

/**
 * 并发: raises when all of several things are so within a span of each other: smoke AND rising current AND a person.
 * Clears when one of them has not been so for longer than that; `since` is when the last of them began.
 */
const together: RuleKind<typeof TogetherSettings, JoinedState<TogetherMemo>> = {
  settings: TogetherSettings,
  check: ({ all, limits }) =>
    partyComplaints(
      Object.entries(all).map(([name, party]) => [`/all/${name}`, party]),
      limits,
    ),
  wants: ({ all, limits }) => wantsOf(Object.values(all), limits),
  needsAll: ({ all, limits }) => Object.values(all).map((party) => wantsOf([party], limits)),
  words: ['within', 'parts'],
  start: nothingJoined,
  nearness: ({ all, limits }) => partyNearness(Object.values(all), limits),
  ready: (settings, context) => joined(togetherOf(settings, context), context),
}
export default together

function togetherOf(settings: TogetherSettings, context: RuleContext): Course<TogetherMemo> {
  const parties = Object.values(settings.all).map((party) => new Party(party, settings.limits, context))
  const within: Duration = settings.within === undefined ? 0 : parseDuration(settings.within)

  return {
    start: { parties: parties.map(() => nobody) },
    said(before, group, now) {
      const memo = withParties(before, (memo, index) => parties[index]?.afterSaid(memo, group, now) ?? memo)
      if (memo === before || memo.breach) return memo
      const begun = memo.parties.flatMap((party, index) => begunSpans(before.parties[index] ?? nobody, party))
      // What came late is judged by its own time: stored messages arrive in a row.
      for (const { since } of begun) {
        const spans = memo.parties.map((party) => soAround(party, since))
        const found = spans.filter((span) => span !== undefined)
        if (found.length === parties.length) return withBreach(memo, standingOf(found))
      }
      return memo
    },
    time(before, now, jumpedBy) {
      const memo = withParties(
        before,
        (memo, index) => parties[index]?.afterTime(memo, now, jumpedBy) ?? memo,
      )
      if (!memo.breach) return memo
      const lasts = memo.parties.map((party) => lastSo(party, now) ?? memo.breach?.since ?? now)
      const first = instant(Math.min(...lasts))
      const isOver = memo.parties.some((party) => !isSo(party)) && now >= later(first, within)
      return isOver ? withoutBreach(memo, first) : memo
    },
    due(memo, now) {
      const gone = memo.breach
        ? memo.parties
            .filter((party) => !isSo(party))
            .map((party) => later(lastSo(party, now) ?? now, within))
        : []
      return earliest(...memo.parties.map(dueOf), ...gone)
    },
  }

  /** The newest span of a party that was so within the span before `at`. */
  function soAround(party: PartyMemo, at: Instant): SoSpan | undefined {
    return spansOf(party).findLast(
      ({ since, until }) => since <= at && (until === undefined || later(until, within) > at),
    )
  }

  function standingOf(spans: readonly SoSpan[]): Standing {
    const shown = spans.map((span, index) => parties[index]?.shown([span]))
    const names = spans.flatMap((span, index) => parties[index]?.namesOf([span]) ?? [])
    return {
      since: instant(Math.max(...spans.map(({ since }) => since))),
      readings: shown.flatMap((one) => one?.readings ?? []),
      conditions: shown.flatMap((one) => one?.conditions ?? []),
      words: { within: settings.within ?? '0 s', parts: [...new Set(names)].join(', ') },
    }
  }
}

function withParties(memo: TogetherMemo, next: (party: PartyMemo, index: number) => PartyMemo): TogetherMemo {
  const parties = memo.parties.map(next)
  return parties.every((party, index) => party === memo.parties[index]) ? memo : { ...memo, parties }
}
