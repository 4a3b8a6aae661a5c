import { parseDuration } from '../base/amount.ts'
import type { Duration, Instant } from '../base/clock.ts'
import type { Complaint } from '../base/schema.ts'
import { availabilityOf, silenceOf, type Availability } from './availability.ts'
import type { CommandKind } from './command-kind.ts'
import { compileCommands, type DeviceCommand } from './device-command.ts'
import { converter, type Convert, type Converted } from './point-value.ts'
import type { Fields } from './ports.ts'
import { profileHash } from './profile-hash.ts'
import type { MeterItem, Point, ProfileFile, Register, RegisterDefaults } from './profile-file.ts'
import { doublePoints, exampleMistakes, pointMistakes, sourceMistake } from './profile-mistakes.ts'
import { quantityIds, type QuantityId } from './quantity.ts'
import { toReading, type Reading } from './reading.ts'
import type { Bilingual } from './words.ts'

/** One point, unrolled: where its raw value stands and what becomes of it. */
export interface CompiledPoint {
  /** Unique in the profile: the point's key, with the part's index where it repeats. */
  readonly key: string
  /** The point's key in the file. */
  readonly name: string
  /** Keys to walk in the codec's fields; for registers and items the point's own key. */
  readonly path: readonly string[]
  readonly register: Register | undefined
  readonly item: MeterItem | undefined
  readonly quantity: QuantityId
  readonly part: string
  /** Narrower than the quantity's. */
  readonly range: readonly [low: number, high: number] | undefined
  /** Its `true` is never taken back and ends by itself after this. */
  readonly lastsMs: Duration | undefined
  readonly convert: Convert
}

export type Example = ProfileFile['examples'][number] & {
  /** Where it stands in the file. */
  readonly path: string
}

export interface Profile {
  readonly id: string
  /** Of what its file says. */
  readonly hash: string
  /** Which of several firmwares. */
  readonly variant: string | undefined
  readonly codec: string
  readonly name: Bilingual
  readonly power: 'mains' | 'battery'
  readonly reportsEvery: Duration
  readonly availability: Availability
  readonly silentAfter: Duration
  readonly batch: number
  readonly points: readonly CompiledPoint[]
  readonly commands?: ReadonlyMap<CommandKind, DeviceCommand>
  readonly examples: readonly Example[]
}

/** The variants that a file has; one nameless where it has none. */
export function variantsOf({ variants }: ProfileFile): readonly (string | undefined)[] {
  const names = Object.keys(variants ?? {})
  return names.length > 0 ? names : [undefined]
}

/** Unrolls repeated points, with those of a variant in their place; complaints name a path in the file. */
export function compileProfile(
  id: string,
  file: ProfileFile,
  variantName?: string,
): { readonly profile: Profile; readonly complaints: readonly Complaint[] } {
  const variant = variantName === undefined ? undefined : file.variants?.[variantName]
  const above = `/variants/${variantName ?? ''}`
  const complaints: Complaint[] = []
  const points: CompiledPoint[] = []
  const pathOf = (name: string): string =>
    variant?.points && Object.hasOwn(variant.points, name) ? `${above}/points/${name}` : `/points/${name}`
  for (const [name, point] of Object.entries({ ...file.points, ...variant?.points })) {
    const quantity: QuantityId | undefined = point.quantity ?? quantityIds.find((known) => known === name)
    if (!quantity) {
      complaints.push({ path: pathOf(name), text: `"${name}" is no quantity; name one by "quantity:"` })
      continue
    }
    const unrolled = unroll({ name, point, quantity, defaults: { ...file.registers, ...variant?.registers } })
    points.push(...unrolled)
    const wrong = unrolled.map(sourceMistake).find((text) => text !== undefined)
    for (const mistake of pointMistakes(point, quantity))
      complaints.push({ ...mistake, path: pathOf(name) + mistake.path })
    if (wrong !== undefined) complaints.push({ path: `${pathOf(name)}/from`, text: wrong })
  }
  for (const [name, first] of doublePoints(points)) {
    const text = `gives the same reading as "${first}"; give one of them a "part"`
    complaints.push({ path: pathOf(name), text })
  }
  const isPolled = points.some(({ register, item }) => register !== undefined || item !== undefined)
  const reportsEvery = parseDuration(file.reportsEvery)
  const availability = availabilityOf(file.availability, { reportsEvery, isPolled })
  const { commands, complaints: ofCommands } = compileCommands(file.commands, points)
  complaints.push(...ofCommands)
  const profile: Profile = {
    id,
    hash: profileHash(id, file, variantName),
    variant: variantName,
    codec: file.codec,
    name: file.name,
    power: file.power ?? 'mains',
    reportsEvery,
    availability,
    silentAfter: file.silentAfter === undefined ? silenceOf(availability) : parseDuration(file.silentAfter),
    batch: file.batch ?? 125,
    points,
    commands,
    examples: [...placed(file.examples, '/examples'), ...placed(variant?.examples, `${above}/examples`)],
  }
  return { profile, complaints: [...complaints, ...exampleMistakes(profile)] }
}

