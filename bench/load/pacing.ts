/** How a sender keeps its rate without making bursts that the rate does not imply. */
export interface Pace {
  readonly perSecond: number
  /** At most this much of the schedule is sent in one turn: after a stall the rest follows in the next turns. */
  readonly mostMs: number
}

/** How many messages are due now, `elapsedMs` after the start with `sent` messages out. */
export function dueNow({ perSecond, mostMs }: Pace, elapsedMs: number, sent: number): number {
  const due = Math.floor((elapsedMs * perSecond) / 1000) - sent
  const most = Math.max(1, Math.ceil((mostMs * perSecond) / 1000))
  return Math.max(0, Math.min(due, most))
}
