import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { join } from 'node:path'
import { instant } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { checkProfile } from '../commands/profile-check.ts'
import { shippedProfiles } from '../commands/rooms.ts'
import { bytesOf, fieldsOf, frameCodecs } from '../device-drivers/example-fields.ts'
import { said, tryExamples } from '../device-drivers/example-trial.ts'
import { itemParts } from '../device-drivers/codecs/dlt645.ts'
import { readParts } from '../device-drivers/codecs/modbus.ts'
import { idsIn, readProfile } from '../gateway/profile-shelf.ts'
import { Point, ProfileFile } from '../gateway/profile-file.ts'
import { toReadings, type CompiledPoint, type Profile } from '../gateway/profile.ts'
import { quantityIds, quantityOf } from '../gateway/quantity.ts'
import type { Reading } from '../gateway/reading.ts'
import { seededRandom } from '../simulator/random.ts'
import { crc16 } from '../wire/modbus.ts'
import { tempFolder } from './fixtures.ts'
import { oddPayloads } from './odd-payloads.ts'

/** The conformance suite: every profile that ships, in each of its variants. */
const profiles: readonly Profile[] = idsIn(shippedProfiles).flatMap((id) => [
  ...readProfile(id, join(shippedProfiles, `${id}.yaml`)).values(),
])
const at = instant(Date.parse('2026-03-02T00:00:00Z'))
const PAYLOADS_EACH = 10_000

const nameOf = ({ id, variant }: Profile): string => (variant === undefined ? id : `${id} ${variant}`)

function load(id: string): Profile {
  const profile = profiles.find((one) => one.id === id)
  assert.ok(profile, id)
  return profile
}

const withPoints = profiles.filter(({ points, codec }) => points.length > 0 && codec !== 'rtsp')

test('there are profiles, and each has an example', (t) => {
  assert.ok(profiles.length >= 60, `saw ${profiles.length}`)
  for (const profile of withPoints) assert.ok(profile.examples.length > 0, nameOf(profile))
  const files = new Set(profiles.map(({ id }) => id)).size
  const points = profiles.flatMap((profile) => profile.points).length
  const examples = profiles.flatMap((profile) => profile.examples).length
  t.diagnostic(
    `${files} profiles, ${profiles.length} with their variants, ${points} points, ${examples} examples`,
  )
})

test('every example gives exactly its readings, and payload and fields are left as they were', async (t) => {
  let count = 0
  for (const profile of profiles) {
    for (const { example, readings, complaints } of await tryExamples(profile)) {
      assert.deepEqual(complaints, [], nameOf(profile))
      assert.deepEqual(Object.fromEntries(said(readings)), example.gives)
      const given = bytesOf(example)
      const before = Buffer.from(given.bytes)
      const fields = (await fieldsOf(profile))(given)
      const copy = structuredClone(fields)
      toReadings(profile, fields, at)
      assert.deepEqual(Buffer.from(given.bytes), before, `${nameOf(profile)} ${example.path}`)
      assert.deepEqual(fields, copy, `${nameOf(profile)} ${example.path}`)
      count++
    }
  }
  assert.ok(count >= 100, `saw ${count}`)
  t.diagnostic(`${count} examples decoded as they say`)
})

/** In range and of its kind, or marked bad. */
function assertBelievable(profile: Profile, ranges: Ranges, reading: Reading): void {
  const { quantity, part, value, quality } = reading
  if (quality === 'bad') return
  const { kind, min, max } = quantityOf(quantity)
  if (typeof value !== (kind === 'text' ? 'string' : kind))
    assert.fail(`${nameOf(profile)}: ${quantity} ${String(value)}`)
  if (typeof value !== 'number') return
  const [low, high] = ranges.get(`${part}/${quantity}`) ?? [-Infinity, Infinity]
  const isInside = value >= Math.max(low, min ?? -Infinity) && value <= Math.min(high, max ?? Infinity)
  if (!isInside) assert.fail(`${nameOf(profile)}: ${quantity} ${value}`)
}

type Ranges = ReadonlyMap<string, CompiledPoint['range']>

