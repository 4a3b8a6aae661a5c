import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import type { ProfileFile } from './profile-file.ts'
import { compileProfile, toReadings, variantsOf, type Profile } from './profile.ts'
import { quantityIds, quantityOf } from './quantity.ts'

const at = instant(0)

const file = (points: ProfileFile['points'], more: Partial<ProfileFile> = {}): ProfileFile => ({
  vendor: 'Test',
  model: 'T',
  name: { zh: '试', en: 'T' },
  codec: 'json',
  reportsEvery: '1 h',
  points,
  examples: [],
  ...more,
})

const complaintsOf = (points: ProfileFile['points'], more: Partial<ProfileFile> = {}): readonly string[] =>
  compileProfile('t', file(points, more)).complaints.map(({ path, text }) => `${path}: ${text}`)

function right(points: ProfileFile['points'], more: Partial<ProfileFile> = {}, variant?: string): Profile {
  const { profile, complaints } = compileProfile('t', file(points, more), variant)
  assert.deepEqual(complaints, [])
  return profile
}

const readingsOf = (profile: Profile, fields: Readonly<Record<string, unknown>>): readonly unknown[][] =>
  toReadings(profile, fields, at).map(({ part, quantity, value, quality }) => [
    part,
    quantity,
    value,
    quality,
  ])

test('a value out of range is bad and keeps what was said', () => {
  const profile = right({ voltage: { from: 'u', scale: 0.1, range: [150, 280] }, battery: { from: 'b' } })
  assert.deepEqual(readingsOf(profile, { u: 2301, b: 97 }), [
    ['', 'voltage', 230.1, 'good'],
    ['', 'battery', 97, 'good'],
  ])
  assert.deepEqual(readingsOf(profile, { u: 203, b: 250 }), [
    ['', 'voltage', 20.3, 'bad'],
    ['', 'battery', 250, 'bad'],
  ])
  assert.deepEqual(readingsOf(profile, { u: 'high', b: null }), [['', 'voltage', 'high', 'bad']])
})

test('a value at both ends of a range is believed', () => {
  const profile = right({ voltage: { from: 'u', range: [150, 280] } })
  for (const u of [150, 280]) assert.equal(readingsOf(profile, { u })[0]?.[3], 'good')
  for (const u of [149.9, 280.1]) assert.equal(readingsOf(profile, { u })[0]?.[3], 'bad')
})

test('one bit of a whole number is a boolean, and of anything else a bad reading', () => {
  const profile = right({ smoke: { from: 's', bit: 2 }, heat: { from: 's', bit: 40, invert: true } })
  const seen = (s: unknown): readonly unknown[] => readingsOf(profile, { s }).map(([, , value]) => value)
  assert.deepEqual(seen(4), [true, true])
  assert.deepEqual(seen(2 ** 40 + 3), [false, false])
  for (const odd of [-4, 1.5, '4', 2 ** 60])
    assert.deepEqual(
      readingsOf(profile, { s: odd }).map(([, , value, quality]) => [value, quality]),
      [
        [odd, 'bad'],
        [odd, 'bad'],
      ],
    )
})

test('a word that a point does not know is bad, or says nothing where one field names every event', () => {
  const values = { alarm: true, normal: false }
  const strict = right({ smoke: { from: 'e', values } })
  assert.deepEqual(readingsOf(strict, { e: 'removed' }), [['', 'smoke', 'removed', 'bad']])
  const lenient = right({ smoke: { from: 'e', values, others: 'left-out' } })
  assert.deepEqual(readingsOf(lenient, { e: 'removed' }), [])
  assert.deepEqual(readingsOf(lenient, { e: 'alarm' }), [['', 'smoke', true, 'good']])
  assert.deepEqual(readingsOf(lenient, { e: 'toString' }), [])
})

test('words and numbers that mean "no sensor" leave the point out', () => {
  const profile = right({ temperature: { from: 't', absent: [-99, 'NaN'] } })
  assert.deepEqual(readingsOf(profile, { t: -99 }), [])
  assert.deepEqual(readingsOf(profile, { t: 'NaN' }), [])
  assert.deepEqual(readingsOf(profile, { t: 'hot' }), [['', 'temperature', 'hot', 'bad']])
})

