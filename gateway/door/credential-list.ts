import { Type, type Static } from 'typebox'
import { instant, isClockSet, type Instant } from '../../base/clock.ts'
import { TimeWindow, type Calendar } from '../calendar.ts'
import { Id } from '../words.ts'
import type { CardHash } from './card-key.ts'
import type { Refusal } from './refusal.ts'

const closed = { additionalProperties: false } as const

const Moment = Type.String({
  pattern: '^\\d{4}-[01]\\d-[0-3]\\dT[0-2]\\d:[0-5]\\d(:[0-5]\\d)?(Z|[+-][01]\\d:[0-5]\\d)$',
  description: 'RFC 3339 with its zone: 2026-10-01T08:00:00+08:00',
})

/** Where, from when, until when and at which times of the week. */
const limits = {
  doors: Type.Optional(
    Type.Array(Id, {
      minItems: 1,
      maxItems: 64,
      description: 'these doors of the site alone; all of them by default',
    }),
  ),
  from: Type.Optional(Moment),
  until: Type.Optional(Moment),
  hours: Type.Optional(
    Type.Array(TimeWindow, {
      minItems: 1,
      maxItems: 14,
      description: 'by the clock of the site; any of them',
    }),
  ),
} as const

const Numbered = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,64}$',
  description: 'the platform’s number of it: never a name, a phone or a card number',
})

const MOST_CARDS = 10_000
const MOST_REVOKED = 10_000

/** 凭证名单: who may open the doors of a site, as the platform sends it: always the whole list. */
export const CredentialList = Type.Object(
  {
    version: Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1, description: 'grows with every change' }),
    cards: Type.Array(
      Type.Object(
        {
          id: Numbered,
          uid: Type.String({
            pattern: '^([0-9A-Fa-f]{2}){3,10}$',
            description:
              'as the reader of this site reads it: 6 digits by Wiegand 26, 8 by Wiegand 34. Kept as a keyed hash',
          }),
          ...limits,
        },
        closed,
      ),
      { maxItems: MOST_CARDS },
    ),
    revoked: Type.Optional(
      Type.Object(
        {
          subjects: Type.Optional(
            Type.Array(Numbered, { maxItems: MOST_REVOKED, description: '"sub" of QR codes' }),
          ),
          tokens: Type.Optional(
            Type.Array(Numbered, { maxItems: MOST_REVOKED, description: '"jti" of QR codes' }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type CredentialList = Static<typeof CredentialList>

/** As it is kept: a hash in place of each card's number. */
export interface KeptList {
  readonly version: number
  readonly cards: readonly KeptCard[]
  readonly subjects: readonly string[]
  readonly tokens: readonly string[]
}

type KeptCard = Omit<CredentialList['cards'][number], 'uid'> & { readonly hash: string }

/** A card of the list, ready to be judged. */
export interface ListedCard {
  readonly id: string
  /** Why it does not open this door now; undefined where it does. */
  refusalAt(doorId: string, now: Instant): Refusal | undefined
}

export const keptList = (list: CredentialList, siteId: string, hash: CardHash): KeptList => ({
  version: list.version,
  cards: list.cards.map(({ uid, ...card }) => ({ ...card, hash: hash(siteId, uid) })),
  subjects: list.revoked?.subjects ?? [],
  tokens: list.revoked?.tokens ?? [],
})

/** What is wrong beyond the schema; nothing of it says a card's number. */
export function listComplaint({ cards }: CredentialList): string | undefined {
  const ids = new Set<string>()
  const uids = new Set<string>()
  for (const { id, uid, from, until } of cards) {
    if (ids.has(id)) return `two cards have the id "${id}"`
    if (uids.has(uid.toUpperCase())) return `the card of "${id}" is listed twice`
    if (from !== undefined && until !== undefined && Date.parse(from) >= Date.parse(until))
      return `"${id}" ends before it begins`
    ids.add(id)
    uids.add(uid.toUpperCase())
  }
  return undefined
}

/** By hash. Cards with the same hours share what was made of them. */
export function listedCards(list: KeptList, calendar: Calendar): ReadonlyMap<string, ListedCard> {
  const windows = new Map<string, (at: Instant) => boolean>()
  const isOpenAt = (hours: readonly TimeWindow[]): ((at: Instant) => boolean) => {
    const key = JSON.stringify(hours)
    const known = windows.get(key)
    if (known) return known
    const times = hours.map((window) => calendar.times(window))
    const made = (at: Instant): boolean => times.some((one) => one.isOpen(at))
    windows.set(key, made)
    return made
  }
  return new Map(list.cards.map((card) => [card.hash, listedCard(card, isOpenAt)]))
}

function listedCard(
  { id, doors, from, until, hours }: KeptCard,
  isOpenAt: (hours: readonly TimeWindow[]) => (at: Instant) => boolean,
): ListedCard {
  const begins = from === undefined ? undefined : instant(Date.parse(from))
  const ends = until === undefined ? undefined : instant(Date.parse(until))
  const isOpen = hours && isOpenAt(hours)
  const wantsTime = begins !== undefined || ends !== undefined || isOpen !== undefined
  return {
    id,
    refusalAt(doorId, now) {
      if (doors?.includes(doorId) === false) return 'wrong-door'
      if (!wantsTime) return undefined
      if (!isClockSet(now)) return 'clock-unset'
      if (begins !== undefined && now < begins) return 'not-yet'
      if (ends !== undefined && now >= ends) return 'expired'
      return isOpen?.(now) === false ? 'wrong-hours' : undefined
    },
  }
}
