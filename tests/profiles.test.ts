import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { readYaml } from '../base/yaml.ts'
import { decodeDny } from '../device-drivers/codecs/dny.ts'
import { decodeGb26875 } from '../device-drivers/codecs/gb26875.ts'
import { decodeJuy } from '../device-drivers/codecs/juy.ts'
import { mqttCodec } from '../device-drivers/codecs/by-name.ts'
import { decodeItem, itemParts } from '../device-drivers/codecs/dlt645.ts'
import { decodeRegisters, partOf, readParts } from '../device-drivers/codecs/modbus.ts'
import type { Fields } from '../gateway/ports.ts'
import { compileProfile, ProfileFile, toReadings, type Profile } from '../gateway/profile.ts'
import { quantityOf } from '../gateway/quantity.ts'
import type { Reading } from '../gateway/reading.ts'
import { Dlt645Parser, decodeItemReply } from '../wire/dlt645.ts'
import { DnyParser } from '../wire/dny.ts'
import { GbParser } from '../wire/gb26875.ts'
import { JuyParser } from '../wire/juy.ts'
import { decodeReply, decodeRequest, decodeRtu } from '../wire/modbus.ts'

const folder = new URL('../device-drivers/profiles/', import.meta.url)
const ids = readdirSync(folder).map((name) => name.replace(/\.yaml$/, ''))
const at = instant(Date.parse('2026-03-02T00:00:00Z'))
const frameCodecs = ['modbus', 'dlt645', 'dny', 'juy', 'gb26875', 'rtsp']

function load(id: string): Profile {
  const { profile, complaints } = compileProfile(
    id,
    readYaml(new URL(`${id}.yaml`, folder).pathname, ProfileFile).value,
  )
  assert.deepEqual(complaints, [])
  return profile
}

/** From a payload to fields, by the codec that the running gateway uses. */
async function fieldsOf(profile: Profile, bytes: Buffer): Promise<Fields> {
  if (profile.codec === 'dny') {
    const event = new DnyParser().push(bytes)[0]
    assert.ok(event?.kind === 'frame', 'a whole frame')
    return decodeDny(event).fields
  }
  if (profile.codec === 'juy') {
    const event = new JuyParser().push(bytes)[0]
    assert.ok(event?.kind === 'frame', 'a whole frame')
    return decodeJuy(event).fields
  }
  if (profile.codec === 'gb26875') {
    const event = new GbParser().push(bytes)[0]
    assert.ok(event?.kind === 'frame', 'a whole frame')
    // All that the frame says, of whichever component: an example is of devices of one profile.
    return Object.assign({}, ...decodeGb26875(event.data).said.map(({ fields }) => fields)) as Fields
  }
  if (profile.codec === 'modbus') return registersOf(profile, bytes)
  if (profile.codec === 'dlt645') return itemsOf(profile, bytes)
  const codec = await mqttCodec(profile.codec)
  const decoded = codec.decode([profile.codec === 'json' ? 'up' : 'a device'], bytes)
  assert.ok(decoded.is === 'message')
  return decoded.fields
}

/** A request of 8 bytes and the reply to it, as they stand on a serial line. */
function registersOf(profile: Profile, bytes: Buffer): Fields {
  const [asked, told] = [decodeRtu(bytes.subarray(0, 8)), decodeRtu(bytes.subarray(8))]
  assert.ok(asked && told, 'two frames whose sums are right')
  assert.equal(told.unit, asked.unit)
  const request = decodeRequest(asked.pdu)
  assert.ok(request.is === 'read')
  const reply = decodeReply(told.pdu, request.request)
  assert.ok(reply.is === 'data')
  const fields: Record<string, unknown> = {}
  decodeRegisters(partOf(profile.points, request.request), reply.data, fields)
  return fields
}

/** A meter's replies, one behind the other; an item has as many points as its profile reads from it. */
function itemsOf(profile: Profile, bytes: Buffer): Fields {
  const fields: Record<string, unknown> = {}
  for (const event of new Dlt645Parser().push(bytes)) {
    assert.ok(event.kind === 'frame', 'whole frames')
    const item = Buffer.from(event.data.subarray(0, 4)).reverse().toString('hex').toUpperCase()
    const part = itemParts(profile).find((one) => one.item === item)
    assert.ok(part, `no point of ${item}`)
    const reply = decodeItemReply(event, { address: event.address, item })
    assert.ok(reply.is === 'data')
    decodeItem(part, reply.data, fields)
  }
  return fields
}