test('scales of any size keep the decimals that they have', () => {
  const of = (scale: number, raw: number): unknown =>
    readingsOf(right({ energy: { from: 'e', scale } }), { e: raw })[0]?.[2]
  assert.equal(of(0.001, 455), 0.455)
  assert.equal(of(1e-7, 3), 3e-7)
  assert.equal(of(1e-7, 12_345_678), 1.2345678)
})

test('parts of a list are counted from 0 by {i} and named from 1', () => {
  const profile = right({ power: { from: 'W.{i}', each: { part: 'channel-{n}', count: 2 } } })
  assert.deepEqual(readingsOf(profile, { W: [52, 5] }), [
    ['channel-1', 'power', 52, 'good'],
    ['channel-2', 'power', 5, 'good'],
  ])
})

test('what holds for all registers is said once, and a register may say otherwise', () => {
  const { points } = right(
    {
      voltage: { from: { register: 0, type: 'f32' } },
      current: { from: { register: 2, type: 'f32', byteOrder: 'ABCD', function: 3 } },
    },
    { codec: 'modbus', registers: { function: 4, byteOrder: 'CDAB' } },
  )
  assert.deepEqual(
    points.map(({ register }) => [register?.function, register?.byteOrder]),
    [
      [4, 'CDAB'],
      [3, 'ABCD'],
    ],
  )
})

test('a variant takes the place of points, adds others and has word order and examples of its own', () => {
  const more: Partial<ProfileFile> = {
    codec: 'modbus',
    examples: [{ hex: '01', gives: { voltage: 230 } }],
    variants: {
      old: { name: { zh: '旧', en: 'old' }, registers: { byteOrder: 'CDAB' } },
      new: {
        name: { zh: '新', en: 'new' },
        points: {
          voltage: { from: { register: 8, type: 'u16' }, scale: 0.1 },
          power: { from: { register: 9, type: 'u16' } },
        },
        examples: [{ hex: '02', gives: { power: 1 } }],
      },
    },
  }
  const points: ProfileFile['points'] = { voltage: { from: { register: 0, type: 'f32' } } }
  assert.deepEqual(variantsOf(file(points, more)), ['old', 'new'])
  assert.deepEqual(variantsOf(file(points)), [undefined])
  const old = right(points, more, 'old')
  assert.deepEqual(
    [old.variant, old.points.map(({ name, register }) => [name, register?.byteOrder])],
    ['old', [['voltage', 'CDAB']]],
  )
  const young = right(points, more, 'new')
  assert.deepEqual(
    young.points.map(({ name, register }) => [name, register?.register]),
    [
      ['voltage', 8],
      ['power', 9],
    ],
  )
  assert.deepEqual(
    young.examples.map(({ path }) => path),
    ['/examples/0', '/variants/new/examples/0'],
  )
})

test('a mistake in a variant is told where it stands', () => {
  const more: Partial<ProfileFile> = {
    variants: { b: { name: { zh: '乙', en: 'b' }, points: { smoke: { from: 's', scale: 2 } } } },
  }
  const { complaints } = compileProfile('t', file({ voltage: { from: 'u', range: [0, 900] } }, more), 'b')
  assert.deepEqual(
    complaints.map(({ path }) => path),
    ['/points/voltage/range', '/variants/b/points/smoke/scale'],
  )
})

test('a source that cannot be is refused, with its path', () => {
  const complaintOf = (from: ProfileFile['points'][string]['from']): string =>
    complaintsOf({ power: { from } }).join()
  assert.match(complaintOf({ register: 0, function: 2, type: 'u16' }), /function 2 has the type bit/)
  assert.match(complaintOf({ register: 0, type: 'bit' }), /function 3 has no type bit/)
  assert.match(complaintOf({ register: 0, type: 'u32', bit: 3 }), /needs the type u16/)
  assert.match(complaintOf({ item: '02010000', format: 'XX.X' }), /two digits a byte/)
  assert.match(complaintOf({ item: '0201{n}00', format: 'XX' }), /wanted 8 hexadecimal digits/)
  assert.equal(complaintOf({ item: '02010100', format: 'XXX.X' }), '')
  const last = {
    power: { from: { register: 65_530, type: 'u16' }, each: { part: 'p-{n}', count: 9, stride: 1 } },
  } as const
  assert.match(complaintsOf(last).join(), /^\/points\/power\/from: .*65536; there are none above 65535/)
})

