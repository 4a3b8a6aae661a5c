import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import { quantityIds, quantityOf, type QuantityId } from '../../gateway/quantity.ts'
import type { RaisedBy, RuleContext, RuleKind } from '../../gateway/rule.ts'
import { Span } from '../../gateway/words.ts'
import { crowdOf } from '../crowd.ts'
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
import { cameLate } from '../came-late.ts'
import { deviceOf, sourceOf } from '../newest.ts'
import { without } from '../without.ts'
import { limitKeys, Party, partyComplaints, partyKeys, PartySettings, wantsOf, type Group } from '../party.ts'
import { dueOf as dueOfParty, isSo, lastSo, nobody, spansOf, type PartyMemo } from '../party-memo.ts'
import { partyNearness } from '../party-nearness.ts'

export const CountSettings = Type.Object(
  {
    /** What is counted; exactly one of `when`, `rises` and `counter`. */
    ...partyKeys,
    ...limitKeys,
    /** A number that grows by one each time, and begins anew when its device does. */
    counter: Type.Optional(Type.Enum(quantityIds)),
    /** So many times `within` a span; exactly one of `times` and `atOnce`. */
    times: Type.Optional(Type.Integer({ minimum: 2, maximum: 100 })),
    within: Type.Optional(Span),
    /** So many things in the picture, or devices that say so, at the same time. */
    atOnce: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    /** `times`: one shorter than this is not counted. `atOnce`: so many for so long. */
    for: Type.Optional(Span),
    /** Interruptions up to this long are none. */
    gap: Type.Optional(Span),
  },
  { additionalProperties: false },
)
export type CountSettings = Static<typeof CountSettings>

/** What is shown of an event in a case. */
type Shown = Pick<Standing, 'readings'>

interface CountMemo extends CourseMemo {
  readonly party: PartyMemo
  /** The newest events, as many as are wanted. */
  readonly times: readonly Instant[]
  /** The event that goes on. */
  readonly event?: Lasting
  /** Last values of the counter. */
  readonly counted?: Readonly<Record<string, readonly [value: number, at: Instant]>>
  readonly shown?: Shown
}

/**
 * 计数: raises when something happened so many times within a span (a recurring offender, arcs), or when so many
 * things stand there or so many devices say so at the same time (crowding, a shed over its capacity). Clears when
 * there are fewer.
 */
const count: RuleKind<typeof CountSettings, JoinedState<CourseMemo>> = {
  settings: CountSettings,
  check: complaints,
  wants: (settings) =>
    settings.counter === undefined ? wantsOf([partyOf(settings)], settings.limits) : [settings.counter],
  words: ['count', 'times', 'within', 'for', 'parts'],
  start: nothingJoined,
  nearness: (settings) =>
    partyNearness(settings.counter === undefined ? [partyOf(settings)] : [], settings.limits),
  ready: (settings, context) => {
    const course =
      settings.atOnce === undefined
        ? timesOf(settings, context)
        : crowdOf(settings, settings.atOnce, partyOf(settings), context)
    return joined<CourseMemo>(course, context) // a rule's memory is that of its own settings
  },
}
export default count

function complaints(settings: CountSettings): { path: string; text: string }[] {
  const { counter, times, atOnce, within, when, rises } = settings
  const complain = (text: string, path = ''): { path: string; text: string }[] => [{ path, text }]
  if ([when, rises, counter].filter((one) => one !== undefined).length !== 1) {
    return complain('wanted exactly one of "when", "rises" and "counter"')
  }
  if ((times === undefined) === (atOnce === undefined)) {
    return complain('wanted exactly one of "times" and "atOnce"')
  }
  if ((times === undefined) !== (within === undefined))
    return complain('"times" and "within" belong together')
  if (counter === undefined) return [...partyComplaints([['', partyOf(settings)]], settings.limits)]
  if (quantityOf(counter).kind !== 'number') return complain(`"${counter}" is not a number`, '/counter')
  const only = (['atOnce', 'for', 'gap', 'labels', 'cameFrom', 'limits'] as const).find(
    (key) => settings[key] !== undefined,
  )
  return only === undefined ? [] : complain(`"${only}" belongs to "when"`, `/${only}`)
}

/** Settings with a counter have no condition; theirs is never judged. */
function partyOf({ when, rises, parts, labels, cameFrom }: CountSettings): PartySettings {
  return {
    ...(rises ? { rises } : { when: when ?? 'smoke' }),
    ...(parts && { parts }),
    ...(labels && { labels }),
    ...(cameFrom && { cameFrom }),
  }
}

