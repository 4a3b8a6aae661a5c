import { instant, type Instant } from '../base/clock.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import type { Reading, Value } from '../gateway/reading.ts'
import { cameLate } from './came-late.ts'
import type { Condition } from './condition.ts'
import type { Frame } from './condition-nodes.ts'

/**
 * What was last said of one quantity: null where it is not believed; the third says "this or more". A `true` that the
 * device never takes back ends by itself.
 */
export type Heard = readonly [value: Value | null, at: Instant, atLimit?: 0 | 1, ends?: Instant]

/** 最新值: what each device (or its port) of a place last said, of the quantities that a condition asks for. */
export type Newest = Readonly<Record<string, Readonly<Partial<Record<QuantityId, Heard>>>>>

export const nothingHeard: Newest = Object.freeze({})

/** A place with more ports than this is judged by those that spoke last: memory stays small. */
const MOST_SOURCES = 32

/** A device, or one of its parts. Ids of devices hold no slash. */
export const sourceOf = (deviceId: string, part: string): string =>
  part === '' ? deviceId : `${deviceId}/${part}`

export const deviceOf = (source: string): string => source.split('/', 1)[0] ?? source

/** With what a device has now said. A reading from before what is known changes nothing. */
export function withReadings(
  newest: Newest,
  deviceId: string,
  readings: readonly Reading[],
  wants: readonly QuantityId[],
  now: Instant,
): Newest {
  let after = newest
  for (const reading of readings) {
    const { quantity, part, at } = reading
    if (!wants.includes(quantity)) continue
    const source = sourceOf(deviceId, part)
    const said = Object.hasOwn(after, source) ? after[source] : undefined
    const before = said?.[quantity]
    if (before && cameLate(at, before[1], now)) continue
    after = { ...after, [source]: { ...said, [quantity]: heardOf(reading, now) } }
  }
  return after === newest ? newest : bounded(after)
}

function heardOf({ value, quality, at, lastsMs }: Reading, now: Instant): Heard {
  if (quality === 'bad') return [null, at]
  // A device's own clock may be ahead.
  if (value === true && lastsMs !== undefined) return [value, at, 0, instant(Math.min(at, now) + lastsMs)]
  return quality === 'at-limit' ? [value, at, 1] : [value, at]
}

/** What has ended by itself is no longer so. The same object when nothing has. */
export function afterEnds(newest: Newest, now: Instant): Newest {
  if ((nextEndOf(newest) ?? Infinity) > now) return newest
  let after = newest
  for (const [source, said] of Object.entries(newest)) {
    for (const [quantity, [, , , ends]] of Object.entries(said)) {
      if (ends === undefined || ends > now) continue
      after = { ...after, [source]: { ...after[source], [quantity]: [false, ends] } }
    }
  }
  return after
}

/** When the next of them ends by itself. */
export function nextEndOf(newest: Newest): Instant | undefined {
  let next: Instant | undefined
  for (const source in newest) {
    const said = newest[source]
    for (const key in said) {
      const ends = said[key as QuantityId]?.[3] // `Newest` has quantities for keys
      if (ends !== undefined && (next === undefined || ends < next)) next = ends
    }
  }
  return next
}

/** Lets go what devices said that are no longer here. */
export function ofThoseHere(newest: Newest, isHere: (deviceId: string) => boolean): Newest {
  const gone = Object.keys(newest).filter((source) => !isHere(deviceOf(source)))
  return gone.length === 0 ? newest : without(newest, gone)
}

function bounded(newest: Newest): Newest {
  const sources = Object.keys(newest)
  if (sources.length <= MOST_SOURCES) return newest
  const lastHeard = (source: string): number =>
    Math.max(...Object.values(newest[source] ?? {}).map(([, at]) => at))
  sources.sort((a, b) => lastHeard(a) - lastHeard(b))
  return without(newest, sources.slice(0, sources.length - MOST_SOURCES))
}

const without = (newest: Newest, gone: readonly string[]): Newest =>
  Object.fromEntries(Object.entries(newest).filter(([source]) => !gone.includes(source)))

/**
 * What has to be remembered of `after`: a value on which no comparison turns stays as it was, so that a power that
 * wavers below its limit is not written with every message.
 */
