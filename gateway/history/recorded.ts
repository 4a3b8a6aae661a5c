import { instant, type Duration, type Instant } from '../../base/clock.ts'
import type { ZoneStay } from '../detection.ts'
import type { Observation } from '../ports.ts'
import type { Reading } from '../reading.ts'

/** A message or observation as it came and as rules were shown it. */
export interface RecordedMessage {
  readonly is: 'message'
  /** When it arrived; its readings carry the time of which they speak. */
  readonly at: Instant
  readonly siteId: string
  readonly deviceId: string
  /** None: a sign of life. */
  readonly readings: readonly Reading[]
  readonly observation?: Observation
  /** No sign of life: the broker had kept it, or the hub itself made it of what was said before. */
  readonly notSaid?: 'retained' | 'noted'
}

/** What a replay must know besides: the gateway began or ended, or its wall clock jumped. */
export type RecordedMark =
  | { readonly is: 'start' | 'stop'; readonly at: Instant }
  /** The device was asked again and again in vain. */
  | { readonly is: 'unanswered'; readonly at: Instant; readonly deviceId: string }
  /** From here on the wall clock is ahead of the one before by so much. */
  | { readonly is: 'jump'; readonly at: Instant; readonly by: Duration }

/** 历史: one entry of what the box was told, in the order in which it was told. */
export type Recorded = RecordedMessage | RecordedMark

/** A row of the arrivals log. */
export interface LogRow {
  readonly seq: number
  readonly site_id: string
  readonly device_id: string
  readonly at: number
  readonly readings: string
  readonly beside: string | null
}

export const logColumns = 'seq, site_id, device_id, at, readings, beside'

/** What stands in the log beside the readings: what a camera saw, that it is no sign of life, or a mark. */
export type Beside =
  | { readonly retained: true }
  | { readonly noted: true }
  | {
      readonly at: Instant
      readonly stays: readonly ZoneStay[]
      readonly model: string
      readonly thresholds: Observation['thresholds']
    }
  | { readonly mark: 'start' | 'stop' }
  | { readonly mark: 'jump'; readonly by: Duration }
  | { readonly mark: 'unanswered'; readonly deviceId: string }

export const NOTED = JSON.stringify({ noted: true } satisfies Beside)

export const RETAINED = JSON.stringify({ retained: true } satisfies Beside)

export function besideOf(observation: Observation): string {
  const { at, stays, model, thresholds } = observation
  return JSON.stringify({ at, stays, model, thresholds } satisfies Beside)
}

export function toRecorded({ site_id, device_id, at, readings, beside }: LogRow): Recorded {
  const arrived = instant(at)
  const more = beside === null ? undefined : (JSON.parse(beside) as Beside) // written by the arrivals log
  if (more && 'mark' in more) {
    const { mark, ...rest } = more
    return { is: mark, at: arrived, ...rest } as RecordedMark // a mark has what its entry has, by the same names
  }
  const shown = JSON.parse(readings) as Reading[] // written by the arrivals log
  const message = {
    is: 'message',
    at: arrived,
    siteId: site_id,
    deviceId: device_id,
    readings: shown,
  } as const
  if (!more) return message
  if ('retained' in more) return { ...message, notSaid: 'retained' }
  if ('noted' in more) return { ...message, notSaid: 'noted' }
  return { ...message, observation: { deviceId: device_id, readings: shown, ...more } }
}
