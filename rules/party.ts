import { Type, type Static } from 'typebox'
import { later, type Duration, type Instant } from '../base/clock.ts'
import { zoneLabels, zoneQuantities, type Track, type ZoneStay } from '../gateway/detection.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Compared, RaisedBy, RuleContext } from '../gateway/rule.ts'
import { passedThrough, withPassed, type Passed } from './came-from.ts'
import { cameLate } from './came-late.ts'
import { compileCondition, soundCondition, type Condition } from './condition.ts'
import type { Frame, Judged } from './condition-nodes.ts'
import { deviceOf, emptyFrame, nothingHeard, put, sourceOf, withReadings, worthKeeping } from './newest.ts'
import {
  afterTime,
  boundedLows,
  ended,
  notAhead,
  withHit,
  type Hit,
  type HitReading,
  type PartyMemo,
  type SoSpan,
} from './party-memo.ts'
import { Rise, riseComplaints, RiseSettings } from './rise.ts'
import { firstHit, tracksIn } from './same-thing.ts'
import { ConditionText, limitNameComplaints, Limits } from './when.ts'

const Names = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
      minItems: 1,
      maxItems: 20,
      uniqueItems: true,
      description,
    }),
  )

/** 一方: something that one device, port or zone says of itself; rules join several of them. */
export const partyKeys = {
  /** Exactly one of `when` and `rises`. */
  when: Type.Optional(ConditionText),
  rises: Type.Optional(RiseSettings),
  parts: Names('only of these parts of the site, ports or zones'),
  labels: Names('cameras: only things of these labels'),
  cameFrom: Names('cameras: only what was seen in one of these zones before'),
}

export const PartySettings = Type.Object(partyKeys, { additionalProperties: false })
export type PartySettings = Static<typeof PartySettings>

/** Numbers of the conditions of a rule's parties that a site may set. */
export const limitKeys = { limits: Type.Optional(Limits) }

/** Readings of one part at one time. */
export interface Group {
  readonly deviceId: string
  readonly part: string
  readonly readings: readonly Reading[]
  readonly stays: readonly ZoneStay[]
}

const MOST_SHOWN = 8

export type PartyContext = Pick<RuleContext, 'isHere' | 'partOf'>

/** Judges what is said of one party; its memory is handed in and out. */
export class Party {
  readonly #asked: Condition | Rise
  readonly #wants: readonly QuantityId[]
  readonly #settings: PartySettings
  readonly #context: PartyContext
  readonly #labels: readonly string[]

  constructor(settings: PartySettings, limits: Limits | undefined, context: PartyContext) {
    this.#asked = settings.rises ? new Rise(settings.rises) : soundCondition(settings.when ?? '', limits)
    this.#wants = wantsOf([settings], limits)
    this.#settings = settings
    this.#context = context
    this.#labels = settings.labels ?? this.#wants.flatMap(labelsOf)
  }