function timesOf(settings: CountSettings, context: RuleContext): Course<CountMemo> {
  const { counter, times: wanted = 1, parts } = settings
  const party = new Party(partyOf(settings), settings.limits, context)
  const within: Duration = settings.within === undefined ? 0 : parseDuration(settings.within)
  const patience: Patience = {
    wait: settings.for === undefined ? 0 : parseDuration(settings.for),
    gap: settings.gap === undefined ? 0 : parseDuration(settings.gap),
  }

  return {
    start: { party: nobody, times: [] },
    said(before, group, now) {
      if (counter !== undefined) return afterCounter(before, counter, group, now)
      const next = party.afterSaid(before.party, group, now)
      return next === before.party ? before : looked({ ...before, party: next }, now)
    },
    time(before, now, jumpedBy) {
      let memo = movedTimes(before, jumpedBy, now)
      const next = party.afterTime(memo.party, now, jumpedBy)
      if (memo.event) {
        const event = byNewClock(memo.event, jumpedBy, now)
        if (event !== memo.event) memo = { ...memo, event }
      }
      if (next !== memo.party) memo = looked({ ...memo, party: next }, now)
      else if (memo.event) memo = afterEvent(memo, memo.event, afterTime(memo.event, patience, now), now)
      return inWindow(memo, now)
    },
    due(memo, now) {
      const oldest = memo.times.length > 0 ? memo.times[0] : undefined
      const expires = oldest === undefined ? undefined : later(oldest, within)
      // What counts no more is let go with the next reading; only a case that stands waits for it.
      const ends = memo.breach && expires !== undefined ? instant(Math.max(expires, now)) : undefined
      return earliest(dueOfParty(memo.party), memo.event && dueOf(memo.event, patience), ends)
    },
  }

  function looked(memo: CountMemo, now: Instant): CountMemo {
    const so = isSo(memo.party)
    const last = spansOf(memo.party).at(-1)
    const at = so ? (last?.since ?? now) : (lastSo(memo.party, now) ?? now)
    const shown = so && last ? { shown: { readings: party.shown([last]).readings } } : {}
    return afterEvent(
      { ...memo, ...shown },
      memo.event,
      afterLook(memo.event, { isSo: so, at }, patience, now),
      now,
    )
  }

  function afterEvent(memo: CountMemo, before: Lasting | undefined, look: Look, now: Instant): CountMemo {
    const { lasting, wasLong } = look
    if (lasting === before && look.ended === undefined) return memo
    const others: CountMemo = without(memo, 'event')
    let next: CountMemo = lasting ? { ...others, event: lasting } : others
    if (before && look.ended !== undefined && wasLong && !before.isRipe)
      next = happened(next, before.since, 1, now)
    const isNew = look.ended !== undefined || before?.isRipe !== true
    return lasting?.isRipe && isNew ? happened(next, lasting.since, 1, now) : next
  }

  function afterCounter(memo: CountMemo, quantity: QuantityId, group: Group, now: Instant): CountMemo {
    const { deviceId, part } = group
    if (parts && !parts.includes(part) && !parts.includes(context.partOf(deviceId))) return memo
    const reading = group.readings.find((one) => one.quantity === quantity && one.quality !== 'bad')
    if (typeof reading?.value !== 'number') return memo
    const { value } = reading
    const at = instant(Math.min(reading.at, now))
    const source = sourceOf(deviceId, part)
    const known = memo.counted && Object.hasOwn(memo.counted, source) ? memo.counted[source] : undefined
    if (known && (known[0] === value || cameLate(at, known[1], now))) return memo
    const counted = boundedCounts({ ...memo.counted, [source]: [value, at] }, context)
    const next = { ...memo, counted }
    if (!known) return next
    // A device that was switched off and on begins at zero.
    const growth = value > known[0] ? value - known[0] : value
    const by: RaisedBy = { deviceId, reading: { ...reading, at } }
    return growth > 0 ? happened({ ...next, shown: { readings: [by] } }, at, growth, now) : next
  }

  function happened(memo: CountMemo, at: Instant, howOften: number, now: Instant): CountMemo {
    if (at <= now - within) return memo
    const added = Array.from({ length: Math.min(howOften, wanted) }, () => at)
    const times = [...memo.times, ...added].sort((a, b) => a - b).slice(-wanted)
    const next = inWindow({ ...memo, times }, now)
    const [first] = next.times
    if (next.breach || next.times.length < wanted || first === undefined) return next
    return withBreach(next, standingOf(next, first))
  }

  function inWindow(memo: CountMemo, now: Instant): CountMemo {
    const [oldest] = memo.times
    if (oldest === undefined || oldest > now - within) return memo
    const times = memo.times.filter((at) => at > now - within)
    const next = { ...memo, times }
    return memo.breach && times.length < wanted ? withoutBreach(next, later(oldest, within)) : next
  }

  function standingOf({ party: memo, shown, times }: CountMemo, since: Instant): Standing {
    return {
      since,
      readings: shown?.readings ?? [],
      words: {
        count: String(times.length),
        times: String(wanted),
        within: settings.within ?? '',
        for: settings.for ?? '0 s',
        parts: namesOf(memo, shown),
      },
    }
  }

  function namesOf(memo: PartyMemo, shown: Shown | undefined): string {
    if (counter === undefined) return party.namesOf(spansOf(memo).slice(-1)).join(', ')
    const [by] = shown?.readings ?? []
    return by ? (by.reading.part === '' ? context.partOf(by.deviceId) : by.reading.part) : ''
  }
}

function movedTimes(memo: CountMemo, jumpedBy: Duration, now: Instant): CountMemo {
  const move = (at: Instant): Instant => instant(Math.min(at + jumpedBy, now))
  if (memo.times.every((at) => move(at) === at)) return memo
  return { ...memo, times: memo.times.map(move) }
}

const MOST_COUNTERS = 64

function boundedCounts(
  counted: NonNullable<CountMemo['counted']>,
  context: Pick<RuleContext, 'isHere'>,
): NonNullable<CountMemo['counted']> {
  const entries = Object.entries(counted).filter(([source]) => context.isHere(deviceOf(source)))
  const newest = entries.sort(([, a], [, b]) => a[1] - b[1]).slice(-MOST_COUNTERS)
  return Object.fromEntries(newest)
}