const named = (readings: readonly Reading[]): Record<string, unknown> =>
  Object.fromEntries(
    readings.map(({ part, quantity, quality, value }) => [
      part === '' ? quantity : `${part}/${quantity}`,
      quality === 'bad' ? 'bad' : value,
    ]),
  )

test('there are profiles, and each has an example', () => {
  assert.ok(ids.length >= 8, `saw ${ids.length}`)
  for (const id of ids) {
    const { points, examples } = load(id)
    assert.ok(points.length === 0 || examples.length > 0, id)
  }
})

for (const id of ids) {
  const profile = load(id)
  for (const [index, example] of profile.examples.entries()) {
    test(`${id}: example ${index + 1} gives exactly its readings`, async () => {
      const bytes =
        example.hex === undefined
          ? Buffer.from(JSON.stringify(example.payload))
          : Buffer.from(example.hex.replaceAll(' ', ''), 'hex')
      const before = Buffer.from(bytes)
      const fields = await fieldsOf(profile, bytes)
      const copy = structuredClone(fields)
      assert.deepEqual(named(toReadings(profile, fields, at)), example.gives)
      assert.deepEqual(bytes, before, 'the payload is left as it was')
      assert.deepEqual(fields, copy, 'the fields are left as they were')
    })
  }
}

function assertSane(readings: readonly Reading[]): void {
  for (const { quantity, value, quality } of readings) {
    if (quality === 'bad') continue
    const { kind, min, max } = quantityOf(quantity)
    assert.equal(typeof value, kind === 'text' ? 'string' : kind)
    if (typeof value === 'number') assert.ok(value >= (min ?? -Infinity) && value <= (max ?? Infinity))
  }
}

for (const id of ids.filter((id) => !frameCodecs.includes(load(id).codec))) {
  test(`${id}: whatever JSON comes, readings are in range or marked bad, or the payload is refused`, async () => {
    const profile = load(id)
    const keys = profile.points.map(({ path }) => path[0] ?? '')
    const key = fc.oneof(
      fc.constantFrom(...keys, '__proto__', 'constructor', 'id', 'time', 'last_seen'),
      fc.string(),
    )
    const codec = await mqttCodec(profile.codec)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.dictionary(key, fc.jsonValue()).map((value) => JSON.stringify(value)),
          fc.json(),
          fc.string(),
        ),
        (text) => {
          try {
            const decoded = codec.decode(['up'], Buffer.from(text))
            assert.ok(decoded.is === 'message')
            assertSane(toReadings(profile, decoded.fields, at))
          } catch (error) {
            if (!isGanglionError(error, 'payload-invalid')) throw error
          }
        },
      ),
    )
  })
}

for (const id of ids.filter((id) => load(id).codec === 'dny')) {
  test(`${id}: whatever a frame holds, readings are in range or marked bad`, () => {
    const profile = load(id)
    const commands = fc.constantFrom(0x03, 0x06, 0x17, 0x20, 0x21, 0x42, 0x99)
    fc.assert(
      fc.property(commands, fc.uint8Array({ maxLength: 242 }), (command, data) =>
        assertSane(toReadings(profile, decodeDny({ command, data }).fields, at)),
      ),
    )
  })
}

for (const id of ids.filter((id) => load(id).codec === 'juy')) {
  test(`${id}: whatever a frame holds, readings are in range or marked bad`, () => {
    const profile = load(id)
    const commands = fc.constantFrom(0x81, 0x82, 0x85, 0x86, 0x88, 0xc0, 0x99)
    fc.assert(
      fc.property(commands, fc.uint8Array({ maxLength: 400 }), (command, data) =>
        assertSane(toReadings(profile, decodeJuy({ command, data }).fields, at)),
      ),
    )
  })
}

