import { Type, type Static } from 'typebox'
import { DURATION_PATTERN, parseDuration } from '../base/amount.ts'
import type { Duration, Instant } from '../base/clock.ts'
import type { Fields } from './ports.ts'
import { quantityIds, quantityOf, type QuantityId } from './quantity.ts'
import { toReading, type Reading } from './reading.ts'
import { Bilingual, Id, Span } from './words.ts'

const closed = { additionalProperties: false } as const

/** What a point is read from on Modbus: a register, or one bit of a coil or input. */
export const Register = Type.Object(
  {
    register: Type.Integer({ minimum: 0, maximum: 65_535, description: 'address, 0-based' }),
    function: Type.Optional(
      Type.Enum([1, 2, 3, 4] as const, { description: 'default 3; coils 1 and inputs 2 have the type bit' }),
    ),
    type: Type.Enum(['bit', 'u16', 'i16', 'u32', 'i32', 'f32'] as const),
    byteOrder: Type.Optional(
      Type.Enum(['ABCD', 'DCBA', 'BADC', 'CDAB'] as const, {
        description:
          'how the four bytes of a 32-bit value stand on the wire, A the highest; default ABCD. DCBA and BADC swap the two bytes of a 16-bit value',
      }),
    ),
    bit: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 15, description: 'this bit alone, as a boolean' }),
    ),
  },
  closed,
)
export type Register = Static<typeof Register>

/** 数据标识: an item that a DL/T 645 meter is asked for. */
export const MeterItem = Type.Object(
  {
    item: Type.String({
      pattern: '^([0-9A-F]|\\{n\\}){8}$',
      description: 'data identifier, high byte first, such as 02010100; {n} is the index of a repeated part',
    }),
    format: Type.String({
      pattern: '^X{1,8}(\\.X{1,8})?$',
      description: 'the digits as the standard prints them, such as XXX.X: two of them are one byte',
    }),
    signed: Type.Optional(Type.Boolean({ description: 'the top bit is the sign' })),
  },
  closed,
)
export type MeterItem = Static<typeof MeterItem>

export const Point = Type.Object(
  {
    /** A path into what the codec found (`ports.{n}.power`), a register, or an item of a meter. */
    from: Type.Union([
      Type.String({ pattern: '^[^.\\0]+(\\.[^.\\0]+)*$', maxLength: 120 }),
      Register,
      MeterItem,
    ]),
    /** The point's own key by default. */
    quantity: Type.Optional(Type.Enum(quantityIds)),
    scale: Type.Optional(Type.Number()),
    offset: Type.Optional(Type.Number()),
    invert: Type.Optional(Type.Boolean({ description: 'booleans: contact: true means closed' })),
    /** Raw values that mean "no sensor", "open circuit": the point is left out. */
    absent: Type.Optional(Type.Array(Type.Number())),
    /** Raw values at and above this mean "at limit", not a value. */
    limitAt: Type.Optional(Type.Number()),
    /** Raw value (as text) → value. */
    values: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    ),
    /** Rules of the kind `alarm` obey it. */
    lasts: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        description:
          'an alarm that the device never takes back ends by itself after this; said again it begins anew from the last time: 10 min',
      }),
    ),
    /** The part of the device it speaks of, where it is one alone: `neutral`. */
    part: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,30}$' })),
    /** Repeated parts such as ports: `{n}` in `from` is the index from `first`, registers move by `stride`. */
    each: Type.Optional(
      Type.Object(
        {
          part: Type.String({ pattern: '^[a-z0-9-]*\\{n\\}$', description: 'such as port-{n}' }),
          count: Type.Integer({ minimum: 1, maximum: 64 }),
          first: Type.Optional(Type.Integer({ minimum: 0, maximum: 64, description: 'default 1' })),
          stride: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        },
        closed,
      ),
    ),
  },
  closed,
)

