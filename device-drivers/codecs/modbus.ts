import type { Register } from '../../gateway/profile-file.ts'
import type { CompiledPoint, Profile } from '../../gateway/profile.ts'
import type { ReadRequest } from '../../wire/modbus.ts'

/** One read request and the points that its reply holds. */
export interface ReadPart {
  readonly request: ReadRequest
  readonly points: readonly RegisterPoint[]
}

interface RegisterPoint {
  readonly key: string
  /** Where its bytes begin in the reply; of coils and inputs, which bit it is. */
  readonly offset: number
  read(data: Uint8Array, offset: number): number | boolean
}

/** Reading a few registers that nobody asked for is cheaper than one more request. */
const LARGEST_HOLE = 8

/** The fewest requests that read every register of a profile, none larger than its batch. */
export function readParts(profile: Pick<Profile, 'points' | 'batch'>): readonly ReadPart[] {
  const wanted = profile.points
    .flatMap(({ register }) =>
      register ? [{ fn: register.function ?? 3, from: register.register, to: endOf(register) }] : [],
    )
    .sort((a, b) => a.fn - b.fn || a.from - b.from)
  const requests: ReadRequest[] = []
  for (const { fn, from, to } of wanted) {
    const last = requests.at(-1)
    const fits =
      last?.function === fn &&
      from - (last.address + last.count) <= LARGEST_HOLE &&
      to - last.address <= (fn <= 2 ? 16 * profile.batch : profile.batch)
    if (last && fits)
      requests[requests.length - 1] = { ...last, count: Math.max(last.count, to - last.address) }
    else requests.push({ function: fn, address: from, count: to - from })
  }
  return requests.map((request) => partOf(profile.points, request))
}

/** The points that lie wholly within one request. */
export function partOf(points: readonly CompiledPoint[], request: ReadRequest): ReadPart {
  const within = points.flatMap(({ key, register }): RegisterPoint[] => {
    if (!register || (register.function ?? 3) !== request.function) return []
    if (register.register < request.address || endOf(register) > request.address + request.count) return []
    const from = register.register - request.address
    return [{ key, offset: register.type === 'bit' ? from : 2 * from, read: reader(register) }]
  })
  return { request, points: within }
}

/** Adds the raw values of a reply's registers to `fields`, by the points' keys. */
export function decodeRegisters(part: ReadPart, data: Uint8Array, fields: Record<string, unknown>): void {
  for (const point of part.points) fields[point.key] = point.read(data, point.offset)
}

const isWide = ({ type }: Register): boolean => type === 'u32' || type === 'i32' || type === 'f32'

const endOf = (register: Register): number => register.register + (isWide(register) ? 2 : 1)

const u16 = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0)
const u16Swapped = (data: Uint8Array, at: number): number => ((data[at + 1] ?? 0) << 8) | (data[at] ?? 0)

/** One function a register, made once: polling decides nothing any more. */
function reader(register: Register): RegisterPoint['read'] {
  const { bit, type, byteOrder = 'ABCD' } = register
  const word = byteOrder === 'BADC' || byteOrder === 'DCBA' ? u16Swapped : u16
  const [high, low] = byteOrder === 'CDAB' || byteOrder === 'DCBA' ? [2, 0] : [0, 2]
  if (bit !== undefined) return (data, at) => ((word(data, at) >> bit) & 1) === 1
  switch (type) {
    case 'bit':
      return (data, at) => (((data[at >> 3] ?? 0) >> (at & 7)) & 1) === 1
    case 'u16':
      return word
    case 'i16':
      return (data, at) => (word(data, at) << 16) >> 16
    case 'u32':
      return (data, at) => word(data, at + high) * 65_536 + word(data, at + low)
    case 'i32':
      return (data, at) => (word(data, at + high) << 16) | word(data, at + low)
    case 'f32':
      return (data, at) => {
        scratch.setUint16(0, word(data, at + high))
        scratch.setUint16(2, word(data, at + low))
        // 7 digits are all that 32 bits hold: 230.1 and not 230.10000610351562.
        return Number(scratch.getFloat32(0).toPrecision(7))
      }
  }
}

/** Written and read within one call. */
const scratch = new DataView(new ArrayBuffer(4))
