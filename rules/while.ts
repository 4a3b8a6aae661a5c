import { Type, type TObject } from 'typebox'
import type { Duration, Instant } from '../base/clock.ts'
import { quantityOf, type QuantityId } from '../gateway/quantity.ts'
import type { Reading, Value } from '../gateway/reading.ts'
import type { WhileKind } from '../gateway/rule-kinds.ts'
import type { AnyRuleKind, Compared, Raise, RuleContext, Seen, Step } from '../gateway/rule.ts'
import { cameLate } from './came-late.ts'
import { compileCondition, soundCondition, type Condition } from './condition.ts'
import type { NamedLimits } from './condition-compiler.ts'
import { nearestOf } from './nearness.ts'
import {
  afterEnds,
  deviceOf,
  framesOf,
  nextEndOf,
  nothingHeard,
  ofThoseHere,
  sourceOf,
  turnsNothing,
  withReadings,
  worthKeeping,
  type Newest,
} from './newest.ts'
import { onceEach } from './once.ts'
import { Limits } from './when.ts'

type Sort = 'real' | 'drill'

/** What a device last said of something that it may never say again; the third: how long a `true` lasts. */
type Word = readonly [value: Value, at: Instant, lastsMs?: Duration]
type Words = Readonly<Record<string, Readonly<Partial<Record<QuantityId, Word>>>>>

/** What more devices than this last said is not shown again: memory stays small. */
const MOST_SOURCES = 32

/** The memory of the kind itself, and what its condition has to know. */
export interface WhileState {
  readonly newest: Newest
  readonly words: Words
  /** `unsure`: it held, and now nobody can tell. */
  readonly phase: 'off' | 'on' | 'unsure'
  readonly inner: unknown
  /** When the kind asked to be woken. */
  readonly innerWakeAt?: Instant
  /** What the kind has raised and not cleared. */
  readonly standing: readonly Sort[]
}

/**
 * 前提: the same kind, judged only while a condition holds over the newest readings. While it is known not to hold,
 * nothing stands: what the kind raised is cleared and its waits are forgotten. While it is unknown, the kind is shown
 * nothing and what stands stays. When it begins to hold, the kind is shown what its devices last said.
 */
export default function whileHolds(inner: AnyRuleKind, text: string): WhileKind {
  const { properties } = inner.settings as TObject // a pack's settings are a YAML mapping
  const knowsLimits = Object.hasOwn(properties, 'limits')
  const conditionOf = onceEach((settings: object) => soundCondition(text, limitsOf(settings)))
  const ownSettings = onceEach((settings: object): object =>
    knowsLimits ? settings : Object.fromEntries(Object.entries(settings).filter(([key]) => key !== 'limits')),
  )
  const innerSettings = (settings: unknown): object => ownSettings(settings as object) // a mapping, as above
  const compiled = (settings: unknown) => compileCondition(text, limitsOf(settings))

  const kind: AnyRuleKind = {
    settings: Type.Object({ ...properties, limits: Type.Optional(Limits) }, { additionalProperties: false }),
    check(settings) {
      const condition = compiled(settings)
      const names = condition.ok ? condition.condition.names : []
      const unused = knowsLimits
        ? []
        : Object.keys(limitsOf(settings))
            .filter((name) => condition.ok && !names.includes(name))
            .map((name) => ({ path: `/limits/${name}`, text: `no condition names the limit "${name}"` }))
      const complaints = inner.check?.(innerSettings(settings)) ?? []
      // Which limits it names cannot be told of a condition that is wrong; that is complained of by itself.
      const isForWhile = (path: string): boolean =>
        condition.ok ? names.some((name) => path === `/limits/${name}`) : path.startsWith('/limits/')
      return [...complaints.filter(({ path }) => !isForWhile(path)), ...unused]
    },
    wants: (settings) => inner.wants(innerSettings(settings)),
    needsAll: (settings) => inner.needsAll?.(innerSettings(settings)) ?? [],
    needs: (settings) => inner.needs?.(innerSettings(settings)) ?? inner.wants(innerSettings(settings)),
    words: inner.words,
    start: startOf(inner),
    ready(settings, context) {
      const own = innerSettings(settings)
      const ready = { start: inner.start, wants: inner.wants(own), step: inner.ready(own, context) }
      return whileStep(ready, conditionOf(settings as object), context) // a mapping, as above
    },
    nearness(settings) {
      const condition = conditionOf(settings as object) // as above
      const ofInner = inner.nearness?.(innerSettings(settings))
      return (readings) => [
        ...(ofInner?.(heldReadings(readings, condition)) ?? []),
        ...nearestOf(readings, nothingHeard, taken(condition), (newest) =>
          condition.explain(framesOf(newest, condition)),
        ),
      ]
    },
  }
  return {
    kind,
    wants(settings) {
      const condition = compiled(settings)
      return condition.ok ? condition.condition.wants : []
    },
    complaints(settings) {
      const condition = compiled(settings)
      return condition.ok ? [] : condition.complaints
    },
  }
}

