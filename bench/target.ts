import type { Sender } from './load/sender.ts'

/** When the platform answered 2xx to a device's revision; undefined when it has not. */
export type Answers = (device: number, revision: number) => number | undefined

/** What takes the sender's messages and brings changes to a platform: the product, the bare script, a peer. */
export interface Target {
  readonly sender: Sender
  /** What it brings to the platform: raises and clears, or raises alone. */
  readonly answersTo: 'changes' | 'alarms'
  /** Processes by name, for their CPU; the one that is measured first. */
  readonly pids: Readonly<Record<string, number>>
  /** Waits until so many revisions have arrived, for `mostMs` at most. */
  answers(revisions: number, mostMs: number): Promise<Answers>
  /** How late its event loop ran since this was last asked: 99th percentile in ms; 0 where it does not say. */
  loopDelayP99(): Promise<number>
  /** What it says went wrong in it. */
  troubles(): Promise<readonly string[]>
  stop(): Promise<void>
}

interface Answered {
  readonly name: string
  readonly revision: number
  readonly answeredAt: number | undefined
}

/** @param names of the devices, in the sender's order */
export function answersOf(names: readonly string[], answered: readonly Answered[]): Answers {
  const indexOf = new Map(names.map((name, index) => [name, index]))
  const times = names.map((): (number | undefined)[] => [])
  for (const { name, revision, answeredAt } of answered) {
    const own = times[indexOf.get(name) ?? -1]
    if (own) own[revision] ??= answeredAt
  }
  return (device, revision) => times[device]?.[revision]
}
