import { isoTime, type Instant } from '../../base/clock.ts'
import type { Change } from '../store/schema.ts'
import type { Reader } from '../store/store.ts'
import type { FileChange } from './staged-files.ts'

/**
 * `staged`: written down, its files may be in place or not. `watched`: in force, and rolled back if health drops.
 * `refused`: never in force. `superseded`: somebody changed its files by hand while the gateway was away.
 */
export type ChangeState = 'staged' | 'watched' | 'kept' | 'rolled-back' | 'refused' | 'superseded'

/** What the backtest promised. */
export interface Promised {
  readonly perHour: number
  /** Raises for what stands already. */
  readonly atOnce: number
}

export interface ChangePlan {
  readonly files: readonly FileChange[]
  /** The rules of the changed pack. */
  readonly rules: readonly string[]
  readonly minutes: number
  readonly promised: Promised
  /** More than this many times what was promised is a drop. */
  readonly times: number
  /** When it came into force. */
  readonly since?: Instant
  /** How often the gateway ended without being asked to while it was watched. */
  readonly deaths: number
  /** It was stopped by somebody: the next start is no death. */
  readonly isStopped: boolean
}

/** 规则变更: one changed pack, who changed it, and what came of it. */
export interface ChangeRecord {
  readonly seq: number
  readonly pack: string
  /** The pack of the box that it took the place of; null: it came on top. */
  readonly insteadOf: string | null
  readonly by: string
  readonly at: Instant
  readonly state: ChangeState
  readonly detail: string
  readonly endedAt: Instant | null
  readonly plan: ChangePlan
}

export const isOpen = ({ state }: ChangeRecord): boolean => state === 'staged' || state === 'watched'

export function changeToRow(record: ChangeRecord): Change {
  const { seq, pack, insteadOf, by, at, state, detail, endedAt, plan } = record
  return ['putRuleChange', seq, pack, insteadOf, by, at, state, detail, endedAt, JSON.stringify(plan)]
}

/** The newest first. */
export function readChanges(reader: Reader, limit: number): readonly ChangeRecord[] {
  const rows = reader
    .prepare('SELECT * FROM rule_changes ORDER BY seq DESC LIMIT ?')
    .all(limit) as ChangeRow[] // the columns named there
  return rows.map((row) => ({
    seq: row.seq,
    pack: row.pack,
    insteadOf: row.instead_of,
    by: row.changed_by,
    at: row.at,
    state: row.state,
    detail: row.detail,
    endedAt: row.ended_at,
    plan: JSON.parse(row.body) as ChangePlan, // written by `changeToRow`
  }))
}

interface ChangeRow {
  readonly seq: number
  readonly pack: string
  readonly instead_of: string | null
  readonly changed_by: string
  readonly at: Instant
  readonly state: ChangeState
  readonly detail: string
  readonly ended_at: Instant | null
  readonly body: string
}

/** For the API and for people, without the files' texts. */
export interface ChangeShown {
  readonly seq: number
  readonly pack: string
  readonly insteadOf: string | null
  readonly by: string
  readonly at: string
  readonly state: ChangeState
  readonly detail: string
  readonly endedAt: string | null
  readonly minutes: number
  readonly promised: Promised
  readonly files: readonly string[]
}

export function changeShown({ plan, at, endedAt, ...record }: ChangeRecord): ChangeShown {
  const { minutes, promised, files } = plan
  return {
    ...record,
    at: isoTime(at),
    endedAt: endedAt === null ? null : isoTime(endedAt),
    minutes,
    promised,
    files: files.map(({ name }) => name),
  }
}
