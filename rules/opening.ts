import { later, type Duration, type Instant } from '../base/clock.ts'
import type { RuleContext } from '../gateway/rule.ts'

/** Hours of a site as a rule knows them. */
export type Hours = Pick<RuleContext, 'isOpen' | 'nextOpeningChange'>

/** Years of opening and closing: whoever waits longer waits in vain. */
const MOST_EDGES = 2000

/**
 * When a wait that began at `from` is over, in the opening span that `now` lies in or the next one. Only opening
 * hours count, and each opening begins the wait anew; undefined when no span is long enough.
 */
export function dueInHours(hours: Hours, from: Instant, wait: Duration, now: Instant): Instant | undefined {
  let start = hours.isOpen(from) ? from : hours.nextOpeningChange(from)
  let edge = start
  for (let edges = 0; edges < MOST_EDGES && start !== undefined && edge !== undefined; edges++) {
    edge = hours.nextOpeningChange(edge)
    const due = later(start, wait)
    if (edge === undefined || (due < edge && now < edge)) return due
    // The midnight of a shop that never closes is an edge and no closing.
    if (hours.isOpen(edge)) continue
    start = edge = hours.nextOpeningChange(edge)
  }
  return undefined
}
