import type { Instant } from '../../base/clock.ts'
import { toReadings, type CompiledPoint, type Profile } from '../../gateway/profile.ts'
import { quantityOf } from '../../gateway/quantity.ts'
import type { ReadRequest } from '../../wire/modbus.ts'
import { decodeRegisters, readParts } from '../codecs/modbus.ts'

/** A profile whose registers a unit has, all with values that can be believed. */
export interface Match {
  readonly profile: Profile
  /** How much the values prove: each that could have been out of range and is not. */
  readonly bits: number
  readonly shown: readonly string[]
}

/** So much of what a profile says may be out of range: one sensor that is not wired. */
const MOST_BAD = 0.1
const MOST_SHOWN = 3
const ZERO_BITS = -1

/** Does the unit speak this map? Undefined where it has not the registers, or its values make no sense. */
export async function matchProfile(
  profile: Profile,
  ask: (request: ReadRequest) => Promise<Uint8Array | undefined>,
  now: Instant,
): Promise<Match | undefined> {
  const fields: Record<string, unknown> = {}
  const parts = readParts(profile)
  for (const part of parts) {
    const data = await ask(part.request)
    if (!data) return undefined
    decodeRegisters(part, data, fields)
  }
  const readings = toReadings(profile, fields, now)
  const bad = readings.filter(({ quality }) => quality === 'bad').length
  if (parts.length === 0 || readings.length === 0 || bad > MOST_BAD * readings.length) return undefined
  const believed = readings.filter(({ quality }) => quality !== 'bad')
  const bits = believed.reduce((sum, { part, quantity }) => {
    const point = profile.points.find((one) => one.quantity === quantity && one.part === part)
    return sum + (point ? proofOf(point, fields[point.key]) : 0)
  }, 0)
  const shown = believed.slice(0, MOST_SHOWN).map(({ part, quantity, value }) => {
    const name = part === '' ? quantity : `${part}/${quantity}`
    return `${name} ${String(value)} ${quantityOf(quantity).unit}`.trim()
  })
  return { profile, bits, shown }
}

/** In bits: how many raw values of the register would have been unbelievable, for each that is believed. */
function proofOf({ convert, quantity, range, register }: CompiledPoint, raw: unknown): number {
  // What is not there reads as zero as well.
  if (raw === 0) return ZERO_BITS
  const { min = -Infinity, max = Infinity } = quantityOf(quantity)
  const [low, high] = [Math.max(min, range?.[0] ?? -Infinity), Math.min(max, range?.[1] ?? Infinity)]
  const at = (raw: number): number => Number(convert(raw)?.value)
  const perRaw = Math.abs(at(2) - at(1))
  if (!register || register.bit !== undefined || register.type === 'bit' || !(perRaw > 0)) return 0
  const all = register.type.endsWith('32') ? 2 ** 32 : 2 ** 16
  const allowed = Math.min(all, (high - low) / perRaw + 1)
  return Math.log2(all / allowed)
}
