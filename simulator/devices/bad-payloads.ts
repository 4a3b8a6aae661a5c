import type { FaultName } from '../faults.ts'
import type { Random } from '../random.ts'
import type { Values } from './device.ts'

/** The gateway takes messages up to 64 KiB. */
const OVERSIZED_BYTES = 80 * 1024

/** What a device with this fault sends beside its states; nothing for faults that are no payloads. */
export function badPayload(
  fault: FaultName,
  state: Readonly<Record<string, unknown>>,
  random: Random,
): Uint8Array | undefined {
  const text = JSON.stringify(state)
  switch (fault) {
    case 'malformed-json':
      return Buffer.from(text.slice(0, random.between(1, text.length - 1)))
    case 'wrong-types':
      return Buffer.from(JSON.stringify(wrongTypes(state)))
    case 'non-utf8':
      // C3 wants a second byte in 80…BF; 28 is none.
      return Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.of(0xc3, 0x28, 0xff), Buffer.from('}')])
    case 'oversized':
      return Buffer.from(JSON.stringify({ ...state, padding: 'x'.repeat(OVERSIZED_BYTES) }))
    case 'empty':
      return new Uint8Array(0)
    default:
      return undefined
  }
}

function wrongTypes(state: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [key, typeof value === 'boolean' ? 'perhaps' : [value]]),
  )
}

/** An alarm that a device says in the name of another. */
export const foreignAlarm = (values: Values): string =>
  JSON.stringify({ ...values, smoke: true, beamBlocked: true })