const placed = (examples: ProfileFile['examples'] | undefined, path: string): readonly Example[] =>
  (examples ?? []).map((example, index) => ({ ...example, path: `${path}/${index}` }))

interface PointGiven {
  readonly name: string
  readonly point: Point
  readonly quantity: QuantityId
  readonly defaults: RegisterDefaults
}

/** One for each of its parts. */
function unroll({ name, point, quantity, defaults }: PointGiven): readonly CompiledPoint[] {
  const { each, range } = point
  const shared = {
    name,
    quantity,
    range: range && ([range[0] ?? -Infinity, range[1] ?? Infinity] as const),
    lastsMs: point.lasts === undefined ? undefined : parseDuration(point.lasts),
    convert: converter(point),
  }
  const indexes = each ? Array.from({ length: each.count }, (_, i) => i) : [undefined]
  return indexes.map((index) => {
    const n = index === undefined ? '' : String(index + (each?.first ?? 1))
    const key = `${name}${n}`
    const from = sourceOf(point.from, { n, index: index ?? 0, stride: each?.stride ?? 0, defaults })
    return {
      key,
      path: [key],
      register: undefined,
      item: undefined,
      ...from,
      ...shared,
      part: each ? each.part.replace('{n}', n) : (point.part ?? ''),
    }
  })
}

interface SourceGiven {
  readonly n: string
  /** From 0. */
  readonly index: number
  readonly stride: number
  readonly defaults: RegisterDefaults
}

/** Where one of repeated parts stands. */
function sourceOf(
  from: Point['from'],
  { n, index, stride, defaults }: SourceGiven,
): { readonly path: readonly string[] } | { readonly register: Register } | { readonly item: MeterItem } {
  if (typeof from === 'string')
    return { path: from.replaceAll('{n}', n).replaceAll('{i}', String(index)).split('.') }
  if ('register' in from)
    return { register: { ...defaults, ...from, register: from.register + index * stride } }
  return { item: { ...from, item: from.item.replaceAll('{n}', n) } }
}

/** 读数 from what a codec found; absent points are left out, unbelievable values are bad and keep their raw value. */
export function toReadings(profile: Profile, fields: Fields, at: Instant): Reading[] {
  const readings: Reading[] = []
  for (const point of profile.points) {
    const found = point.convert(fieldAt(fields, point.path))
    if (!found) continue
    readings.push(readingOf(point, found, at))
  }
  return readings
}

/** A value of a point, judged as whatever the device says of it is. */
export function readingOf(point: CompiledPoint, { value, atLimit }: Converted, at: Instant): Reading {
  const reading = believed(point, toReading(point.quantity, point.part, value, at, atLimit))
  return point.lastsMs === undefined ? reading : { ...reading, lastsMs: point.lastsMs }
}

/** A model can know its values better than the quantity does: no mains has 20 V. */
function believed({ range }: CompiledPoint, reading: Reading): Reading {
  if (range === undefined || typeof reading.value !== 'number') return reading
  const isInside = reading.value >= range[0] && reading.value <= range[1]
  return isInside ? reading : { ...reading, quality: 'bad' }
}

/** What stands at a path of the codec's fields. */
export function fieldAt(fields: Fields, path: readonly string[]): unknown {
  let at: unknown = fields
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key] // an object, by the line above
  }
  return at
}
