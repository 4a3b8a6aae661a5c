import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, type Instant } from '../../base/clock.ts'
import { TimeWindow } from '../../gateway/calendar.ts'
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
import {
  afterLook,
  afterTime,
  byNewClock,
  dueOf,
  type Lasting,
  type Look,
  type Patience,
} from '../lasting.ts'
import { limitKeys, Party, partyComplaints, partyKeys, wantsOf } from '../party.ts'
import { dueOf as dueOfParty, isSo, lastSo, nobody, standing, type PartyMemo } from '../party-memo.ts'
import { partyNearness } from '../party-nearness.ts'
import { without } from '../without.ts'

const ScheduleSettings = Type.Object(
  {
    ...partyKeys,
    ...limitKeys,
    /** When it must not be so. */
    at: TimeWindow,
    for: Type.Optional(Span),
    /** Interruptions up to this long are none. */
    gap: Type.Optional(Span),
  },
  { additionalProperties: false },
)
type ScheduleSettings = Static<typeof ScheduleSettings>

/** Something may have stood for months when its window opens. */
const MOST_EDGES = 1000

interface ScheduleMemo extends CourseMemo {
  readonly party: PartyMemo
  /** So, and in the window. */
  readonly lasting?: Lasting
}

/**
 * 时段: raises when something is so at a time at which it must not be: at night, outside opening hours, on holidays.
 * What was so before the window opened counts from its opening. Clears when it ends, or with the window.
 */
const schedule: RuleKind<typeof ScheduleSettings, JoinedState<ScheduleMemo>> = {
  settings: ScheduleSettings,
  check: (settings) => partyComplaints([['', settings]], settings.limits),
  wants: (settings) => wantsOf([settings], settings.limits),
  words: ['for', 'parts'],
  start: nothingJoined,
  nearness: (settings) => partyNearness([settings], settings.limits),
  ready: (settings, context) => joined(scheduleOf(settings, context), context),
}
export default schedule

function scheduleOf(settings: ScheduleSettings, context: RuleContext): Course<ScheduleMemo> {
  const { at: window, for: wait, gap } = settings
  const party = new Party(settings, settings.limits, context)
  const times = context.times(window)
  const patience: Patience = {
    wait: wait === undefined ? 0 : parseDuration(wait),
    gap: gap === undefined ? 0 : parseDuration(gap),
  }

  return {
    start: { party: nobody },
    said(before, group, now) {
      const next = party.afterSaid(before.party, group, now)
      return next === before.party ? before : looked({ ...before, party: next }, now)
    },
    time(before, now, jumpedBy) {
      const next = party.afterTime(before.party, now, jumpedBy)
      let memo = next === before.party ? before : { ...before, party: next }
      if (memo.lasting) {
        const lasting = byNewClock(memo.lasting, jumpedBy, now)
        if (lasting !== memo.lasting) memo = { ...memo, lasting }
        memo = afterClosing(memo, lasting, now)
      }
      return looked(memo, now)
    },
    due(memo, now) {
      const edge = isSo(memo.party) ? times.nextChange(now) : undefined
      return earliest(dueOfParty(memo.party), memo.lasting && dueOf(memo.lasting, patience), edge)
    },
  }

  /** The window may have closed and opened again while the gateway was off. */
  function afterClosing(memo: ScheduleMemo, lasting: Lasting, now: Instant): ScheduleMemo {
    const closing = times.isOpen(lasting.from) ? times.nextChange(lasting.from) : undefined
    return closing === undefined || closing > now ? memo : over(memo, closing)
  }

  function over(memo: ScheduleMemo, at: Instant): ScheduleMemo {
    const rest: ScheduleMemo = without(memo, 'lasting')
    return rest.breach ? withoutBreach(rest, at) : rest
  }

  function looked(memo: ScheduleMemo, now: Instant): ScheduleMemo {
    const isIn = isSo(memo.party) && times.isOpen(now)
    const isKnown = memo.lasting !== undefined && memo.lasting.goneSince === undefined
    if (isIn === isKnown) {
      return memo.lasting ? settled(memo, memo.lasting, afterTime(memo.lasting, patience, now)) : memo
    }
    if (!isIn) {
      const at = lastSo(memo.party, now) ?? now
      return settled(memo, memo.lasting, afterLook(memo.lasting, { isSo: false, at }, patience, now))
    }
    const since = standing(memo.party)[0]?.since ?? now
    const at = beginning(since, now)
    const look = afterLook(memo.lasting, { isSo: true, at }, patience, now)
    const isOpening = at !== since && look.lasting?.since === at
    // The window opened by the gateway's own clock, perhaps while it was off: no need to wait for anybody.
    if (!look.lasting || !isOpening) return settled(memo, memo.lasting, look)
    const { lasting } = afterTime({ ...look.lasting, from: at }, patience, now)
    return settled(memo, memo.lasting, { ...look, lasting })
  }

  /** Its own, where the window was open already. */
  function beginning(since: Instant, now: Instant): Instant {
    const edge = times.isOpen(since) ? times.nextChange(since) : undefined
    return times.isOpen(since) && (edge === undefined || edge > now) ? since : opening(since, now)
  }

  /** When the window that is open now opened; nobody knows where that is further back than can be looked. */
  function opening(since: Instant, now: Instant): Instant {
    let edge = times.nextChange(since)
    for (let edges = 0; edges < MOST_EDGES && edge !== undefined && edge <= now; edges++) {
      const next = times.nextChange(edge)
      if (times.isOpen(edge) && (next === undefined || next > now)) return edge
      edge = next
    }
    return now
  }

  function settled(memo: ScheduleMemo, before: Lasting | undefined, { lasting, ended }: Look): ScheduleMemo {
    if (lasting === before && ended === undefined) return memo
    const others: ScheduleMemo = without(memo, 'lasting')
    let next: ScheduleMemo = lasting ? { ...others, lasting } : others
    if (next.breach && ended !== undefined) next = withoutBreach(next, ended)
    return lasting?.isRipe && !next.breach ? withBreach(next, standingOf(next, lasting.since)) : next
  }

  function standingOf({ party: memo }: ScheduleMemo, since: Instant): Standing {
    const spans = standing(memo)
    return {
      since: instant(since),
      ...party.shown(spans),
      words: { for: wait ?? '0 s', parts: party.namesOf(spans).join(', ') },
    }
  }
}