/** 物模型: what one device model can say. The file name is its id. */
export const ProfileFile = Type.Object(
  {
    vendor: Type.String({ minLength: 1, maxLength: 80 }),
    model: Type.String({ minLength: 1, maxLength: 80 }),
    name: Bilingual,
    /** From a payload to fields: a file in device-drivers/codecs. */
    codec: Id,
    /** How often it reports when nothing happens. */
    reportsEvery: Span,
    /** Missing when silent for this long; three times reportsEvery by default. */
    silentAfter: Type.Optional(Span),
    /** Modbus: at most this many registers in one request. */
    batch: Type.Optional(Type.Integer({ minimum: 1, maximum: 125 })),
    points: Type.Record(Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9]*$' }), Point, closed),
    /** Payloads as the device sends them and all the readings they give; each one is a test. */
    examples: Type.Array(
      Type.Object(
        {
          /** JSON for MQTT codecs. */
          payload: Type.Optional(Type.Unknown()),
          /** Bytes for frames and registers. */
          hex: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{2} ?)+$' })),
          /** `quantity` or `part/quantity` → value; `bad` where the value is not believed. */
          gives: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
        },
        closed,
      ),
      { maxItems: 100 },
    ),
  },
  { ...closed, $id: 'profile', title: 'A device model: points, units, ranges, example payloads' },
)
export type ProfileFile = Static<typeof ProfileFile>

/** One point, unrolled: where its raw value stands and what becomes of it. */
export interface CompiledPoint {
  /** Unique in the profile: the point's key, with the part's index where it repeats. */
  readonly key: string
  /** Keys to walk in the codec's fields; for registers and items the point's own key. */
  readonly path: readonly string[]
  readonly register: Register | undefined
  readonly item: MeterItem | undefined
  readonly quantity: QuantityId
  readonly part: string
  /** Its `true` is never taken back and ends by itself after this. */
  readonly lastsMs: Duration | undefined
  convert(raw: unknown): { readonly value: unknown; readonly atLimit: boolean } | undefined
}

export interface Profile {
  readonly id: string
  readonly codec: string
  readonly name: Bilingual
  readonly reportsEvery: Duration
  readonly silentAfter: Duration
  readonly batch: number
  readonly points: readonly CompiledPoint[]
  readonly examples: ProfileFile['examples']
}

/** Unrolls repeated points; complaints name a path in the file. */
export function compileProfile(
  id: string,
  file: ProfileFile,
): { profile: Profile; complaints: { path: string; text: string }[] } {
  const complaints: { path: string; text: string }[] = []
  const points: CompiledPoint[] = []
  for (const [name, point] of Object.entries(file.points)) {
    const quantity: QuantityId | undefined = point.quantity ?? quantityIds.find((known) => known === name)
    if (!quantity) {
      complaints.push({ path: `/points/${name}`, text: `"${name}" is no quantity; name one by "quantity:"` })
      continue
    }
    if (point.lasts !== undefined && quantityOf(quantity).kind !== 'boolean') {
      complaints.push({ path: `/points/${name}/lasts`, text: `"${quantity}" is not true or false` })
    }
    const { each } = point
    const lastsMs = point.lasts === undefined ? undefined : parseDuration(point.lasts)
    const indexes = each ? Array.from({ length: each.count }, (_, i) => i) : [undefined]
    for (const index of indexes) {
      const n = index === undefined ? '' : String(index + (each?.first ?? 1))
      const key = `${name}${n}`
      const from = sourceOf(point.from, { n, shift: (index ?? 0) * (each?.stride ?? 0) })
      const wrong = 'register' in from ? wrongRegister(from.register) : 'item' in from && wrongItem(from.item)
      if (wrong) complaints.push({ path: `/points/${name}/from`, text: wrong })
      points.push({
        key,
        path: [key],
        register: undefined,
        item: undefined,
        ...from,
        quantity,
        part: each ? each.part.replace('{n}', n) : (point.part ?? ''),
        lastsMs,
        convert: converter(point),
      })
    }
  }
  const reportsEvery = parseDuration(file.reportsEvery)
  const profile: Profile = {
    id,
    codec: file.codec,
    name: file.name,
    reportsEvery,
    silentAfter: file.silentAfter === undefined ? 3 * reportsEvery : parseDuration(file.silentAfter),
    batch: file.batch ?? 125,
    points,
    examples: file.examples,
  }
  return { profile, complaints }
}

