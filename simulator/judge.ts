import { parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import type { Forbid, Want } from './scenario.ts'

/** A case as the platform knows it at the end of a run. */
export interface ReceivedCase {
  readonly key: string
  readonly class: string
  readonly place: string
  readonly drill: boolean
  readonly hasCleared: boolean
  /** Every stage the platform has walked it to. */
  readonly stages: readonly string[]
  /** Media files of proof that the platform has verified. */
  readonly proofs: number
  /** When its first revision came, after the start of the scenario. */
  readonly after: Duration
}

/** One thing that was judged: a test case of the JUnit report. */
export interface Judgement {
  readonly name: string
  /** What differs, one line each; empty when all is as wanted. */
  readonly differences: readonly string[]
}

export interface Verdict {
  readonly judgements: readonly Judgement[]
  /** Cases that nobody wanted and nobody forbade. */
  readonly others: readonly ReceivedCase[]
}

export const differencesOf = (verdict: Verdict): readonly string[] =>
  verdict.judgements.flatMap((judgement) => judgement.differences)

/**
 * Compares what came with what was wanted. A case satisfies one want at most; more cases than a want counts are
 * doubled; a forbidden class speaks only of cases that no want has claimed.
 */
export function judge(
  received: readonly ReceivedCase[],
  wants: readonly Want[],
  forbids: readonly Forbid[],
): Verdict {
  const free = new Set([...received].sort((a, b) => a.after - b.after))
  const claims = wants.map((want) => {
    const matching = [...free].filter((one) => matches(one, want, want.drill ?? false))
    const claimed = matching.slice(0, want.count ?? 1)
    for (const one of claimed) free.delete(one)
    return { want, claimed }
  })
  const judgements = claims.map(({ want, claimed }) => {
    const doubled = [...free].filter((one) => matches(one, want, want.drill ?? false))
    for (const one of doubled) free.delete(one)
    return {
      name: `wanted: ${nameOfWant(want)}`,
      differences: [
        ...missing(want, claimed),
        ...doubled.map((one) => `doubled: ${nameOf(one)} came besides the ${want.count ?? 1} wanted`),
        ...claimed.flatMap((one) => unlike(want, one)),
      ],
    }
  })
  for (const forbid of forbids) {
    const caught = [...free].filter((one) => matches(one, forbid, forbid.drill))
    for (const one of caught) free.delete(one)
    judgements.push({
      name: `forbidden: ${forbid.class === '*' ? 'any other case' : forbid.class}${forbid.place === undefined ? '' : ` at ${forbid.place}`}`,
      differences: caught.map(
        (one) => `forbidden: ${nameOf(one)} came ${seconds(one.after)} after the start`,
      ),
    })
  }
  return { judgements, others: [...free] }
}

interface Matcher {
  readonly class: string
  readonly place?: string | undefined
}

function matches(one: ReceivedCase, { class: cls, place }: Matcher, drill: boolean | undefined): boolean {
  return (
    (cls === '*' || cls === one.class) &&
    (place === undefined || place === one.place) &&
    (drill === undefined || drill === one.drill)
  )
}

function missing(want: Want, claimed: readonly ReceivedCase[]): string[] {
  const count = want.count ?? 1
  if (claimed.length >= count) return []
  return [`missing: ${nameOfWant(want)}: wanted ${count}, ${claimed.length} came`]
}

/** What is not as wanted in a case that came. */
function unlike(want: Want, one: ReceivedCase): string[] {
  const differences: string[] = []
  const say = (text: string): number => differences.push(`different: ${nameOf(one)} ${text}`)
  const within = want.within === undefined ? undefined : parseDuration(want.within)
  if (within !== undefined && one.after > within) {
    say(`came ${seconds(one.after)} after the start, wanted within ${want.within ?? ''}`)
  }
  if (want.cleared === true && !one.hasCleared) say('has not cleared')
  if (want.cleared === false && one.hasCleared) say('has cleared, wanted it to stand')
  if (want.stage !== undefined && !one.stages.includes(want.stage)) {
    say(`wanted stage ${want.stage}; it went ${one.stages.length === 0 ? 'nowhere' : one.stages.join(' → ')}`)
  }
  if (want.proof !== undefined && one.proofs < want.proof) {
    say(`wanted ${want.proof} verified proof files; ${one.proofs} came`)
  }
  return differences
}

const nameOf = (one: ReceivedCase): string =>
  `${one.class}${one.drill ? ' (drill)' : ''} at ${one.place} [${one.key.slice(0, 8)}]`

const nameOfWant = (want: Want): string =>
  `${want.class}${want.drill === true ? ' (drill)' : ''}${want.place === undefined ? '' : ` at ${want.place}`}`

const seconds = (span: Duration): string => `${(span / 1000).toFixed(1)} s`
