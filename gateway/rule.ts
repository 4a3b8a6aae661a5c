import type { Static, TSchema } from 'typebox'
import type { Instant } from '../base/clock.ts'
import type { ZoneStay } from './detection.ts'
import type { QuantityId } from './quantity.ts'
import type { Reading } from './reading.ts'
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
   * heard, and no earlier than the start of the gateway, whose own absence is not the device's silence. A rule
   * must bear a wake that it did not ask for. */
  | { readonly kind: 'wake'; readonly lastHeard: Instant | undefined }

/** The breach begins (again): since when, by which readings, how far beyond which threshold. */
export interface Raise {
  readonly since: Instant
  readonly drill: boolean
  readonly readings: readonly RaisedBy[]
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
  /** What `Raise.words` may hold: a text with another {word} is a mistake of its pack. */
  readonly words: readonly string[]
  /** The memory of a place where nothing was seen yet. */
  readonly start: State
  /** Settings made ready once (durations parsed), then stepped for ever. */
  ready(
    settings: Static<Settings>,
    context: RuleContext,
  ): (state: State, seen: Seen, now: Instant) => Step<State>
}

/** What of the site and device a step may know. */
export interface RuleContext {
  /** The device's own limit of silence. */
  readonly silentAfter: number
  /** Does this device still watch the place? Memory of one that was taken out of the site file is let go. */
  isHere(deviceId: string): boolean
  /** Is it within the site's opening hours? Always true where none are stated. */
  isOpen(at: Instant): boolean
  /** The next time that opening hours begin or end after `at`, if any. */
  nextOpeningChange(at: Instant): Instant | undefined
}

/** A kind as the path knows it: its own files alone know what settings and memory look like. */
export type AnyRuleKind = RuleKind<TSchema, unknown>

export interface RuleText {
  readonly title: Bilingual
  /** The sentence of `why`, with {words} filled by the step. */
  readonly why: Bilingual
}
