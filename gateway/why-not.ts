import { parseDuration } from '../base/amount.ts'
import { isoTime, later, type Duration, type Instant } from '../base/clock.ts'
import type { Case } from './case.ts'
import type { QuantityId } from './quantity.ts'
import type { Reading } from './reading.ts'
import type { Compared } from './rule.ts'
import type { Plans, Slot } from './slots.ts'
import type { Reader } from './store/store.ts'
import { readWouldBe, type WouldBe } from './would-be.ts'
import type { Bilingual } from './words.ts'

/** 为何没有立案: what is asked, and over which time before `at` it is looked at. */
export interface WhyNotWish {
  readonly siteId: string
  readonly classId: string
  readonly at: Instant
  readonly within: Duration
}

/** What one device says of one part. */
export interface Source {
  readonly deviceId: string
  readonly quantity: QuantityId
  readonly part: string
}

/** The readings of a source that arrived in a span, in their order. */
export type ReadingsOf = (source: Source, from: Instant, to: Instant) => Promise<readonly Reading[]>

export const reasons = {
  case: { zh: '已有案件', en: 'there was a case' },
  held: { zh: '达到条件但被保留', en: 'it was met and something held it back' },
  silence: { zh: '没有任何读数', en: 'nothing was said' },
  'bad-quality': { zh: '读数均不可信', en: 'no reading was believable' },
  schedule: { zh: '不在规则的时段内', en: 'outside the hours of the rule' },
  'not-met': { zh: '未达到条件', en: 'a condition was not met' },
  'too-short': {
    zh: '达到条件但持续时间不足',
    en: 'the conditions were met, but not long or often enough or not together',
  },
  'not-told': { zh: '规则按沉默判断，设备有消息', en: 'the rule judges silence, and the device was heard' },
} as const satisfies Record<string, Bilingual>
export type Reason = keyof typeof reasons

/** One rule at one place: how near it came, and what was missing. */
export interface RuleWhyNot {
  readonly rule: string
  readonly version: number
  readonly place: string
  readonly reason: Reason
  readonly text: Bilingual
  /** Of each comparison the nearest moment. */
  readonly nearest: readonly Compared[]
  /** How long its settings want it to last. */
  readonly wantedFor: string | null
  /** The longest time without a break in which all comparisons were met, in ms; null where it cannot be told. */
  readonly longestMs: number | null
  readonly readings: number
  readonly bad: number
  readonly lastAt: string | null
  /** Raises that were held back then. */
  readonly held: readonly WouldBe[]
}

export interface WhyNot {
  readonly siteId: string
  readonly class: string
  readonly from: string
  readonly at: string
  /** Cases of the class at the site that stood then. */
  readonly cases: readonly Pick<
    Case,
    'key' | 'place' | 'since' | 'raisedAt' | 'clearedAt' | 'stage' | 'drill'
  >[]
  readonly rules: readonly RuleWhyNot[]
  /** Sources that were left out because there are too many. */
  readonly leftOut: number
}

/** So many sources are looked at; a question about a larger site has to name a shorter time. */
const MOST_SOURCES = 400
const MOST_HELD = 200

/** Which rules of a class came how near at a site, and what held them back. */
export async function whyNot(
  wish: WhyNotWish,
  context: { readonly plans: Plans; readonly reader: Reader; readonly readingsOf: ReadingsOf },
): Promise<WhyNot> {
  const { siteId, classId, at, within } = wish
  const { plans, reader, readingsOf } = context
  const from = later(at, -within)
  const slots = plans.slots.filter((slot) => slot.site.id === siteId && slot.class.id === classId)
  const cases = casesThen(reader, wish, from)
  let left = MOST_SOURCES
  let leftOut = 0
  const rules: RuleWhyNot[] = []
  for (const slot of slots) {
    const sources = sourcesOf(plans, slot)
    leftOut += Math.max(0, sources.length - left)
    const asked = sources.slice(0, left)
    left -= asked.length
    const said = await Promise.all(asked.map((source) => readingsOf(source, from, later(at, 1))))
    const held = readWouldBe(reader, { rule: slot.rule.id, siteId, limit: MOST_HELD }).filter(
      (one) => one.place === slot.place && overlaps(one, from, at),
    )
    const readings = said.flat().sort((a, b) => a.at - b.at)
    const hasCase = cases.some(({ place }) => place === slot.place)
    rules.push(judged(slot, { readings, held, hasCase, at }))
  }
  return { siteId, class: classId, from: isoTime(from), at: isoTime(at), cases, rules, leftOut }
}

