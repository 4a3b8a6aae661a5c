import type { MeterItem } from '../../gateway/profile-file.ts'
import type { CompiledPoint, Profile } from '../../gateway/profile.ts'
import { decodeBcd } from '../../wire/dlt645.ts'

/** One item that a meter is asked for, and the points that are read from it. */
export interface ItemPart {
  readonly item: string
  readonly points: readonly ItemPoint[]
}

interface ItemPoint {
  readonly key: string
  readonly bytes: number
  read(data: Uint8Array): number | undefined
}

/** Each item of a profile once. */
export function itemParts(profile: Pick<Profile, 'points'>): readonly ItemPart[] {
  const wanted = profile.points.flatMap(({ key, item }) => (item ? [{ key, item }] : []))
  return [...Map.groupBy(wanted, ({ item }) => item.item)].map(([item, points]) => ({
    item,
    points: points.map(({ key, item }) => pointOf(key, item)),
  }))
}

/**
 * Adds an item's value to `fields`, by the points' keys. What is no number of that format keeps its bytes
 * as text, which makes a bad reading, and is the answer: worth counting, not worth losing the rest.
 */
export function decodeItem(
  { item, points }: ItemPart,
  data: Uint8Array,
  fields: Record<string, unknown>,
): string | undefined {
  let complaint: string | undefined
  for (const point of points) {
    const value = data.length === point.bytes ? point.read(data) : undefined
    const raw = Buffer.from(data).reverse().toString('hex').toUpperCase()
    fields[point.key] = value ?? raw
    if (value === undefined) complaint = `item ${item}: wanted ${2 * point.bytes} decimal digits, got ${raw}`
  }
  return complaint
}

function pointOf(key: CompiledPoint['key'], { format, signed = false }: MeterItem): ItemPoint {
  const [whole = '', decimals = ''] = format.split('.')
  const bcd = { decimals: decimals.length, isSigned: signed }
  return { key, bytes: (whole.length + decimals.length) / 2, read: (data) => decodeBcd(data, bcd) }
}