  /** A group of readings was said. */
  afterSaid(before: PartyMemo, group: Group, now: Instant): PartyMemo {
    const memo = this.#withPassed(before, group)
    const { parts } = this.#settings
    const { deviceId, part } = group
    if (parts && !parts.includes(part) && !parts.includes(this.#context.partOf(deviceId))) return memo
    const wanted = group.readings.filter(({ quantity }) => this.#wants.includes(quantity))
    if (wanted.length === 0) return memo
    const tracks = this.#tracksOf(memo, group)
    const readings = tracks ? wanted.map((reading) => seenReading(reading, tracks)) : wanted
    const source = sourceOf(deviceId, part)
    const {
      memo: next,
      judged,
      rise,
    } = this.#asked instanceof Rise
      ? this.#rising(memo, this.#asked, source, readings, now)
      : this.#looked(memo, this.#asked, { deviceId, part, readings, stays: [] }, now)
    if (judged === 'unknown') return next
    const said = notAhead(Math.max(...readings.map(({ at }) => at)), now)
    if (!judged) return noLonger(next, source, said, now)
    // A camera dates what it sees by its first hit, wherever in the picture that was.
    const seen = notAhead(Math.max(said, ...(tracks ?? []).map(({ lastSeen }) => lastSeen)), now)
    const since = firstHit(tracks ?? [], seen)
    const by = readings.flatMap(({ quantity, value, at, quality }): HitReading[] =>
      quality === 'bad' ? [] : [quality === 'at-limit' ? [quantity, value, at, 1] : [quantity, value, at]],
    )
    const lasts = readings.flatMap(({ lastsMs }) => lastsMs ?? [])
    const hit = { since, by, ...(rise !== undefined && { rise }), ...endOf(said, lasts) }
    return withHit(next, source, hit, seen, now)
  }

  /** Time alone has passed: what ends by itself has ended, and devices that are gone say nothing any more. */
  afterTime(memo: PartyMemo, now: Instant, jumpedBy: Duration = 0): PartyMemo {
    return afterTime(memo, now, jumpedBy, (deviceId) => this.#context.isHere(deviceId))
  }

  /** What of it a case shows. */
  shown(spans: readonly SoSpan[]): {
    readonly readings: readonly RaisedBy[]
    readonly conditions: readonly Compared[]
  } {
    const some = spans.slice(0, MOST_SHOWN)
    return {
      readings: some.flatMap((span) => {
        const compared = this.#explained([span])
        return span.by.map((reading) => raisedBy(span.source, reading, compared))
      }),
      conditions: some.length === 0 ? [] : this.#explained(some),
    }
  }

  /** The names of who said so, as people at the site know them. */
  namesOf(spans: readonly SoSpan[]): readonly string[] {
    const names = spans.map(({ source }) => {
      const part = partIn(source)
      return part === '' ? this.#context.partOf(source) : part
    })
    return [...new Set(names)]
  }

  #explained(spans: readonly SoSpan[]): readonly Compared[] {
    if (!(this.#asked instanceof Rise)) return this.#asked.explain(spans.map(({ by }) => this.#frameOf(by)))
    return [this.#asked.compared(Math.max(...spans.map(({ rise }) => rise ?? 0)))]
  }

  #frameOf(by: readonly HitReading[]): Frame {
    const frame = emptyFrame()
    for (const [quantity, value, at, atLimit] of by) {
      put(frame, this.#wants.indexOf(quantity), atLimit ? [value, at, atLimit] : [value, at])
    }
    return frame
  }

  #withPassed(memo: PartyMemo, { deviceId, stays }: Group): PartyMemo {
    const { cameFrom } = this.#settings
    if (!cameFrom || stays.length === 0) return memo
    const known = memo.passed ?? nothingPassed
    const passed = withPassed(known, deviceId, stays, cameFrom, this.#labels)
    return passed === known ? memo : { ...memo, passed }
  }

  /** Cameras: the things that count; undefined where the group is no camera's. */
  #tracksOf(memo: PartyMemo, { deviceId, part, stays }: Group): readonly Track[] | undefined {
    return stays.some(({ zone }) => zone === part) ? this.thingsIn(memo, deviceId, stays, part) : undefined
  }

  /** What of a zone is spoken of, with the right labels and come from where it has to. */
  thingsIn(memo: PartyMemo, deviceId: string, stays: readonly ZoneStay[], zone: string): readonly Track[] {
    const tracks = tracksIn(stays, zone, this.#labels)
    return this.#settings.cameFrom ? passedThrough(memo.passed ?? {}, deviceId, tracks) : tracks
  }

  #rising(
    memo: PartyMemo,
    rise: Rise,
    source: string,
    readings: readonly Reading[],
    now: Instant,
  ): Judgement {
    const reading = readings.at(-1)
    if (typeof reading?.value !== 'number' || reading.quality === 'bad') return { memo, judged: 'unknown' }
    const known = (memo.lows && Object.hasOwn(memo.lows, source) ? memo.lows[source] : undefined) ?? []
    const at = notAhead(reading.at, now)
    if (known.some(([seen]) => cameLate(at, seen, now))) return { memo, judged: 'unknown' }
    const { lows, rise: grown } = rise.after(known, reading.value, at)
    const next = lows === known ? memo : { ...memo, lows: boundedLows({ ...memo.lows, [source]: lows }) }
    return { memo: next, judged: rise.isMet(grown), rise: grown }
  }

  #looked(
    memo: PartyMemo,
    condition: Condition,
    { deviceId, part, readings }: Group,
    now: Instant,
  ): Judgement {
    const { wants } = condition
    const frame = emptyFrame()
    if (wants.length === 1) {
      const last = readings.at(-1)
      if (last && last.quality !== 'bad')
        put(frame, 0, last.quality === 'at-limit' ? [last.value, last.at, 1] : [last.value, last.at])
      return { memo, judged: condition.judge([frame]) }
    }
    const before = memo.heard ?? nothingHeard
    const after = withReadings(before, deviceId, readings, wants, now)
    const [own, whole] = [after[sourceOf(deviceId, part)], after[deviceId]]
    for (const [index, quantity] of wants.entries()) {
      const heard = own?.[quantity] ?? whole?.[quantity]
      if (heard) put(frame, index, heard)
    }
    const kept = worthKeeping(before, after, [condition])
    return { memo: kept === before ? memo : { ...memo, heard: kept }, judged: condition.judge([frame]) }
  }
}

/** What one group came to. */
interface Judgement {
  readonly memo: PartyMemo
  readonly judged: Judged
  readonly rise?: number
}

/** What is wrong with the parties of a rule beyond their schema; each with its path. */
export function partyComplaints(
  parties: readonly (readonly [path: string, party: PartySettings])[],
  limits: Limits = {},
): readonly Complaint[] {
  const complaints: Complaint[] = []
  const used: string[] = []
  for (const [path, { when, rises }] of parties) {
    if ((when === undefined) === (rises === undefined)) {
      complaints.push({ path, text: 'wanted exactly one of "when" and "rises"' })
    } else if (rises) complaints.push(...riseComplaints(rises, `${path}/rises`))
    else {
      const compiled = compileCondition(when ?? '', limits)
      if (compiled.ok) used.push(...compiled.condition.names)
      else complaints.push(...compiled.complaints.map((text) => ({ path: `${path}/when`, text })))
    }
  }
  return complaints.length > 0 ? complaints : limitNameComplaints(limits, used)
}

interface Complaint {
  readonly path: string
  readonly text: string
}

/** The quantities of sound parties. */
export const wantsOf = (
  parties: readonly PartySettings[],
  limits: Limits | undefined,
): readonly QuantityId[] => [
  ...new Set(
    parties.flatMap(({ when, rises }) =>
      rises ? [rises.quantity] : soundCondition(when ?? '', limits).wants,
    ),
  ),
]

/** A message as groups: what was measured together is judged together, what came in a row one after the other. */
export function groupsOf(
  deviceId: string,
  readings: readonly Reading[],
  stays: readonly ZoneStay[],
): readonly Group[] {
  const groups: Reading[][] = []
  for (const reading of readings) {
    const last = groups.at(-1)
    const first = last?.[0]
    const isOfLast =
      first?.part === reading.part &&
      first.at === reading.at &&
      !last?.some(({ quantity }) => quantity === reading.quantity)
    if (last && isOfLast) last.push(reading)
    else groups.push([reading])
  }
  return groups.map((group) => ({ deviceId, part: group[0]?.part ?? '', readings: group, stays }))
}

const nothingPassed: Passed = {}

const labelsOf = (quantity: QuantityId): readonly string[] =>
  zoneQuantities.some((known) => known === quantity) ? zoneLabels[quantity as keyof typeof zoneLabels] : [] // found in the line

const partIn = (source: string): string => source.slice(deviceOf(source).length + 1)

/** A camera says "something is there" of anything; what counts is what the party is after. */
function seenReading(reading: Reading, tracks: readonly Track[]): Reading {
  return reading.value === true && tracks.length === 0 ? { ...reading, value: false } : reading
}

/** A "no" from before the "yes" ends nothing. */
function noLonger(memo: PartyMemo, source: string, at: Instant, now: Instant): PartyMemo {
  const known = memo.on && Object.hasOwn(memo.on, source) ? memo.on[source] : undefined
  return !known || cameLate(at, known.since, now) ? memo : ended(memo, source, at)
}

function endOf(at: Instant, lasts: readonly Duration[]): Pick<Hit, 'ends'> {
  if (lasts.length === 0) return {}
  const lastsMs = Math.min(...lasts)
  return { ends: { at: later(at, lastsMs), lastsMs } }
}

function raisedBy(
  source: string,
  [quantity, value, at, atLimit]: HitReading,
  compared: readonly Compared[],
): RaisedBy {
  const limit = compared.find((one) => one.value === value && typeof one.threshold === 'number')
  return {
    deviceId: deviceOf(source),
    reading: { quantity, part: partIn(source), value, quality: atLimit ? 'at-limit' : 'good', at },
    ...(typeof limit?.threshold === 'number' && { threshold: limit.threshold }),
    ...(limit?.margin !== undefined && !atLimit && { margin: limit.margin }),
  }
}
