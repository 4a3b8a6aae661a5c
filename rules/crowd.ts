import { parseDuration } from '../base/amount.ts'
import { instant, type Instant } from '../base/clock.ts'
import type { Reading } from '../gateway/reading.ts'
import type { RaisedBy, RuleContext } from '../gateway/rule.ts'
import { earliest, withBreach, withoutBreach, type Course, type CourseMemo, type Standing } from './joined.ts'
import { afterLook, afterTime, byNewClock, dueOf, type Lasting, type Look, type Patience } from './lasting.ts'
import { deviceOf, sourceOf } from './newest.ts'
import type { Limits } from './when.ts'
import { without, withoutKey } from './without.ts'
import { Party, type Group, type PartySettings } from './party.ts'
import { dueOf as dueOfParty, nobody, standing, type PartyMemo } from './party-memo.ts'

interface CrowdMemo extends CourseMemo {
  readonly party: PartyMemo
  /** How many things each camera sees; a device that says so counts once. */
  readonly seen?: Readonly<Record<string, number>>
  readonly over?: Lasting
}

export interface CrowdSettings {
  readonly for?: string
  readonly gap?: string
  readonly limits?: Limits
}

/** 同时数量: as many things in pictures, or devices that say so, at the same time. */
export function crowdOf(
  settings: CrowdSettings,
  wanted: number,
  partySettings: PartySettings,
  context: RuleContext,
): Course<CrowdMemo> {
  const party = new Party(partySettings, settings.limits, context)
  const patience: Patience = {
    wait: settings.for === undefined ? 0 : parseDuration(settings.for),
    gap: settings.gap === undefined ? 0 : parseDuration(settings.gap),
  }

  return {
    start: { party: nobody },
    said(before, group, now) {
      const next = party.afterSaid(before.party, group, now)
      const memo = withSeen(next === before.party ? before : { ...before, party: next }, group)
      return memo === before ? before : looked(memo, newestOf(group.readings, now), now)
    },
    time(before, now, jumpedBy) {
      const next = party.afterTime(before.party, now, jumpedBy)
      let memo = next === before.party ? before : { ...before, party: next }
      if (memo.over) {
        const over = byNewClock(memo.over, jumpedBy, now)
        if (over !== memo.over) memo = { ...memo, over }
      }
      if (next !== before.party) memo = looked(memo, now, now)
      else if (memo.over) memo = settled(memo, memo.over, afterTime(memo.over, patience, now))
      return memo
    },
    due: (memo) => earliest(dueOfParty(memo.party), memo.over && dueOf(memo.over, patience)),
  }

  /** A thing that stands in two zones of one camera is one thing. */
  function withSeen(memo: CrowdMemo, { deviceId, part, stays }: Group): CrowdMemo {
    const known = memo.seen && Object.hasOwn(memo.seen, deviceId) ? memo.seen[deviceId] : undefined
    if (known === undefined && !stays.some(({ zone }) => zone === part)) return memo
    const sources = new Set(standing(memo.party).map(({ source }) => source))
    const tracks = stays
      .filter(({ zone }) => sources.has(sourceOf(deviceId, zone)))
      .flatMap(({ zone }) => party.thingsIn(memo.party, deviceId, stays, zone))
    const count = new Set(tracks.map(({ trackId }) => trackId)).size
    if (count === (known ?? 0)) return memo
    const others = withoutKey(memo.seen ?? {}, deviceId)
    return { ...memo, seen: count === 0 ? others : { ...others, [deviceId]: count } }
  }

  function countOf({ party: memo, seen }: CrowdMemo): number {
    const spans = standing(memo)
    const isCamera = (source: string): boolean => seen !== undefined && Object.hasOwn(seen, deviceOf(source))
    const cameras = [...new Set(spans.map(({ source }) => deviceOf(source)))].filter(isCamera)
    const things = cameras.reduce((sum, id) => sum + (seen?.[id] ?? 0), 0)
    return things + spans.filter(({ source }) => !isCamera(source)).length
  }

  function looked(memo: CrowdMemo, at: Instant, now: Instant): CrowdMemo {
    return settled(
      memo,
      memo.over,
      afterLook(memo.over, { isSo: countOf(memo) >= wanted, at }, patience, now),
    )
  }

  function settled(memo: CrowdMemo, before: Lasting | undefined, { lasting, ended }: Look): CrowdMemo {
    if (lasting === before && ended === undefined) return memo
    const others: CrowdMemo = without(memo, 'over')
    let next: CrowdMemo = lasting ? { ...others, over: lasting } : others
    if (next.breach && ended !== undefined) next = withoutBreach(next, ended)
    return lasting?.isRipe && !next.breach ? withBreach(next, standingOf(next, lasting.since)) : next
  }

  function standingOf(memo: CrowdMemo, since: Instant): Standing {
    const spans = standing(memo.party)
    const shown: { readonly readings: readonly RaisedBy[] } = party.shown(spans)
    return {
      since,
      ...shown,
      words: {
        count: String(countOf(memo)),
        times: String(wanted),
        within: '',
        for: settings.for ?? '0 s',
        parts: party.namesOf(spans).join(', '),
      },
    }
  }
}

const newestOf = (readings: readonly Reading[], now: Instant): Instant =>
  instant(Math.min(now, Math.max(...readings.map(({ at }) => at))))