for (const id of ids.filter((id) => load(id).codec === 'gb26875')) {
  test(`${id}: whatever a frame holds, readings are in range or marked bad`, () => {
    const profile = load(id)
    const units = fc
      .tuple(fc.constantFrom(1, 2, 3, 4, 21, 24, 99), fc.nat(3), fc.uint8Array({ maxLength: 140 }))
      .map(([type, count, rest]) => Uint8Array.from([type, count, ...rest]))
    fc.assert(
      fc.property(units, (data) => {
        for (const { fields } of decodeGb26875(data).said) assertSane(toReadings(profile, fields, at))
      }),
    )
  })
}

for (const id of ids.filter((id) => load(id).codec === 'modbus')) {
  test(`${id}: whatever the registers hold, readings are in range or marked bad`, () => {
    const profile = load(id)
    const parts = readParts(profile)
    assert.equal(parts.flatMap(({ points }) => points).length, profile.points.length)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 250, maxLength: 250 }), (data) => {
        const fields: Record<string, unknown> = {}
        for (const part of parts) decodeRegisters(part, data, fields)
        assertSane(toReadings(profile, fields, at))
      }),
    )
  })
}

for (const id of ids.filter((id) => load(id).codec === 'dlt645')) {
  test(`${id}: whatever a meter says, readings are in range or marked bad`, () => {
    const profile = load(id)
    const parts = itemParts(profile)
    assert.equal(parts.flatMap(({ points }) => points).length, profile.points.length)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (data) => {
        const fields: Record<string, unknown> = {}
        for (const part of parts) decodeItem(part, data, fields)
        const readings = toReadings(profile, fields, at)
        assert.equal(readings.length, profile.points.length, 'what is no number is a bad reading')
        assertSane(readings)
      }),
    )
  })
}

test('an alarm of a DNY station, which it never takes back, says how long it lasts', () => {
  for (const id of ids.filter((id) => load(id).codec === 'dny')) {
    for (const field of ['smoke', 'heat', 'water', 'door']) {
      const [reading, ...more] = toReadings(load(id), { [field]: true, voltage: 220 }, at)
      assert.equal(reading?.value, true)
      assert.ok((reading.lastsMs ?? 0) >= 600_000, `${id}: ${reading.quantity}`)
      assert.deepEqual(
        more.map((other) => 'lastsMs' in other),
        [false],
      )
    }
  }
})

test('smoke of a host that reports every half hour lasts from one report to the next', () => {
  const { points, reportsEvery } = load('dny-leakage-host')
  const smoke = points.find(({ quantity }) => quantity === 'smoke')
  assert.ok((smoke?.lastsMs ?? 0) > 2 * reportsEvery)
})

test('only what is true or false can end by itself', () => {
  const file = readYaml(new URL('dny-2.yaml', folder).pathname, ProfileFile).value
  const points = { voltage: { from: 'voltage', lasts: '10 min' } }
  assert.deepEqual(compileProfile('x', { ...file, points }).complaints, [
    { path: '/points/voltage/lasts', text: '"voltage" is not true or false' },
  ])
})

test('a leakage of one byte says at 250 that it can say no more', () => {
  const profile = load('dny-leakage-host')
  const [reading] = toReadings(profile, { leakage: 250 }, at)
  assert.equal(reading?.quality, 'at-limit')
  assert.equal(toReadings(profile, { leakage: 249 }, at)[0]?.quality, 'good')
})

test('a source that cannot be is refused, with its path', () => {
  const file = readYaml(new URL('arc-protector-5b.yaml', folder).pathname, ProfileFile).value
  const complaintOf = (from: ProfileFile['points'][string]['from']): string | undefined =>
    compileProfile('x', { ...file, points: { power: { from } } }).complaints[0]?.text
  assert.match(complaintOf({ register: 0, function: 2, type: 'u16' }) ?? '', /function 2 has the type bit/)
  assert.match(complaintOf({ register: 0, type: 'bit' }) ?? '', /function 3 has no type bit/)
  assert.match(complaintOf({ register: 0, type: 'u32', bit: 3 }) ?? '', /needs the type u16/)
  assert.match(complaintOf({ item: '0201{n}00', format: 'XX' }) ?? '', /wanted 8 hexadecimal digits/)
  assert.match(complaintOf({ item: '02010100', format: 'XX.X' }) ?? '', /two digits a byte/)
  assert.equal(complaintOf({ item: '02010100', format: 'XXX.X' }), undefined)
})
