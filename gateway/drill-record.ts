import { isoTime, type Duration, type Instant } from '../base/clock.ts'
import type { Change } from './store/schema.ts'
import type { Reader } from './store/store.ts'

/** When the first case of a drill passed each point between the sensor and the platform, by the clock of the box. */
export interface Hops {
  readonly caseKey: string
  readonly class: string
  /** The message's own time, where it has one: by the sensor's clock. */
  readonly sensorAt?: Instant
  readonly arrivedAt?: Instant
  readonly raisedAt: Instant
  readonly storedAt?: Instant
  /** The platform has answered that it has the case. */
  readonly deliveredAt?: Instant
  /** The platform has said what becomes of it. */
  readonly answeredAt?: Instant
  readonly answer?: string
}

/** 演练: for some minutes every case of one device is a drill. */
export interface DrillRecord {
  readonly id: string
  readonly deviceId: string
  readonly siteId: string
  readonly beganAt: Instant
  readonly until: Instant
  readonly by: string
  readonly endedAt: Instant | undefined
  readonly hops: Hops | undefined
}

export const isWaiting = ({ hops }: DrillRecord): boolean =>
  hops !== undefined && hops.deliveredAt === undefined

export const drillChange = (drill: DrillRecord): Change => [
  'putDrill',
  drill.id,
  drill.deviceId,
  drill.siteId,
  drill.beganAt,
  drill.until,
  drill.by,
  drill.endedAt ?? null,
  drill.hops ? JSON.stringify(drill.hops) : null,
]

const COLUMNS =
  'id, device_id AS deviceId, site_id AS siteId, began_at AS beganAt, until_at AS until, begun_by AS by, ended_at AS endedAt, hops'

type Row = Omit<DrillRecord, 'endedAt' | 'hops'> & {
  readonly endedAt: Instant | null
  readonly hops: string | null
}

const toDrill = ({ hops, endedAt, ...row }: Row): DrillRecord => ({
  ...row,
  endedAt: endedAt ?? undefined,
  hops: hops === null ? undefined : (JSON.parse(hops) as Hops), // written by drillChange
})

/** Those that run, and those whose case is still on its way. */
export const unfinishedDrills = (reader: Reader): readonly DrillRecord[] =>
  (
    reader
      .prepare(
        `SELECT ${COLUMNS} FROM drills WHERE ended_at IS NULL OR (hops IS NOT NULL AND hops ->> 'answeredAt' IS NULL)`,
      )
      .all() as Row[]
  ) // the columns named
    .map(toDrill)

/** Newest first. */
export const drillsOf = (reader: Reader, deviceId: string, limit: number): readonly DrillRecord[] =>
  (
    reader
      .prepare(`SELECT ${COLUMNS} FROM drills WHERE device_id = ? ORDER BY began_at DESC, id LIMIT ?`)
      .all(deviceId, limit) as Row[]
  ) // the columns named
    .map(toDrill)

export function findDrill(reader: Reader, id: string): DrillRecord | undefined {
  const row = reader.prepare(`SELECT ${COLUMNS} FROM drills WHERE id = ?`).get(id) as Row | undefined // the columns named
  return row && toDrill(row)
}

/** As the API and the acceptance record show it: complete as soon as the platform has the case, whenever that is. */
export function drillShown(drill: DrillRecord, reader: Reader): object {
  const { id, deviceId, siteId, beganAt, until, by, endedAt, hops } = drill
  return {
    id,
    deviceId,
    siteId,
    by,
    beganAt: isoTime(beganAt),
    until: isoTime(until),
    endedAt: endedAt === undefined ? null : isoTime(endedAt),
    state: stateOf(drill, reader),
    case: hops?.caseKey ?? null,
    class: hops?.class ?? null,
    hops: hops ? hopsShown(hops) : [],
  }
}

function stateOf({ endedAt, hops }: DrillRecord, reader: Reader): string {
  if (!hops) return endedAt === undefined ? 'under way: no case yet' : 'ended without a case'
  if (hops.deliveredAt !== undefined) return 'complete'
  const refused = reader
    .prepare('SELECT refused FROM outbox WHERE key = ? AND refused IS NOT NULL LIMIT 1')
    .pluck()
    .get(hops.caseKey) as string | undefined // one text column
  return refused === undefined ? 'waiting for the platform' : `refused by the platform: ${refused}`
}

export interface HopShown {
  readonly hop: (typeof hopNames)[number]
  readonly at: string
  /** Since the hop before it that is known. */
  readonly afterMs: Duration | null
}

export const hopNames = ['sensor', 'arrival', 'raised', 'stored', 'delivered', 'answered'] as const

function hopsShown({
  sensorAt,
  arrivedAt,
  raisedAt,
  storedAt,
  deliveredAt,
  answeredAt,
}: Hops): readonly HopShown[] {
  const times = [sensorAt, arrivedAt, raisedAt, storedAt, deliveredAt, answeredAt]
  const shown: HopShown[] = []
  let before: Instant | undefined
  hopNames.forEach((hop, index) => {
    const at = times[index]
    if (at === undefined) return
    shown.push({ hop, at: isoTime(at), afterMs: before === undefined ? null : at - before })
    before = at
  })
  return shown
}
