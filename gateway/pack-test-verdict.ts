import { parseDuration } from '../base/amount.ts'
import type { Duration, Instant } from '../base/clock.ts'
import type { Mistake } from '../base/yaml.ts'
import { TEST_SITE, unknown, type PlacedTest } from './pack-test-box.ts'
import type { Expectation } from './pack-test.ts'
import type { LoadedRule } from './pack.ts'
import type { ReplayLine } from './replay.ts'
import type { Compared } from './rule.ts'
import type { Slot } from './slots.ts'

const words = ['raise', 'clear', 'hold', 'escalate'] as const
type Word = (typeof words)[number]

/** What a rule made of a test. */
export interface Outcome {
  readonly is: Word | 'failed'
  /** From the start of the test. */
  readonly at: Duration
  /** Which rule; a case that several rules of one class have raised clears for all of them. */
  readonly rules: readonly string[]
  /** Below the site. */
  readonly place: string
  readonly drill: boolean
  readonly since: Duration
  /** What held it back. */
  readonly by?: string
  /** Why, for people. */
  readonly text: string
}

/** A replay's lines as outcomes. */
export function outcomesOf(lines: readonly ReplayLine[], start: Instant): readonly Outcome[] {
  const rulesOf = new Map<string, ReadonlySet<string>>()
  const after = (time: string): Duration => Date.parse(time) - start
  const below = (place: string): string => place.slice(TEST_SITE.length + 1)
  return lines.map((line): Outcome => {
    const at = after(line.at)
    if (line.is === 'failed') {
      return {
        is: 'failed',
        at,
        rules: [],
        place: '',
        drill: false,
        since: at,
        text: `${line.what}: ${line.example}`,
      }
    }
    if (line.is === 'held') {
      const { drill, heldBy: by, rule } = line
      const where = { rules: [rule], place: below(line.place), drill, since: after(line.since) }
      return { is: 'hold', at, ...where, by, text: line.why.text.en }
    }
    const { key, why, ...found } = line.case
    const newest = line.standing.at(-1) ?? why.rule
    const all = new Set([...(rulesOf.get(key) ?? []), ...line.standing])
    rulesOf.set(key, all)
    const is = line.is === 'cleared' ? 'clear' : line.is === 'escalated' ? 'escalate' : 'raise'
    const rules = is === 'raise' ? [newest] : [...all]
    const { drill } = found
    return { is, at, rules, place: below(found.place), drill, since: after(found.since), text: why.text.en }
  })
}

const wordOf = (expectation: Expectation): Word | undefined =>
  words.find((word) => expectation[word] !== undefined)

const ruleOf = (expectation: Expectation): string =>
  words.map((word) => expectation[word]).find(Boolean) ?? ''

/** What is wrong with what a test expects, before anything is run. */
export function expectationMistakes(
  { pack, test, path }: PlacedTest,
  rules: readonly LoadedRule[],
  slots: readonly Slot[],
): readonly Mistake[] {
  const mistakes: Mistake[] = []
  let last = 0
  for (const [index, expectation] of test.expect.entries()) {
    const complain = (text: string, below = ''): void => {
      mistakes.push(pack.mistake(`${path}/expect/${index}${below}`, text))
    }
    const at = parseDuration(expectation.at)
    if (at < last) complain('earlier than the one before; wanted them in order of time')
    last = at
    const [word, second] = words.filter((one) => expectation[one] !== undefined)
    if (word === undefined || second !== undefined) {
      complain(`wanted exactly one of ${words.join(', ')}`)
      continue
    }
    if (expectation.by !== undefined && word !== 'hold') complain('"by" belongs to "hold"', '/by')
    const id = ruleOf(expectation)
    const known = rules.map((rule) => rule.id)
    if (!known.includes(id)) {
      complain(unknown('rule of this test', id, known), `/${word}`)
      continue
    }
    const places = slots
      .filter(({ rule }) => rule.id === id)
      .map(({ place }) => place.slice(TEST_SITE.length + 1))
    if (places.length === 0)
      complain(`no device of this test says anything that "${id}" looks at`, `/${word}`)
    else if (!places.includes(expectation.place)) {
      complain(unknown(`place of "${id}"`, expectation.place, places), '/place')
    }
  }
  return mistakes
}

/** How near a rule came at a place until then, for people; undefined where its kind cannot say. */
export type Nearest = (rule: string, place: string, until: Duration) => string | undefined

