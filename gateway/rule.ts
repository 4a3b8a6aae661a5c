import type { Static, TSchema } from 'typebox'
import type { Duration, Instant } from '../base/clock.ts'
import type { TimeWindow } from './calendar.ts'
import type { ZoneStay } from './detection.ts'
import type { OpeningHours } from './opening-hours.ts'
import type { QuantityId } from './quantity.ts'
import type { Reading, Value } from './reading.ts'
import type { Bilingual } from './words.ts'

/** What a rule is shown. It never sees the wall clock, the store or another place. */
export type Seen =
  /** New readings of the quantities it asked for, at its place; `deviceId` said them. */
  | {
      readonly kind: 'readings'
      readonly deviceId: string
      readonly readings: readonly Reading[]
      readonly stays: readonly ZoneStay[]
    }
  /** The device said anything at all: rules that ask for no quantity. Their place is the device itself, and its
   * memory is one device's: where two devices watch one part, the living one must not answer for the lost one. */
  | { readonly kind: 'heard'; readonly deviceId: string }
  /** A time it asked for has come, or the gateway has started. `lastHeard`: when the device of the place was last
   * heard, or the start of the gateway where it never was; the gateway's own absence is not the device's silence, so that
   * it is measured as if the gateway had never been away. A rule must bear a wake that it did not ask for. `isUnanswered`:
   * the device was asked again and again and does not answer. `jumpedBy`: the wall clock has just jumped by so much; a span that was
   * begun by the old clock is measured on as if the new one had shown it all along. `startedAt`: the start of the
   * gateway, by the clock of now. */
  | {
      readonly kind: 'wake'
      readonly lastHeard: Instant | undefined
      readonly startedAt?: Instant
      readonly jumpedBy?: Duration
      readonly isUnanswered?: true
    }

/** The breach begins (again): since when, by which readings, how far beyond which threshold. */
export interface Raise {
  readonly since: Instant
  readonly drill: boolean
  readonly readings: readonly RaisedBy[]
  /** How often it was asked at the spot to end before it was raised. */
  readonly reminders?: number
  /** Each comparison that decided it. */
  readonly conditions?: readonly Compared[]
  /** Fills `{value}`, `{threshold}`, `{for}` … in the rule's text. */
  readonly words: Readonly<Record<string, string>>
}

export interface RaisedBy {
  readonly reading: Reading
  readonly deviceId: string
  readonly threshold?: number
  /** How far beyond the threshold; absent where the device can only say "this or more". */
  readonly margin?: number
}

/** 条件: one comparison of a rule, with what it came to. */
export interface Compared {
  /** As the pack writes it: `portTemperature >= 70 °C`. */
  readonly text: string
  /** What was there; absent where nothing is known. */
  readonly value?: Value
  readonly threshold?: Value
  /** How far beyond the threshold; below zero it is that far from being met. Numbers only. */
  readonly margin?: number
  /** Of the numbers; empty for counts, texts and yes or no. */
  readonly unit: string
  /** False also where nothing is known. */
  readonly met: boolean
  /** When it came so near, where it was looked for over a time. */
  readonly at?: Instant
}

export interface Step<State> {
  /** The same object when nothing changed: then nothing is written. */
  readonly state: State
  readonly raise?: Raise
  /** The breach of this kind (drill or real) has ended. */
  readonly clear?: { readonly at: Instant; readonly drill: boolean }
  /** Be shown `wake` then. A later step may ask for another time; only the last one counts. A step that asks for
   * none leaves the time that was asked for before. */
  readonly wakeAt?: Instant
}

/** A kind of rule: one file in rules/kinds, a pure step. */
export interface RuleKind<Settings extends TSchema, State> {
  /** What a pack writes for this kind; every number may be set per site. */
  readonly settings: Settings
  /** Says what is wrong beyond the schema (units, crossed limits), by path. */
  check?(settings: Static<Settings>): readonly { readonly path: string; readonly text: string }[]
  /** The quantities it wants to see; none: it is told whenever the device is heard. */
  wants(settings: Static<Settings>): readonly QuantityId[]
  /**
   * Of these a device has to be able to say at least one to be looked at; any of `wants` by default. The test button
   * of a smoke detector is no drill of a gas alarm.
   */
  needs?(settings: Static<Settings>): readonly QuantityId[]
  /**
   * Of each of these a site has to be able to say at least one, or a rule over the whole site could never speak there
   * and is not bound.
   */
  needsAll?(settings: Static<Settings>): readonly (readonly QuantityId[])[]
  /** What `Raise.words` may hold: a text with another {word} is a mistake of its pack. */
  readonly words: readonly string[]
  /** The memory of a place where nothing was seen yet. */
  readonly start: State
  /**
   * How near readings of one place came to raising it, oldest first: for each comparison the nearest moment. For
   * "why not", long after the step has forgotten them.
   */
  nearness?(settings: Static<Settings>): (readings: readonly Reading[]) => readonly Compared[]
  /** Settings made ready once (durations parsed), then stepped for ever. */
  ready(
    settings: Static<Settings>,
    context: RuleContext,
  ): (state: State, seen: Seen, now: Instant) => Step<State>
}

/** What of the site and device a step may know. Its functions are methods: taken out of it they know nothing. */
export interface RuleContext {
  /** The device's own limit of silence. */
  readonly silentAfter: number
  /** Does this device still watch the place? Memory of one that was taken out of the site file is let go. */
  isHere(deviceId: string): boolean
  /** Is it anywhere at the site? What a rule's condition asks for may be said elsewhere. */
  isAtSite(deviceId: string): boolean
  /** The part of the site that a device watches. */
  partOf(deviceId: string): string
  /** Are all cases of this device drills? What it proves together with others is a drill too. */
  isDrill(deviceId: string): boolean
  /** Is there any such device here? */
  hasDrills(): boolean
  /** Is it within the site's opening hours? Always true where none are stated. */
  isOpen(at: Instant): boolean
  /** The next time that opening hours begin or end after `at`, if any. */
  nextOpeningChange(at: Instant): Instant | undefined
  /** The times of a window in the site's own calendar: its hours, clock, days and holidays. */
  times(window: TimeWindow): OpeningHours
}

/** A kind as the path knows it: its own files alone know what settings and memory look like. */
export type AnyRuleKind = RuleKind<TSchema, unknown>

export interface RuleText {
  readonly title: Bilingual
  /** The sentence of `why`, with {words} filled by the step. */
  readonly why: Bilingual
}