const limitsOf = (settings: unknown): NamedLimits =>
  (settings as { readonly limits?: NamedLimits }).limits ?? {} // checked by the schema of `whileHolds`

const startOf = ({ start }: AnyRuleKind): WhileState => ({
  newest: nothingHeard,
  words: {},
  phase: 'off',
  inner: start,
  standing: [],
})

const taken =
  (condition: Condition) =>
  (newest: Newest, reading: Reading): Newest =>
    withReadings(afterEnds(newest, reading.at), '', [reading], condition.wants, reading.at)

/** Those that came while the condition held. */
function heldReadings(readings: readonly Reading[], condition: Condition): readonly Reading[] {
  let newest = nothingHeard
  return readings.filter((reading) => {
    newest = taken(condition)(newest, reading)
    return condition.judge(framesOf(newest, condition)) === true
  })
}

type Said = Extract<Seen, { kind: 'readings' }>

interface Inner {
  readonly start: unknown
  readonly wants: readonly QuantityId[]
  readonly step: (state: unknown, seen: Seen, now: Instant) => Step<unknown>
}

function whileStep(
  inner: Inner,
  condition: Condition,
  context: Pick<RuleContext, 'isHere' | 'isAtSite'>,
): (state: unknown, seen: Seen, now: Instant) => Step<unknown> {
  const conditions = [condition]
  const lasting = inner.wants.filter((quantity) => quantityOf(quantity).kind !== 'number')

  return (state, seen, now) => {
    const before = state as WhileState // made here, or read from its JSON
    if (seen.kind === 'readings' && before.standing.length === 0 && !turnsAnything(before, seen)) {
      return before.phase === 'on' ? listened(before, seen, now) : { state: withWords(before, seen, now) }
    }
    const shown = newestAfter(before.newest, seen, now)
    const frames = framesOf(shown, condition)
    const holds = condition.judge(frames)
    const after: WhileState = {
      ...before,
      newest: worthKeeping(before.newest, shown, conditions),
      words: wordsAfter(before.words, seen, now),
    }
    if (holds === 'unknown') {
      const phase = before.phase === 'on' ? 'unsure' : before.phase
      return settled(before, withoutWake({ ...after, phase }), {}, seen)
    }
    const isLeftOver = before.phase === 'off' && before.standing.length > 0
    if (!holds || isLeftOver) return ended(before, after, seen, now)
    const own = ownOf(seen)
    const turned = before.phase === 'on' ? [] : lastWords(before.words, own, now)
    const woken: Seen[] = before.phase === 'on' ? [] : [{ kind: 'wake', lastHeard: undefined }]
    const steps = [...turned, ...(own ? [own] : []), ...woken]
    return stepped(before, { ...after, phase: 'on' }, steps, {
      seen,
      now,
      why: () => condition.explain(frames),
    })
  }

  function turnsAnything({ newest }: WhileState, { deviceId, readings }: Said): boolean {
    return !turnsNothing(newest, deviceId, readings, conditions)
  }

  function withWords(before: WhileState, seen: Seen, now: Instant): WhileState {
    const words = wordsAfter(before.words, seen, now)
    return words === before.words ? before : { ...before, words }
  }

  /** The condition holds as it did. */
  function listened(before: WhileState, seen: Said, now: Instant): Step<unknown> {
    const own = ownOf(seen)
    const after = withWords(before, seen, now)
    const why = (): readonly Compared[] => condition.explain(framesOf(before.newest, condition))
    return own ? stepped(before, after, [own], { seen, now, why }) : { state: after }
  }

  function newestAfter(before: Newest, seen: Seen, now: Instant): Newest {
    const newest = afterEnds(before, now)
    if (seen.kind === 'wake') return ofThoseHere(newest, (id) => context.isAtSite(id))
    if (seen.kind === 'heard') return newest
    return withReadings(newest, seen.deviceId, seen.readings, condition.wants, now)
  }

  /** A number is said again soon; a blocked beam is said once. */
  function wordsAfter(before: Words, seen: Seen, now: Instant): Words {
    if (seen.kind === 'wake') {
      const here = Object.entries(before).filter(([source]) => context.isHere(deviceOf(source)))
      return here.length === Object.keys(before).length ? before : Object.fromEntries(here)
    }
    if (seen.kind === 'heard' || !context.isHere(seen.deviceId)) return before
    let after = before
    for (const { quantity, part, value, quality, at, lastsMs } of seen.readings) {
      if (quality === 'bad' || !lasting.includes(quantity)) continue
      const source = sourceOf(seen.deviceId, part)
      const known = Object.hasOwn(after, source) ? after[source]?.[quantity] : undefined
      if (known && (cameLate(at, known[1], now) || (known[0] === value && lastsMs === undefined))) continue
      if (!known && Object.keys(after).length >= MOST_SOURCES) continue
      const word: Word = lastsMs === undefined ? [value, at] : [value, at, lastsMs]
      after = { ...after, [source]: { ...after[source], [quantity]: word } }
    }
    return after
  }

  /** What of it is the kind's own. */
  function ownOf(seen: Seen): Seen | undefined {
    if (seen.kind !== 'readings') return seen
    if (!context.isHere(seen.deviceId)) return undefined
    const readings = seen.readings.filter(({ quantity }) => inner.wants.includes(quantity))
    if (readings.length === 0) return undefined
    return readings.length === seen.readings.length ? seen : { ...seen, readings }
  }

  function stepped(
    before: WhileState,
    after: WhileState,
    steps: readonly Seen[],
    {
      seen,
      now,
      why,
    }: { readonly seen: Seen; readonly now: Instant; readonly why: () => readonly Compared[] },
  ): Step<unknown> {
    let state = seen.kind === 'wake' ? withoutWake(after) : after
    let said: { raise?: Raise; clear?: NonNullable<Step<unknown>['clear']> } = {}
    for (const one of steps) {
      const { state: next, raise, clear, wakeAt } = inner.step(state.inner, one, now)
      if (next === state.inner && !raise && !clear && wakeAt === undefined) continue
      let { standing } = state
      if (clear) standing = standing.filter((sort) => sort !== (clear.drill ? 'drill' : 'real'))
      if (raise) standing = [...standing, raise.drill ? 'drill' : 'real']
      if (raise) said = { ...said, raise: { ...raise, conditions: [...(raise.conditions ?? []), ...why()] } }
      if (clear) said = { ...said, clear }
      state = {
        ...state,
        inner: next,
        standing,
        ...(wakeAt !== undefined && { innerWakeAt: wakeAt }),
      }
    }
    return settled(before, state, said, seen)
  }

  /** What the kind raised is over with what it was judged under; one clear a step. */
  function ended(before: WhileState, { newest, words }: WhileState, seen: Seen, now: Instant): Step<unknown> {
    const [sort, ...standing] = before.standing
    const state: WhileState = {
      newest,
      words,
      phase: 'off',
      inner: before.phase === 'off' ? before.inner : inner.start,
      standing,
    }
    const step = settled(before, state, sort ? { clear: { at: now, drill: sort === 'drill' } } : {}, seen)
    return standing.length > 0 ? { ...step, wakeAt: now } : step
  }

  /** What devices said while nobody listened, as if they said it now; without what they say now themselves. */
  function lastWords(words: Words, own: Seen | undefined, now: Instant): readonly Seen[] {
    const isSaidNow = (source: string, quantity: string): boolean =>
      own?.kind === 'readings' &&
      own.readings.some((one) => one.quantity === quantity && sourceOf(own.deviceId, one.part) === source)
    return Object.entries(words).flatMap(([source, said]): Seen[] => {
      const deviceId = deviceOf(source)
      const part = source.slice(deviceId.length + 1)
      const readings = Object.entries(said).flatMap(([key, [value, at, lastsMs]]): Reading[] => {
        const quantity = key as QuantityId // `Words` has quantities for keys
        const left = lastsMs === undefined ? undefined : at + lastsMs - now
        if (isSaidNow(source, key) || (left !== undefined && left <= 0)) return []
        const lasts = left === undefined ? {} : { lastsMs: left }
        return [{ quantity, part, value, quality: 'good', at: now, ...lasts }]
      })
      return readings.length === 0 ? [] : [{ kind: 'readings', deviceId, readings, stays: [] }]
    })
  }
}