type PointFile = Static<typeof Point>

/** Where one of repeated parts stands. */
function sourceOf(
  from: PointFile['from'],
  { n, shift }: { readonly n: string; readonly shift: number },
): { readonly path: readonly string[] } | { readonly register: Register } | { readonly item: MeterItem } {
  if (typeof from === 'string') return { path: from.replaceAll('{n}', n).split('.') }
  if ('register' in from) return { register: { ...from, register: from.register + shift } }
  return { item: { ...from, item: from.item.replaceAll('{n}', n) } }
}

function wrongRegister({ register, function: fn = 3, type, bit }: Register): string | undefined {
  const isBit = type === 'bit'
  if (isBit !== fn <= 2)
    return `function ${fn} has ${fn <= 2 ? 'the type bit' : 'no type bit'}; got "${type}"`
  if (bit !== undefined && type !== 'u16') return `a bit of a register needs the type u16; got "${type}"`
  if (register > 65_535) return `the last of them is register ${register}; there are none above 65535`
  return undefined
}

function wrongItem({ item, format }: MeterItem): string | undefined {
  if (!/^[0-9A-F]{8}$/.test(item)) return `wanted 8 hexadecimal digits; got "${item}"`
  const digits = format.replace('.', '').length
  return digits % 2 === 0 ? undefined : `wanted two digits a byte; "${format}" has ${digits}`
}

function converter(point: PointFile): CompiledPoint['convert'] {
  const { scale, offset, invert, absent, limitAt, values } = point
  const decimals = decimalsOf(scale) + decimalsOf(offset)
  return (raw) => {
    if (raw === undefined || raw === null) return undefined
    if (typeof raw === 'number' && absent?.includes(raw)) return undefined
    if (values) {
      const isPlain = typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean'
      const value = isPlain && Object.hasOwn(values, String(raw)) ? values[String(raw)] : undefined
      return { value: value ?? raw, atLimit: false }
    }
    if (typeof raw === 'boolean') return { value: invert ? !raw : raw, atLimit: false }
    if (typeof raw !== 'number') return { value: raw, atLimit: false }
    const value =
      scale === undefined && offset === undefined
        ? raw
        : round(raw * (scale ?? 1) + (offset ?? 0), decimals + (Number.isInteger(raw) ? 0 : decimalsOf(raw)))
    return { value, atLimit: limitAt !== undefined && raw >= limitAt }
  }
}

/** 455 × 0.001 is 0.455 and not 0.45500000000000002. */
const round = (value: number, decimals: number): number => Number(value.toFixed(Math.min(decimals, 9)))

const decimalsOf = (factor: number | undefined): number =>
  factor === undefined ? 0 : (String(factor).split('.')[1]?.length ?? 0)

/** 读数 from what a codec found; absent points are left out, unbelievable values are bad and keep their raw value. */
export function toReadings(profile: Profile, fields: Fields, at: Instant): Reading[] {
  const readings: Reading[] = []
  for (const point of profile.points) {
    const found = point.convert(walk(fields, point.path))
    if (!found) continue
    const reading = toReading(point.quantity, point.part, found.value, at, found.atLimit)
    readings.push(point.lastsMs === undefined ? reading : { ...reading, lastsMs: point.lastsMs })
  }
  return readings
}

function walk(fields: Fields, path: readonly string[]): unknown {
  let at: unknown = fields
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key] // an object, by the line above
  }
  return at
}