export function worthKeeping(before: Newest, after: Newest, conditions: readonly Condition[]): Newest {
  if (before === after) return before
  let isChanged = Object.keys(before).length !== Object.keys(after).length
  const kept = Object.entries(after).map(([source, said]) => {
    const old = Object.hasOwn(before, source) ? before[source] : undefined
    if (old === said) return [source, said] as const
    const entries = Object.entries(said).map(([key, heard]) => {
      const quantity = key as QuantityId // `Newest` has quantities for keys
      const known = old?.[quantity]
      if (known && !conditions.some((condition) => turns(condition, quantity, known, heard))) {
        return [key, known] as const
      }
      isChanged = true
      return [key, heard] as const
    })
    return [source, Object.fromEntries(entries)] as const
  })
  return isChanged ? Object.fromEntries(kept) : before
}

/**
 * Can none of these readings make a comparison come out otherwise? Most messages of most devices: nothing is made for
 * them.
 */
export function turnsNothing(
  newest: Newest,
  deviceId: string,
  readings: readonly Reading[],
  conditions: readonly Condition[],
): boolean {
  if (nextEndOf(newest) !== undefined) return false
  for (const { quantity, part, value, quality, lastsMs, at } of readings) {
    if (!conditions.some(({ wants }) => wants.includes(quantity))) continue
    const source = sourceOf(deviceId, part)
    const known = Object.hasOwn(newest, source) ? newest[source]?.[quantity] : undefined
    if (!known || lastsMs !== undefined) return false
    const isSame =
      known[0] === (quality === 'bad' ? null : value) && (known[2] === 1) === (quality === 'at-limit')
    if (isSame) continue
    const heard: Heard = quality === 'bad' ? [null, at] : [value, at, quality === 'at-limit' ? 1 : 0]
    if (conditions.some((condition) => turns(condition, quantity, known, heard))) return false
  }
  return true
}

function turns(condition: Condition, quantity: QuantityId, before: Heard, after: Heard): boolean {
  if (before[3] !== after[3]) return true
  const index = condition.wants.indexOf(quantity)
  const isSame = before[0] === after[0] && (before[2] ?? 0) === (after[2] ?? 0)
  if (index < 0 || isSame) return false
  return condition.turnsOn(index, frameWith(index, before), frameWith(index, after))
}

function frameWith(index: number, heard: Heard): Frame {
  const frame = emptyFrame()
  put(frame, index, heard)
  return frame
}

export const emptyFrame = (): Frame => ({ values: [], atLimit: [], hasLimit: false })

export function put(frame: Frame, index: number, [value, , atLimit]: Heard): void {
  frame.values[index] = value ?? undefined
  frame.atLimit[index] = atLimit === 1
  if (atLimit === 1) frame.hasLimit = true
}

/** One frame a source. What a source does not say itself is filled with the newest that any other says. */
export function framesOf(newest: Newest, { wants }: Condition): readonly Frame[] {
  const said = Object.values(newest)
  const last = wants.map((quantity) => newestOf(said, quantity))
  const frames: Frame[] = []
  for (const own of said) {
    if (!wants.some((quantity) => own[quantity])) continue
    const frame = emptyFrame()
    for (const [index, quantity] of wants.entries()) {
      const heard = own[quantity] ?? last[index]
      if (heard) put(frame, index, heard)
    }
    frames.push(frame)
  }
  return frames
}

function newestOf(said: readonly Newest[string][], quantity: QuantityId): Heard | undefined {
  let last: Heard | undefined
  for (const own of said) {
    const heard = own[quantity]
    if (heard && (last === undefined || heard[1] >= last[1])) last = heard
  }
  return last
}

/** As readings, for a case. */
export function readingsIn(
  newest: Newest,
  { wants }: Condition,
): readonly { readonly reading: Reading; readonly deviceId: string }[] {
  return Object.entries(newest).flatMap(([source, said]) =>
    wants.flatMap((quantity) => {
      const heard = said[quantity]
      if (!heard) return []
      const [value, at, atLimit] = heard
      if (value === null) return []
      const part = source.slice(deviceOf(source).length + 1)
      const quality = atLimit === 1 ? 'at-limit' : 'good'
      return [{ reading: { quantity, part, value, quality, at }, deviceId: deviceOf(source) }]
    }),
  )
}
