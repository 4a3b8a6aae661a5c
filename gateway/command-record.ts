import { instant, isoTime, type Instant } from '../base/clock.ts'
import type { Asker } from './asker.ts'
import type { CommandKind } from './command-kind.ts'
import type { Change } from './store/schema.ts'

/** What is asked of a device: by whom, why, and under which id, so that asking twice does it once. */
export interface CommandWish {
  readonly requestId: string
  readonly deviceId: string
  readonly command: CommandKind
  /** Empty for the device itself. */
  readonly part: string
  readonly by: Asker
  readonly reason: string
  readonly caseKey?: string
  /** Asked for a case of life and limb: recorded on the reserve of a full disk too, and in quiet hours. */
  readonly isLifeSafety?: boolean
}

/** 结果: what came of it. Only the first one may still change. */
export type Outcome =
  | 'under-way'
  /** A reading showed that it was done. */
  | 'confirmed'
  /** It was sent, and no reading showed it in time. */
  | 'unconfirmed'
  /** The gateway did not send it. */
  | 'refused'
  /** It could not be sent, or the device said no. */
  | 'failed'
  /** The gateway stopped while it was under way. It is never sent again. */
  | 'unknown'

/** 指令记录: one command as it is kept. */
export interface CommandRecord extends Omit<CommandWish, 'isLifeSafety'> {
  readonly siteId: string
  readonly askedAt: Instant
  readonly outcome: Outcome
  /** Why it was refused or failed, and what was read back. */
  readonly detail: string
  readonly endedAt?: Instant
}

export interface CommandRow {
  readonly id: string
  readonly site_id: string
  readonly device_id: string
  readonly part: string
  readonly command: string
  readonly by_kind: string
  readonly by_id: string
  readonly reason: string
  readonly case_key: string | null
  readonly asked_at: number
  readonly outcome: string
  readonly detail: string
  readonly ended_at: number | null
}

export const commandToRow = (record: CommandRecord): Change => [
  'putCommand',
  record.requestId,
  record.siteId,
  record.deviceId,
  record.part,
  record.command,
  record.by.kind,
  record.by.id,
  record.reason,
  record.caseKey ?? null,
  record.askedAt,
  record.outcome,
  record.detail,
  record.endedAt ?? null,
]

/** Rows are written by this file alone, so their words are those of its types. */
export const commandFromRow = (row: CommandRow): CommandRecord => ({
  requestId: row.id,
  siteId: row.site_id,
  deviceId: row.device_id,
  part: row.part,
  command: row.command as CommandKind,
  by: { kind: row.by_kind as Asker['kind'], id: row.by_id },
  reason: row.reason,
  ...(row.case_key !== null && { caseKey: row.case_key }),
  askedAt: instant(row.asked_at),
  outcome: row.outcome as Outcome,
  detail: row.detail,
  ...(row.ended_at !== null && { endedAt: instant(row.ended_at) }),
})

/** As the API shows it. */
export const commandShown = ({ askedAt, endedAt, ...record }: CommandRecord): object => ({
  ...record,
  askedAt: isoTime(askedAt),
  endedAt: endedAt === undefined ? null : isoTime(endedAt),
})