for (const profile of withPoints) {
  test(`${nameOf(profile)}: ${PAYLOADS_EACH} odd payloads each give readings in range, bad ones or a typed error`, async (t) => {
    const random = seededRandom(26_875).fork(nameOf(profile))
    const odd = oddPayloads(profile)
    const decode = await fieldsOf(profile)
    const ranges: Ranges = new Map(
      profile.points.map((point) => [`${point.part}/${point.quantity}`, point.range]),
    )
    const seen = { good: 0, bad: 0, refused: 0 }
    for (let left = PAYLOADS_EACH; left > 0; left--) {
      const payload = odd(random)
      const before = Buffer.from(payload.bytes)
      try {
        for (const reading of toReadings(profile, decode(payload), at)) {
          assertBelievable(profile, ranges, reading)
          seen[reading.quality === 'bad' ? 'bad' : 'good']++
        }
      } catch (error) {
        const isTyped = isGanglionError(error, 'payload-invalid') || isGanglionError(error, 'frame-invalid')
        if (!isTyped) throw error
        seen.refused++
      }
      if (!before.equals(payload.bytes)) assert.fail(`${nameOf(profile)}: a payload was changed by decoding`)
    }
    assert.ok(seen.good > 0 && seen.refused > 0, 'the payloads reach the points, and some are none')
    t.diagnostic(`${seen.good} readings in range, ${seen.bad} bad, ${seen.refused} payloads refused`)
  })
}

test('a register or item of every point is asked for', () => {
  for (const profile of profiles) {
    if (profile.codec === 'modbus')
      assert.equal(readParts(profile).flatMap(({ points }) => points).length, profile.points.length)
    if (profile.codec === 'dlt645')
      assert.equal(itemParts(profile).flatMap(({ points }) => points).length, profile.points.length)
  }
})

test('what runs on a battery says so, and is given time to check in', () => {
  const cells = ['battery', 'batteryLow', 'batteryVoltage'] as const
  for (const profile of profiles) {
    const hasCells = profile.points.some(({ quantity }) => cells.some((one) => one === quantity))
    const isNode = profile.codec === 'json' // a generic node may be wired and still watch its backup cell
    if (profile.points.some(({ quantity }) => quantity === 'battery') && !isNode)
      assert.equal(profile.power, 'battery', nameOf(profile))
    if (profile.power === 'battery') assert.ok(profile.silentAfter >= 50 * 60_000, nameOf(profile))
    if (hasCells) assert.ok(!profile.availability.canBeAsked, `${nameOf(profile)} sleeps`)
  }
})

test('what is polled can be asked, and what speaks by itself cannot', () => {
  const polled = profiles.filter(({ codec }) => codec === 'modbus' || codec === 'dlt645')
  assert.ok(polled.length > 10)
  for (const profile of polled) assert.equal(profile.availability.canBeAsked, true, nameOf(profile))
  for (const id of ['heiman-hs1sa', 'dny-station', 'gb-uitd'])
    assert.equal(load(id).availability.canBeAsked, false)
})

/** What the shed, the street and the stairwell buy, by what it is. */
const shelves: Readonly<Record<string, readonly string[]>> = {
  'smoke and heat alarms without wires': [
    'heiman-hs1sa',
    'xiaomi-jtyj-gd-01lm-bw',
    'aqara-jy-gz-01aq',
    'tuya-ts0205',
    'tuya-pa-44z',
    'develco-smszb-120',
    'develco-heszb-120',
    'milesight-gs524n',
    'netvox-ra02a',
  ],
  'carbon monoxide and gas': [
    'heiman-hs1ca-m',
    'netvox-ra02c',
    'heiman-hs1cg-m',
    'aqara-jt-bz-01aq',
    'milesight-gs101',
  ],
  'motion, beam, door, vibration, water': [
    'aqara-rtcgq11lm',
    'ir-beam',
    'aqara-mccgq11lm',
    'aqara-djt11lm',
    'aqara-sjcgq11lm',
  ],
  'plugs and breakers': [
    'tuya-ts011f-plug',
    'tongou-to-q-sy2',
    'tasmota-plug',
    'tasmota-plug-2',
    'milesight-ws52x',
  ],
  'door controllers': ['waveshare-door', 'juying-door'],
}

