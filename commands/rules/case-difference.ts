import type { ReplayLine } from '../../gateway/replay.ts'

/** A case as a replay ended up with it. */
export interface ReplayedCase {
  readonly rule: string
  readonly class: string
  readonly siteId: string
  readonly place: string
  readonly drill: boolean
  readonly since: string
  readonly raisedAt: string
  /** Null while it still stood at the end. */
  readonly clearedAt: string | null
  readonly count: number
  /** Its sentence. */
  readonly text: string
}

/** What another set of rules makes of the same days. */
export type Difference =
  | { readonly is: 'added' | 'removed'; readonly case: ReplayedCase }
  | { readonly is: 'moved'; readonly before: ReplayedCase; readonly case: ReplayedCase }

/** Cases that were raised at or after `from`, in their last revision and in the order in which they were raised. */
export function replayedCases(lines: readonly ReplayLine[], from: string): readonly ReplayedCase[] {
  const byKey = new Map<string, ReplayedCase>()
  for (const line of lines) {
    if (!('case' in line) || line.case.raisedAt < from) continue
    const { key, why, class: cls, siteId, place, drill, since, raisedAt, clearedAt, count } = line.case
    // A later raise may be another rule's: the case is the first one's.
    const rule = byKey.get(key)?.rule ?? why.rule
    const text = why.text.zh
    byKey.set(key, { rule, class: cls, siteId, place, drill, since, raisedAt, clearedAt, count, text })
  }
  return [...byKey.values()]
}

/**
 * The same breach has the same class, place and sort, and overlaps in time: raised at another moment it has moved.
 * What has no counterpart is added or removed.
 */
export function differences(
  before: readonly ReplayedCase[],
  after: readonly ReplayedCase[],
): readonly Difference[] {
  const slots = Map.groupBy(before, slotOf)
  const found: Difference[] = []
  for (const [slot, now] of Map.groupBy(after, slotOf)) {
    const left = [...(slots.get(slot) ?? [])]
    slots.delete(slot)
    const take = (isIt: (other: ReplayedCase) => boolean): ReplayedCase | undefined => {
      const index = left.findIndex(isIt)
      return index < 0 ? undefined : left.splice(index, 1)[0]
    }
    const open = now.filter((one) => take((other) => isSame(one, other)) === undefined)
    for (const one of open) {
      const moved = take((other) => overlaps(one, other))
      found.push(moved ? { is: 'moved', before: moved, case: one } : { is: 'added', case: one })
    }
    found.push(...left.map((one): Difference => ({ is: 'removed', case: one })))
  }
  for (const gone of slots.values())
    found.push(...gone.map((one): Difference => ({ is: 'removed', case: one })))
  return found.sort((a, b) => compare(a.case, b.case))
}

const slotOf = ({ class: cls, place, drill }: ReplayedCase): string => `${cls}\n${place}\n${drill}`

const isSame = (a: ReplayedCase, b: ReplayedCase): boolean =>
  a.rule === b.rule && a.since === b.since && a.raisedAt === b.raisedAt && a.clearedAt === b.clearedAt

/** RFC 3339 in UTC: the texts are in the order of the times. */
const overlaps = (a: ReplayedCase, b: ReplayedCase): boolean =>
  begin(a) <= (b.clearedAt ?? '9') && begin(b) <= (a.clearedAt ?? '9')

const begin = ({ since, raisedAt }: ReplayedCase): string => (since < raisedAt ? since : raisedAt)

function compare(a: ReplayedCase, b: ReplayedCase): number {
  const one = `${a.raisedAt}\n${slotOf(a)}`
  const other = `${b.raisedAt}\n${slotOf(b)}`
  return one < other ? -1 : one > other ? 1 : 0
}