type Spoken = Pick<Step<unknown>, 'raise' | 'clear'>

/** The same state when nothing changed, and the next time at which something will. */
function settled(before: WhileState, after: WhileState, said: Spoken, seen: Seen): Step<unknown> {
  const isSame =
    before.newest === after.newest &&
    before.words === after.words &&
    before.phase === after.phase &&
    before.inner === after.inner &&
    before.innerWakeAt === after.innerWakeAt &&
    before.standing.length === after.standing.length &&
    before.standing.every((sort) => after.standing.includes(sort))
  const state = isSame ? before : after
  const wakeAt = nextWake(state)
  const isAsked = wakeAt !== undefined && (seen.kind === 'wake' || wakeAt !== nextWake(before))
  return { state, ...said, ...(isAsked && { wakeAt }) }
}

function nextWake({ innerWakeAt, newest }: WhileState): Instant | undefined {
  const ends = nextEndOf(newest)
  if (innerWakeAt === undefined || ends === undefined) return innerWakeAt ?? ends
  return innerWakeAt < ends ? innerWakeAt : ends
}

/** The kind is shown no wake that it asked for, and is woken anyway when the condition holds again. */
function withoutWake(state: WhileState): WhileState {
  if (state.innerWakeAt === undefined) return state
  const { newest, words, phase, inner, standing } = state
  return { newest, words, phase, inner, standing }
}
