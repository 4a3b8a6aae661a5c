import { Type, type Static } from 'typebox'
import { quantityIds, type QuantityId } from '../gateway/quantity.ts'
import type { Reading } from '../gateway/reading.ts'
import type { Compared, RaisedBy } from '../gateway/rule.ts'
import type { Frame, Judged } from './condition-nodes.ts'
import { compileCondition, LONGEST_CONDITION, soundCondition, type Condition } from './condition.ts'
import { Limit } from './limit.ts'

export const ConditionText = Type.String({
  minLength: 1,
  maxLength: LONGEST_CONDITION,
  description:
    "a CEL expression over quantities, with units: portPower >= 1000 W && portState == 'charging'. What is missing or bad makes it unknown, never false",
})

/** Numbers of a condition that a site may set: `when: portPower > most`, `limits: { most: 1000 W }`. */
export const Limits = Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,30}$' }), Limit, {
  additionalProperties: false,
  maxProperties: 10,
  description: 'names for numbers of the condition, which a site may set: { most: 1000 W }',
})
export type Limits = Static<typeof Limits>

interface WhenSettings {
  readonly when: string
  readonly clear?: string
  readonly limits?: Limits
}

/** When it begins and when it is back. */
export interface WhenPair {
  readonly when: Condition
  readonly clear: Condition | undefined
  /** Those of both. */
  readonly wants: readonly QuantityId[]
}

export function toWhenPair({ when: text, clear: back, limits }: WhenSettings): WhenPair {
  const when = soundCondition(text, limits)
  const clear = back === undefined ? undefined : soundCondition(back, limits)
  return { when, clear, wants: [...new Set([...when.wants, ...(clear?.wants ?? [])])] }
}

/** What is wrong with them, by path. */
export function whenComplaints({ when, clear, limits = {} }: WhenSettings): { path: string; text: string }[] {
  const complaints: { path: string; text: string }[] = []
  const used: string[] = []
  for (const [path, text] of Object.entries({ '/when': when, '/clear': clear })) {
    if (text === undefined) continue
    const compiled = compileCondition(text, limits)
    if (compiled.ok) used.push(...compiled.condition.names)
    else complaints.push(...compiled.complaints.map((complaint) => ({ path, text: complaint })))
  }
  if (complaints.length > 0) return complaints
  return limitNameComplaints(limits, used)
}

/** A name that means nothing, or that hides a quantity. */
export function limitNameComplaints(
  limits: Limits,
  used: readonly string[],
): { path: string; text: string }[] {
  return Object.keys(limits).flatMap((name) => {
    const path = `/limits/${name}`
    if (quantityIds.some((id) => id === name)) return [{ path, text: `"${name}" is a quantity` }]
    if (used.includes(name)) return []
    const known = used.length === 0 ? '' : `; those of the condition are ${[...new Set(used)].join(', ')}`
    return [{ path, text: `no condition names the limit "${name}"${known}` }]
  })
}

/** Without a `clear` it is back as soon as it is known not to hold. */
export function backBy(clear: Condition | undefined, over: Judged, frames: readonly Frame[]): Judged {
  if (over === true) return false
  if (clear) return clear.judge(frames)
  return over === 'unknown' ? over : !over
}

/** What the settings say for the text of a case. */
export type WhenWords = Readonly<Record<'for' | 'polls', string>>

/** With the limit of the comparison that asks for its quantity alone; `compared` is what `when` came to. */
export function judgedBy(
  by: { readonly reading: Reading; readonly deviceId: string },
  when: Condition,
  compared: readonly Compared[],
): RaisedBy {
  const own = compared[when.asksAlone.indexOf(by.reading.quantity)]
  if (typeof own?.threshold !== 'number' || own.value !== by.reading.value) return by
  return { ...by, threshold: own.threshold, ...(own.margin !== undefined && { margin: own.margin }) }
}

/** `{value}` and `{threshold}` are those of the first comparison that holds and has a limit. */
export function limitWords(
  compared: readonly Compared[],
  isAtLimit: boolean,
): { readonly value: string; readonly threshold: string } {
  const holding = compared.filter(({ met }) => met)
  const shown = holding.find(({ threshold }) => threshold !== undefined) ?? holding[0]
  const { value = '', threshold = '', unit = '' } = shown ?? {}
  return {
    value: `${isAtLimit ? '≥ ' : ''}${String(value)} ${unit}`.trim(),
    threshold: `${String(threshold)} ${unit}`.trim(),
  }
}