interface Then {
  readonly readings: readonly Reading[]
  readonly held: readonly WouldBe[]
  readonly hasCase: boolean
  readonly at: Instant
}

function judged(slot: Slot, then: Then): RuleWhyNot {
  const { rule, site, place } = slot
  const { readings, held } = then
  const settings = rule.settingsFor(site.file)
  const near = rule.kind.nearness?.(settings)
  const nearest = near?.(readings) ?? []
  const wantedFor = typeof settings['for'] === 'string' ? settings['for'] : null
  const canBeTold = near !== undefined && rule.wants.length === 1
  const longestMs = !canBeTold ? null : nearest.every(({ met }) => met) ? longestMet(readings, near) : 0
  const reason = reasonOf(slot, settings, nearest, then)
  return {
    rule: rule.id,
    version: rule.version,
    place,
    reason,
    text: reasons[reason],
    nearest,
    wantedFor,
    longestMs,
    readings: readings.length,
    bad: readings.filter(({ quality }) => quality === 'bad').length,
    lastAt: readings.length === 0 ? null : isoTime(readings.at(-1)?.at ?? then.at),
    held,
  }
}

function reasonOf(
  { rule, site }: Slot,
  settings: Readonly<Record<string, unknown>>,
  nearest: readonly Compared[],
  { readings, held, hasCase, at }: Then,
): Reason {
  if (hasCase) return 'case'
  if (held.length > 0) return 'held'
  if (rule.wants.length === 0) return 'not-told'
  if (readings.length === 0) return 'silence'
  if (readings.every(({ quality }) => quality === 'bad')) return 'bad-quality'
  if (settings['during'] === 'hours' && !site.hours.isOpen(at)) return 'schedule'
  return nearest.every(({ met }) => met) && nearest.length > 0 ? 'too-short' : 'not-met'
}

/** Readings one by one: what a rule over one quantity was told at a moment is one of them. */
function longestMet(
  readings: readonly Reading[],
  near: (readings: readonly Reading[]) => readonly Compared[],
): Duration {
  let longest = 0
  let since: Instant | undefined
  for (const reading of readings) {
    const isMet = near([reading]).every(({ met }) => met)
    since = isMet ? (since ?? reading.at) : undefined
    if (since !== undefined) longest = Math.max(longest, reading.at - since)
  }
  return longest
}

/** Everything that the slot is shown. */
function sourcesOf(plans: Plans, slot: Slot): readonly Source[] {
  return [...plans.byDevice].flatMap(([deviceId, { onReading }]) =>
    [...onReading].flatMap(([quantity, byPart]) =>
      [...byPart].flatMap(([part, slots]) => (slots.includes(slot) ? [{ deviceId, quantity, part }] : [])),
    ),
  )
}

function overlaps({ at, endedAt }: WouldBe, from: Instant, to: Instant): boolean {
  return Date.parse(at) <= to && (endedAt === null || Date.parse(endedAt) >= from)
}

function casesThen(reader: Reader, { siteId, classId, at }: WhyNotWish, from: Instant): WhyNot['cases'] {
  const bodies = reader
    .prepare('SELECT body FROM cases WHERE site_id = ? AND class = ? AND raised_at <= ? ORDER BY raised_at')
    .pluck()
    .all(siteId, classId, at) as string[] // one text column
  return bodies
    .map((body) => JSON.parse(body) as Case) // written by the case book
    .filter(({ clearedAt }) => clearedAt === null || Date.parse(clearedAt) >= from)
    .map(({ key, place, since, raisedAt, clearedAt, stage, drill }) => ({
      key,
      place,
      since,
      raisedAt,
      clearedAt,
      stage,
      drill,
    }))
}

/** How long the rule's own settings look back: what lasts for hours is not seen in the last one. */
export function lookBack(plans: Plans, siteId: string, classId: string, atLeast: Duration): Duration {
  const spans = plans.slots
    .filter((slot) => slot.site.id === siteId && slot.class.id === classId)
    .flatMap(({ rule, site }) => {
      const settings = rule.settingsFor(site.file)
      return ['for', 'within', 'over', 'every'].flatMap((key) => {
        const value = settings[key]
        return typeof value === 'string' && /^\d/.test(value) ? [spanOf(value)] : []
      })
    })
  return Math.min(Math.max(atLeast, ...spans.map((span) => 2 * span)), LONGEST_LOOK_MS)
}

const LONGEST_LOOK_MS: Duration = 7 * 86_400_000

/** `within` of a `stuck` rule is a band and no span. */
function spanOf(text: string): Duration {
  try {
    return parseDuration(text)
  } catch {
    return 0
  }
}
