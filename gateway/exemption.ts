import { Type, type Static } from 'typebox'
import { instant, later, type Instant } from '../base/clock.ts'
import type { Mistake, YamlFile } from '../base/yaml.ts'
import { localDate } from './calendar.ts'
import type { LoadedRule } from './pack.ts'
import { Id } from './words.ts'

const LocalTime = Type.String({
  pattern: '^\\d{4}-[01]\\d-[0-3]\\d( ([01]\\d|2[0-3]):[0-5]\\d)?$',
  description: 'a day such as 2026-10-01, or a minute of it: 2026-10-01 18:00; by the clock of the site',
})

/** 豁免: a permitted exception at one site: goods at the door on market day, a fair in the fire lane. */
export const Exemption = Type.Object(
  {
    rule: Type.Optional(Id),
    class: Type.Optional(Id),
    from: LocalTime,
    /** A day counts whole. */
    to: LocalTime,
    reason: Type.String({ minLength: 1, maxLength: 200, description: 'who permitted it and why' }),
  },
  { additionalProperties: false },
)
export type Exemption = Static<typeof Exemption>

/** An exemption of one rule that holds. */
export interface Exempt {
  readonly until: Instant
  readonly reason: string
}

/** What a site has permitted. */
export interface Exemptions {
  /** The one that holds longest for the rule or its class. */
  of(rule: Pick<LoadedRule, 'id' | 'classId' | 'isLifeSafety'>, at: Instant): Exempt | undefined
}

export function toExemptions(entries: readonly Exemption[], timeZone: string): Exemptions {
  const all = entries.map((entry) => ({ ...entry, ...spanOf(entry, timeZone) }))
  return {
    of({ id, classId, isLifeSafety }, at) {
      if (isLifeSafety) return undefined
      return all
        .filter((entry) => entry.rule === id || entry.class === classId)
        .filter(({ begins, until }) => at >= begins && at < until)
        .reduce<Exempt | undefined>(
          (longest, one) => (longest && longest.until >= one.until ? longest : one),
          undefined,
        )
    },
  }
}

/** What is wrong with the exemptions of a site. */
export function exemptionMistakes(
  site: YamlFile<{ readonly exemptions?: readonly Exemption[]; readonly timeZone?: string }>,
  rules: readonly LoadedRule[],
): readonly Mistake[] {
  return (site.value.exemptions ?? []).flatMap((entry, index) => {
    const wrong = complaintOf(entry, rules)
    return wrong === undefined ? [] : [site.mistake(`/exemptions/${index}${wrong.path}`, wrong.text)]
  })
}

function complaintOf(
  { rule, class: cls, from, to }: Exemption,
  rules: readonly LoadedRule[],
): { readonly path: string; readonly text: string } | undefined {
  if ((rule === undefined) === (cls === undefined)) {
    return { path: '', text: 'wanted exactly one of "rule" and "class"' }
  }
  const [path, name] = rule === undefined ? ['/class', cls ?? ''] : ['/rule', rule]
  const named = rules.filter(({ id, classId }) => (rule === undefined ? classId : id) === name)
  if (named.length === 0) return { path, text: `no rule of this box has the ${path.slice(1)} "${name}"` }
  if (named.some(({ isLifeSafety }) => isLifeSafety)) {
    return { path, text: `"${name}" is life-safety: nothing exempts from it; remove it here` }
  }
  const { begins, until } = spanOf({ from, to }, 'UTC')
  return begins < until ? undefined : { path: '/to', text: `wanted a time after "${from}"; got "${to}"` }
}

function spanOf(
  { from, to }: Pick<Exemption, 'from' | 'to'>,
  timeZone: string,
): { begins: Instant; until: Instant } {
  const wholeDay = to.length === '2026-10-01'.length
  const last = toInstant(wholeDay ? dayAfter(to) : to, timeZone)
  return { begins: toInstant(from, timeZone), until: last }
}

const dayAfter = (date: string): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)

/** When a clock of this time zone shows it. */
function toInstant(text: string, timeZone: string): Instant {
  const [date = '', time = '00:00'] = text.split(' ')
  const shown = Date.parse(`${date}T${time}:00Z`)
  const local = localDate(timeZone)
  const offAt = (at: Instant): number => {
    const seen = local(at)
    return shown - Date.parse(`${seen.date}T${seen.time}:00Z`)
  }
  // Twice, since the clocks may be changed between the guess and the time itself.
  const guess = later(instant(shown), offAt(instant(shown)))
  return later(guess, offAt(guess))
}