test('keys that do not fit the quantity or each other are refused, each with its path', () => {
  const one = (points: ProfileFile['points'], wanted: RegExp): void => {
    const found = complaintsOf(points)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', wanted)
  }
  one({ volt: { from: 'u' } }, /^\/points\/volt: "volt" is no quantity; name one by "quantity:"/)
  one({ smoke: { from: 's', scale: 2 } }, /^\/points\/smoke\/scale: "smoke" is no number/)
  one({ smoke: { from: 's', range: [0, 1] } }, /^\/points\/smoke\/range: "smoke" is no number/)
  one(
    { voltage: { from: 'u', lasts: '10 min' } },
    /^\/points\/voltage\/lasts: "voltage" is not true or false/,
  )
  one({ voltage: { from: 'u', bit: 3 } }, /^\/points\/voltage\/bit: "voltage" is not true or false/)
  one({ voltage: { from: 'u', range: [280, 150] } }, /^\/points\/voltage\/range: wanted \[lowest, highest\]/)
  one({ voltage: { from: 'u', range: [0, 900] } }, /range: "voltage" is believed from 0 to 500 V/)
  one(
    { smoke: { from: 's', values: { '1': 'yes' } } },
    /^\/points\/smoke\/values\/1: "smoke" is true or false; got yes/,
  )
  one({ smoke: { from: 's', others: 'left-out' } }, /^\/points\/smoke\/others: .*there is no "values"/)
  one(
    { power: { from: 'W.{n}' } },
    /^\/points\/power\/from: speaks of \{n\} or \{i\}, and there is no "each"/,
  )
  one(
    { power: { from: 'W', each: { part: 'p-{n}', count: 2 } } },
    /^\/points\/power\/each: every part would read the same/,
  )
  one(
    { power: { from: 'W.{n}', part: 'all', each: { part: 'p-{n}', count: 2 } } },
    /^\/points\/power\/part: the parts are named by "each" already/,
  )
  one(
    { heat: { from: 'a' }, fireHeat: { quantity: 'heat', from: 'b' } },
    /^\/points\/fireHeat: gives the same reading as "heat"/,
  )
})

test('an example that no point can give is refused, with what was meant', () => {
  const points: ProfileFile['points'] = { voltage: { from: 'u' }, smoke: { from: 's' } }
  const one = (example: ProfileFile['examples'][number], wanted: RegExp): void => {
    const found = complaintsOf(points, { examples: [example] })
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', wanted)
  }
  one(
    { payload: {}, gives: { voltag: 1 } },
    /^\/examples\/0\/gives\/voltag: no point gives "voltag"; did you mean "voltage"\?/,
  )
  one(
    { payload: {}, gives: { voltage: 'high' } },
    /^\/examples\/0\/gives\/voltage: voltage is a number, or "bad"/,
  )
  one({ payload: {}, hex: '00', gives: {} }, /^\/examples\/0: wanted one of "payload", "hex" and "text"/)
  one({ gives: {} }, /^\/examples\/0: wanted one of/)
  assert.deepEqual(
    complaintsOf(points, { examples: [{ payload: {}, gives: { voltage: 'bad', smoke: true } }] }),
    [],
  )
})

test('whatever a field holds, each reading is in range or bad and keeps it', () => {
  const points = Object.fromEntries(quantityIds.map((quantity) => [quantity, { from: quantity }]))
  const profile = right(points)
  const fields = fc.dictionary(
    fc.constantFrom(...quantityIds),
    fc.oneof(fc.jsonValue(), fc.double(), fc.integer()),
  )
  fc.assert(
    fc.property(fields, (said) => {
      for (const { quantity, value, quality } of toReadings(profile, said, at)) {
        const { kind, min, max } = quantityOf(quantity)
        const isFine =
          typeof value === (kind === 'text' ? 'string' : kind) &&
          (typeof value !== 'number' || (value >= (min ?? -Infinity) && value <= (max ?? Infinity)))
        if (quality !== 'bad') assert.ok(isFine, `${quantity} ${String(value)}`)
        else if (typeof said[quantity] === 'number' && Number.isFinite(said[quantity]))
          assert.equal(value, said[quantity])
      }
    }),
  )
})