for (const [shelf, ids] of Object.entries(shelves)) {
  test(`${shelf}: all of them ship`, () => {
    for (const id of ids) assert.ok(load(id).points.length > 0)
  })
}

test('the three maps of one breaker read one reply differently, and a wrong one shows', async () => {
  const variants = profiles.filter(({ id }) => id === 'lx47le-125')
  assert.deepEqual(
    variants.map(({ variant }) => variant),
    ['a', 'b', 'c'],
  )
  const hex = '01 04 00 04 00 05 71 C8 01 04 0A 01 F4 00 12 00 44 00 4A 00 E4'
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const frame = Buffer.concat([bytes, crcOf(bytes.subarray(8))])
  const seen = await Promise.all(
    variants.map(async (profile) =>
      Object.fromEntries(
        said(toReadings(profile, (await fieldsOf(profile))({ bytes: frame, topic: [] }), at)),
      ),
    ),
  )
  assert.deepEqual(seen, [
    {
      residualCurrent: 18,
      frequency: 50,
      'neutral/cableTemperature': 28,
      cableTemperature: 34,
      voltage: 228,
    },
    {
      residualCurrent: 18,
      frequency: 'bad',
      'neutral/cableTemperature': 68,
      cableTemperature: 74,
      voltage: 228,
    },
    { residualCurrent: 18, frequency: 50, 'neutral/cableTemperature': 28, voltage: 'bad', current: 2.28 },
  ])
})

test('an alarm of a DNY station, which it never takes back, says how long it lasts', () => {
  for (const profile of profiles.filter(({ codec }) => codec === 'dny')) {
    for (const field of ['smoke', 'heat', 'water', 'door']) {
      const [reading, ...more] = toReadings(profile, { [field]: true, voltage: 220 }, at)
      assert.equal(reading?.value, true)
      assert.ok((reading.lastsMs ?? 0) >= 600_000, `${profile.id}: ${reading.quantity}`)
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

test('a leakage of one byte says at 250 that it can say no more', () => {
  const profile = load('dny-leakage-host')
  const [reading] = toReadings(profile, { leakage: 250 }, at)
  assert.equal(reading?.quality, 'at-limit')
  assert.equal(toReadings(profile, { leakage: 249 }, at)[0]?.quality, 'good')
})

test('a typical Modbus meter is one file of at most 30 lines', () => {
  for (const id of ['eastron-sdm120', 'chint-ddsu666', 'hiking-dds238', 'peacefair-pzem-016']) {
    const lines = readFileSync(join(shippedProfiles, `${id}.yaml`), 'utf8')
      .trimEnd()
      .split('\n')
    assert.ok(lines.length <= 30, `${id} has ${lines.length}`)
  }
})

test('the profiles that the page on profiles shows are right, and its meter has at most 30 lines', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../docs/devices/profiles.md'), 'utf8')
  const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => text)
  assert.equal(blocks.length, 2)
  assert.ok((blocks[0] ?? '').trimEnd().split('\n').length <= 30)
  const folder = tempFolder(t)
  for (const [index, text] of blocks.entries()) {
    const file = join(folder, `shown-${index}.yaml`)
    writeFileSync(file, text)
    assert.deepEqual((await checkProfile(file)).mistakes, [])
  }
})

test('every key of a profile, a point and an example stands on its page', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/devices/profiles.md'), 'utf8')
  const keys = [ProfileFile, Point, ProfileFile.properties.examples.items].flatMap(({ properties }) =>
    Object.keys(properties),
  )
  assert.ok(keys.length > 30)
  for (const key of keys) assert.ok(page.includes(`\`${key}\``), key)
})

test('frame codecs and quantities are spoken of by the names that profiles use', () => {
  for (const codec of frameCodecs)
    assert.ok(
      profiles.some((profile) => profile.codec === codec),
      codec,
    )
  for (const quantity of quantityIds) {
    const { en, zh } = quantityOf(quantity)
    assert.ok(en !== '' && /[\u4e00-\u9fff]/.test(zh), quantity)
  }
})

function crcOf(frame: Uint8Array): Buffer {
  const crc = Buffer.alloc(2)
  crc.writeUInt16LE(crc16(frame))
  return crc
}
