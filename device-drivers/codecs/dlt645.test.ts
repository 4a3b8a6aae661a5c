import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeterItem } from '../../gateway/profile-file.ts'
import type { CompiledPoint } from '../../gateway/profile.ts'
import { decodeItem, itemParts } from './dlt645.ts'

const point = (key: string, item: MeterItem | undefined): CompiledPoint => ({
  key,
  name: key,
  path: [key],
  register: undefined,
  item,
  quantity: 'power',
  part: '',
  range: undefined,
  lastsMs: undefined,
  convert: (raw) => ({ value: raw, atLimit: false }),
})
const voltage = point('voltage', { item: '02010100', format: 'XXX.X' })
const power = point('power', { item: '02030000', format: 'XX.XXXX', signed: true })

test('each item is asked for once, and points that are none of a meter are not', () => {
  const parts = itemParts({
    points: [voltage, power, { ...voltage, key: 'again' }, point('other', undefined)],
  })
  assert.deepEqual(
    parts.map(({ item, points }) => [item, points.map(({ key }) => key)]),
    [
      ['02010100', ['voltage', 'again']],
      ['02030000', ['power']],
    ],
  )
})

test('an item is read by its format; what does not fit it keeps its digits and is told', () => {
  const decode = (one: CompiledPoint, hex: string): readonly [unknown, string | undefined] => {
    const fields: Record<string, unknown> = {}
    const [part] = itemParts({ points: [one] })
    assert.ok(part)
    const complaint = decodeItem(part, Buffer.from(hex, 'hex'), fields)
    return [fields[one.key], complaint]
  }
  assert.deepEqual(decode(voltage, '0123'), [230.1, undefined])
  assert.deepEqual(decode(power, '238180'), [-0.8123, undefined])
  assert.deepEqual(decode(voltage, 'FFFF'), ['FFFF', 'item 02010100: wanted 4 decimal digits, got FFFF'])
  assert.deepEqual(decode(voltage, '012300'), [
    '002301',
    'item 02010100: wanted 4 decimal digits, got 002301',
  ])
})
