import { instant, type Instant } from '../base/clock.ts'

/** 时间标签: six plain bytes, second first, the year from 2000 on; Beijing time. Whatever came is kept. */
export interface GbTime {
  readonly second: number
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  readonly year: number
}

/** The standard says "time" and means the wall clock of the place: China has one, without summer time. */
const BEIJING_MS = 8 * 3_600_000

export const GB_TIME_LENGTH = 6

export function readGbTime(bytes: Uint8Array, at: number): GbTime {
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = bytes.subarray(
    at,
    at + GB_TIME_LENGTH,
  )
  return { second, minute, hour, day, month, year }
}

export const writeGbTime = ({ second, minute, hour, day, month, year }: GbTime): Uint8Array =>
  Uint8Array.of(second, minute, hour, day, month, year)

export function toGbTime(at: Instant): GbTime {
  const date = new Date(at + BEIJING_MS)
  return {
    second: date.getUTCSeconds(),
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    year: date.getUTCFullYear() % 100,
  }
}

/** Undefined where no such moment exists: a dead clock sends zeros or rubbish. */
export function gbInstant(time: GbTime): Instant | undefined {
  const { second, minute, hour, day, month, year } = time
  const at = instant(Date.UTC(2000 + year, month - 1, day, hour, minute, second) - BEIJING_MS)
  const back = toGbTime(at)
  const isSame = (Object.keys(back) as (keyof GbTime)[]).every((key) => back[key] === time[key]) // its own keys
  return isSame ? at : undefined
}
