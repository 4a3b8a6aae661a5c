import type { Value, Values } from './device.ts'

/** Where in its JSON a device says a quantity, as its profile's file tells. */
export interface PayloadPoint {
  readonly quantity: string
  readonly path: readonly string[]
  /** true: the payload says the opposite (`contact: true` is a closed door). */
  readonly isInverted: boolean
}

/** What a device at rest shows; a quantity that is not here is off. */
const atRest: Readonly<Record<string, Value>> = {
  battery: 97,
  linkQuality: 120,
  rssi: -61,
  temperature: 21.5,
  voltage: 228,
  current: 0,
  power: 0,
  energy: 12.41,
  residualCurrent: 35,
  cableTemperature: 31.5,
}

export const quietValues = (points: readonly PayloadPoint[]): Values =>
  Object.fromEntries(points.map(({ quantity }) => [quantity, atRest[quantity] ?? false]))

/** The payload of these values, nested as the device nests it. */
export function payloadOf(points: readonly PayloadPoint[], values: Values): Record<string, unknown> {
  const payload: Record<string, unknown> = {}
  for (const { quantity, path, isInverted } of points) {
    const value = values[quantity]
    if (value === undefined) continue
    place(payload, path, isInverted && typeof value === 'boolean' ? !value : value)
  }
  return payload
}

function place(payload: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) {
    payload[key] = value
    return
  }
  const inner = payload[key]
  const next = typeof inner === 'object' && inner !== null ? inner : {}
  payload[key] = next
  place(next as Record<string, unknown>, rest, value) // an object by the line above
}