/** What differs between what was expected and what came, one text each. */
export function failuresOf(
  { pack, test, path }: PlacedTest,
  outcomes: readonly Outcome[],
  nearest: Nearest,
): readonly string[] {
  const free = new Set(outcomes)
  const open = test.expect.map((expectation, index) => ({ expectation, index }))
  const missed = open.filter(({ expectation }) => {
    const found = [...free].find((one) => differences(expectation, one).length === 0)
    return found === undefined || !free.delete(found)
  })
  const texts = missed.map(({ expectation, index }) => {
    const near = [...free].find((one) => isSameMatter(expectation, one))
    if (near) free.delete(near)
    const line = pack.lineOf(`${path}/expect/${index}`)
    const came = near
      ? `it came ${differences(expectation, near).join(', ')}`
      : absent(expectation, outcomes, nearest)
    return `${pack.file}:${line}: wanted ${wantText(expectation)}; ${came}`
  })
  const others = [...free].map(
    (one) => `${pack.file}:${pack.lineOf(path)}: nobody expected ${outcomeText(one)}: ${one.text}`,
  )
  return [...texts, ...others]
}

function isSameMatter(expectation: Expectation, one: Outcome): boolean {
  const isOf = one.rules.includes(ruleOf(expectation)) && one.place === expectation.place
  return isOf && one.is === wordOf(expectation)
}

/** How what came is other than what was expected; of another matter it always is. */
function differences(expectation: Expectation, one: Outcome): readonly string[] {
  if (!isSameMatter(expectation, one)) return ['as something else']
  const { at, since, drill, by } = expectation
  return [
    ...(parseDuration(at) === one.at ? [] : [`at ${spanText(one.at)}`]),
    ...(since === undefined || parseDuration(since) === one.since ? [] : [`since ${spanText(one.since)}`]),
    ...(drill === undefined || drill === one.drill ? [] : [one.drill ? 'as a drill' : 'as no drill']),
    ...(by === undefined || by === one.by ? [] : [`by ${one.by ?? 'nobody'}`]),
  ]
}

function absent(expectation: Expectation, outcomes: readonly Outcome[], nearest: Nearest): string {
  const { at, place } = expectation
  const rule = ruleOf(expectation)
  const ofRule = outcomes.filter((one) => one.rules.includes(rule) && one.place === place)
  if (wordOf(expectation) === 'raise') {
    const held = ofRule.find(({ is }) => is === 'hold')
    if (held) return `it was held back by ${held.by ?? ''} at ${spanText(held.at)}`
    const near = nearest(rule, place, parseDuration(at))
    return near === undefined || near === '' ? 'nothing came' : `nothing came; nearest: ${near}`
  }
  return ofRule.length === 0
    ? 'it was never raised there'
    : `there came only ${ofRule.map(outcomeText).join(', ')}`
}

function wantText(expectation: Expectation): string {
  const { at, drill, since, by, place } = expectation
  return [
    `${wordOf(expectation) ?? ''} ${ruleOf(expectation)} in ${place} at ${at}`,
    ...(since === undefined ? [] : [`since ${since}`]),
    ...(drill === undefined ? [] : [drill ? 'as a drill' : 'as no drill']),
    ...(by === undefined ? [] : [`by ${by}`]),
  ].join(' ')
}

function outcomeText({ is, rules, place, at, drill, by }: Outcome): string {
  if (is === 'failed') return `a failure at ${spanText(at)}`
  const held = by === undefined ? '' : ` by ${by}`
  return `${is} ${rules.join('/')} in ${place} at ${spanText(at)}${drill ? ' as a drill' : ''}${held}`
}

/** One comparison at the moment at which it came nearest: `portPower >= 1000 W: 980 W at 30 s, 20 W short`. */
export function nearText(
  { text, value, threshold, margin, unit, met, at }: Compared,
  start: Instant,
): string {
  if (value === undefined) return `${text}: nothing is known`
  const amount = (number: number): string => `${Number(number.toFixed(3))}${unit === '' ? '' : ` ${unit}`}`
  const shown = typeof value === 'number' ? amount(value) : String(value)
  const when = at === undefined ? '' : ` at ${spanText(at - start)}`
  if (met) return `${text}: met${threshold === undefined ? '' : ` by ${shown}`}${when}`
  return `${text}: ${shown}${when}${margin === undefined ? '' : `, ${amount(Math.abs(margin))} short`}`
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** `90 s` is `1 min 30 s`. */
function spanText(span: Duration): string {
  if (span < 0) return `${spanText(-span)} before the start`
  let rest = Math.round(span)
  const parts = units.flatMap(([unit, ms]) => {
    const count = Math.floor(rest / ms)
    rest -= count * ms
    return count === 0 ? [] : [`${count} ${unit}`]
  })
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** So far time goes on in a test. */
export function lengthOf(
  { until, expect }: { readonly until?: string; readonly expect: readonly Expectation[] },
  lastSaid: Duration,
): Duration {
  if (until !== undefined) return parseDuration(until)
  return Math.max(lastSaid, ...expect.map(({ at }) => parseDuration(at))) + 1000
}
