import { bytesOf, type ExampleBytes } from '../device-drivers/example-fields.ts'
import { itemParts } from '../device-drivers/codecs/dlt645.ts'
import { readParts } from '../device-drivers/codecs/modbus.ts'
import type { Profile } from '../gateway/profile.ts'
import type { Random } from '../simulator/random.ts'
import { encodeDlt645 } from '../wire/dlt645.ts'
import { DnyParser, encodeDny } from '../wire/dny.ts'
import { encodeGb26875, GbParser } from '../wire/gb26875.ts'
import { encodeJuy, JuyParser } from '../wire/juy.ts'
import { encodeReadRequest, encodeRtu } from '../wire/modbus.ts'

/** What a device of one profile might send on a bad day, one after another. */
export type Odd = (random: Random) => ExampleBytes

/**
 * Mutations of a profile's examples: bytes flipped, cut and added; of frames with length and sum put right again, so
 * that they reach the codec; of JSON by value and key too.
 */
export function oddPayloads(profile: Profile): Odd {
  const examples = profile.examples.map(bytesOf)
  const example = (random: Random): ExampleBytes =>
    examples[random.between(0, examples.length - 1)] ?? { bytes: Buffer.from('{}'), topic: ['up'] }
  const raw: Odd = (random) => {
    const { bytes, topic } = example(random)
    return { topic, bytes: damaged(bytes, random) }
  }
  const mended = mendedOf(profile)
  if (mended) return (random) => (random.next() < 0.2 ? raw(random) : mended(random, example(random)))
  const values = profile.examples.flatMap(({ payload }) => (payload === undefined ? [] : [payload]))
  const ofBytes = values.length === 0 ? 0.9 : 0.15
  return (random) => {
    const kind = random.next()
    if (kind < 0.02) return example(random)
    if (kind < ofBytes) return raw(random)
    const { topic } = example(random)
    if (kind < ofBytes + 0.05) return { topic, bytes: Buffer.from(random.bytes(random.between(0, 40))) }
    const value = values[random.between(0, values.length - 1)] ?? {}
    return { topic, bytes: Buffer.from(JSON.stringify(changed(value, random, 0)), 'utf8') }
  }
}

type Mended = (random: Random, example: ExampleBytes) => ExampleBytes

function mendedOf(profile: Profile): Mended | undefined {
  switch (profile.codec) {
    case 'modbus': {
      const requests = readParts(profile).map(({ request }) => request)
      return (random) => {
        const request = requests[random.between(0, requests.length - 1)] ?? requests[0]
        if (!request) return { topic: [], bytes: Buffer.alloc(0) }
        const count = request.function <= 2 ? Math.ceil(request.count / 8) : 2 * request.count
        const pdu = Buffer.from([request.function, count, ...words(count, random)])
        const bytes = Buffer.concat([encodeRtu(1, encodeReadRequest(request)), encodeRtu(1, pdu)])
        return { topic: [], bytes }
      }
    }
    case 'dlt645': {
      const items = itemParts(profile).map(({ item }) => Buffer.from(item, 'hex').reverse())
      return (random) => {
        const item = items[random.between(0, items.length - 1)] ?? Buffer.alloc(4)
        const data = Buffer.concat([item, random.bytes(random.between(0, 8))])
        return { topic: [], bytes: encodeDlt645({ address: '000012345678', control: 0x91, data }) }
      }
    }
    case 'dny':
      return (random, { bytes }) => {
        const frame = new DnyParser().push(Buffer.from(bytes)).find((event) => event.kind === 'frame')
        const command = pick(random, [0x03, 0x06, 0x17, 0x20, 0x21, 0x42, frame?.command ?? 0])
        const data = damaged(frame?.data ?? Buffer.alloc(0), random).subarray(0, 242)
        return { topic: [], bytes: encodeDny({ physId: 0x04ab373b, messageId: 1, command, data }) }
      }
    case 'juy':
      return (random, { bytes }) => {
        const frame = new JuyParser().push(Buffer.from(bytes)).find((event) => event.kind === 'frame')
        const command = pick(random, [0x81, 0x82, 0x85, 0x86, 0x88, 0xc0, frame?.command ?? 0])
        const data = damaged(frame?.data ?? Buffer.alloc(0), random).subarray(0, 1000)
        return { topic: [], bytes: encodeJuy({ command, result: 0, data }) }
      }
    case 'gb26875':
      return (random, { bytes }) => {
        const frame = new GbParser().push(Buffer.from(bytes)).find((event) => event.kind === 'frame')
        if (!frame) throw new Error('an example is a whole frame')
        const data = Buffer.from(damaged(frame.data, random).subarray(0, 1000))
        if (data.length > 0) data[0] = pick(random, [1, 2, 3, 4, 21, 24, 99, data[0] ?? 0])
        return { topic: [], bytes: encodeGb26875({ ...frame, data }) }
      }
    default:
      return undefined
  }
}

/** Bytes flipped, cut off and put in. */
function damaged(bytes: Uint8Array, random: Random): Buffer {
  const copy = Buffer.from(bytes)
  for (let left = random.between(1, 4); left > 0 && copy.length > 0; left--)
    copy[random.between(0, copy.length - 1)] = pick(random, [0, 0xff, 0x7f, 0x80, random.between(0, 255)])
  const cut = random.next()
  if (cut < 0.25) return copy.subarray(0, random.between(0, copy.length))
  if (cut < 0.5) return Buffer.concat([copy, random.bytes(random.between(0, 60))])
  return copy
}

/** Registers at the edges of their types as often as in between. */
const words = (count: number, random: Random): Uint8Array => {
  const bytes = random.bytes(count)
  const edge = pick(random, [undefined, [0, 0], [0xff, 0xff], [0x7f, 0xff], [0x80, 0], [0x7f, 0xc0]])
  if (edge)
    for (let i = 2 * random.between(0, count >> 1); i < count; i += pick(random, [2, 4]))
      bytes.set(edge.slice(0, count - i), i)
  return bytes
}

const oddValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.1,
  1e9,
  -1e9,
  1e308,
  2 ** 53,
  '',
  'ON',
  'yes',
  'bad',
  '228.4',
  'x'.repeat(70),
  [],
  [[1]],
  {},
  { toString: 1 },
]
const oddKeys = ['__proto__', 'constructor', 'toString', 'id', 'time', 'last_seen', '0', 'x'] as const

/** The same value with some of its parts replaced, left out or new. */
function changed(value: unknown, random: Random, depth: number): unknown {
  if (random.next() < (depth === 0 ? 0.02 : 0.3)) return pick(random, oddValues)
  if (Array.isArray(value)) {
    const items = (value as unknown[]).map((item) => changed(item, random, depth + 1))
    return random.next() < 0.1 ? [...items, ...items] : items
  }
  if (typeof value !== 'object' || value === null)
    return typeof value === 'number' && random.next() < 0.3
      ? value * pick(random, [-1, 10, 1000, 0.001])
      : value
  const entries = Object.entries(value).flatMap(([key, inner]) =>
    random.next() < 0.1 ? [] : [[key, changed(inner, random, depth + 1)] as const],
  )
  if (random.next() < 0.1) entries.push([pick(random, oddKeys), pick(random, oddValues)])
  return Object.fromEntries(entries)
}

function pick<T>(random: Random, from: readonly T[]): T {
  const one = from[random.between(0, from.length - 1)]
  return one as T // the list is not empty
}
