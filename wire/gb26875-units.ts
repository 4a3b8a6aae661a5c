import { decodeGb18030, encodeGb18030 } from './gb18030.ts'
import { GB_TIME_LENGTH, readGbTime, writeGbTime, type GbTime } from './gb26875-time.ts'

/**
 * 应用数据单元 of GB/T 26875.3-2011: type u8 | count u8 | so many objects. Each type is one line of the table
 * below; the fields stand in the order of the wire, low byte first.
 */

/** 部件地址: 区号 and 位号, two bytes each. The standard says four bytes; makers agree on these halves. */
export interface GbComponent {
  readonly zone: number
  readonly point: number
}

interface Field<T> {
  /** Undefined when the bytes end before it does. */
  read(bytes: Buffer, at: number): { readonly value: T; readonly size: number } | undefined
  write(value: T): Uint8Array
}

const fixed = <T>(
  size: number,
  read: (bytes: Buffer, at: number) => T,
  write: (value: T) => Uint8Array,
): Field<T> => ({
  read: (bytes, at) => (at + size > bytes.length ? undefined : { value: read(bytes, at), size }),
  write,
})

const u8 = fixed(
  1,
  (bytes, at) => bytes.readUInt8(at),
  (value: number) => Uint8Array.of(value),
)
const u16 = fixed(
  2,
  (bytes, at) => bytes.readUInt16LE(at),
  (value: number) => Uint8Array.of(value & 0xff, (value >> 8) & 0xff),
)
const i16 = fixed(
  2,
  (bytes, at) => bytes.readInt16LE(at),
  (value: number) => Uint8Array.of(value & 0xff, (value >> 8) & 0xff),
)
const time = fixed<GbTime>(GB_TIME_LENGTH, readGbTime, writeGbTime)
const component = fixed<GbComponent>(
  4,
  (bytes, at) => ({ zone: bytes.readUInt16LE(at), point: bytes.readUInt16LE(at + 2) }),
  ({ zone, point }) => Buffer.concat([u16.write(zone), u16.write(point)]),
)

const DESCRIPTION_LENGTH = 31
/** Padded with 00; makers pad with spaces too. */
const description = fixed<string>(
  DESCRIPTION_LENGTH,
  (bytes, at) => shown(bytes.subarray(at, at + DESCRIPTION_LENGTH)),
  (value) =>
    Buffer.concat([encodeGb18030(value, DESCRIPTION_LENGTH), Buffer.alloc(DESCRIPTION_LENGTH)]).subarray(
      0,
      DESCRIPTION_LENGTH,
    ),
)
/** One byte of length, then so many bytes of text. */
const text: Field<string> = {
  read(bytes, at) {
    const length = bytes[at]
    if (length === undefined || at + 1 + length > bytes.length) return undefined
    return { value: shown(bytes.subarray(at + 1, at + 1 + length)), size: 1 + length }
  },
  write(value) {
    const encoded = encodeGb18030(value, 255)
    return Buffer.concat([Uint8Array.of(encoded.length), encoded])
  },
}

function shown(bytes: Uint8Array): string {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0x20)) end--
  return decodeGb18030(bytes.subarray(0, end))
}

const system = { systemType: u8, system: u8 } as const
const part = { componentType: u8, component } as const

export const gbUnits = {
  // Up: what a device tells the centre.
  1: { ...system, state: u16, time },
  2: { ...system, ...part, state: u16, description, time },
  3: { ...system, ...part, analog: u8, value: i16, time },
  4: { ...system, operation: u8, operator: u8, time },
  5: { ...system, major: u8, minor: u8 },
  6: { ...system, text },
  7: { ...system, ...part, description },
  8: { ...system, time },
  21: { state: u8, time },
  24: { operation: u8, operator: u8, time },
  25: { major: u8, minor: u8 },
  26: { text },
  28: { time },
  // Down: what a centre asks, by the type of the answer + 60.
  61: system,
  62: { ...system, component },
  63: { ...system, component },
  64: { ...system, count: u8, from: time },
  65: system,
  66: system,
  67: { ...system, component },
  68: system,
  81: { reserved: u8 },
  84: { count: u8, from: time },
  85: { reserved: u8 },
  86: { reserved: u8 },
  88: { reserved: u8 },
  89: { reserved: u8 },
  /** 同步时钟 (figure 45). */
  90: { time },
  /** 查岗 (figure 46). */
  91: { answerWithinMinutes: u8 },
} as const

type ObjectOf<S> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never }

export type GbUnitType = keyof typeof gbUnits
export type GbObject<T extends GbUnitType> = ObjectOf<(typeof gbUnits)[T]>
export type GbUnit = {
  [T in GbUnitType]: { readonly type: T; readonly objects: readonly GbObject<T>[] }
}[GbUnitType]

export type GbDecoded =
  | { readonly is: 'unit'; readonly unit: GbUnit }
  /** No application data at all: a sign of life. */
  | { readonly is: 'empty' }
  /** Reserved or the maker's own. */
  | { readonly is: 'unknown'; readonly type: number }
  /** Length and count do not fit together. */
  | { readonly is: 'wrong'; readonly reason: string }

type Shape = Readonly<Record<string, Field<unknown>>>

/** Never throws. */
export function decodeGbUnit(data: Uint8Array): GbDecoded {
  const [type, count] = data
  if (type === undefined) return { is: 'empty' }
  if (count === undefined) return { is: 'wrong', reason: 'one byte is no application data unit' }
  if (!isUnitType(type)) return { is: 'unknown', type }
  const shape = gbUnits[type] as Shape // every line of the table is one
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const objects: Record<string, unknown>[] = []
  let at = 2
  for (let i = 0; i < count; i++) {
    const object: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(shape)) {
      const found = field.read(bytes, at)
      if (!found) return { is: 'wrong', reason: `type ${type} with ${count} objects in ${data.length} bytes` }
      object[name] = found.value
      at += found.size
    }
    objects.push(object)
  }
  if (at !== data.length)
    return { is: 'wrong', reason: `type ${type} with ${count} objects in ${data.length} bytes` }
  // The fields were read by the shape that the type is made of.
  return { is: 'unit', unit: { type, objects } as unknown as GbUnit }
}

/** @throws RangeError for more than 255 objects; a frame refuses what is longer than 1,024 bytes. */
export function encodeGbUnit({ type, objects }: GbUnit): Buffer {
  if (objects.length > 255) throw new RangeError(`a unit holds 255 objects; wanted ${objects.length}`)
  const shape = Object.entries(gbUnits[type]) as [string, Field<unknown>][] // every line of the table is one
  const parts = objects.flatMap((object) =>
    // The object's type is made of the same shape.
    shape.map(([name, field]) => field.write((object as Readonly<Record<string, unknown>>)[name])),
  )
  return Buffer.concat([Uint8Array.of(type, objects.length), ...parts])
}

const isUnitType = (type: number): type is GbUnitType => Object.hasOwn(gbUnits, type)
