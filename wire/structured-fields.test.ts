import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isInnerList,
  parseDictionary,
  parseItem,
  serializeInnerList,
  serializeString,
} from './structured-fields.ts'

test('a dictionary with an inner list, parameters and bytes is read', () => {
  const members = parseDictionary(
    'sig1=("@method" "date");created=1;keyid="a\\"b", flag, raw=:AAEC:, t=sha-256',
  )
  assert.ok(members)
  const list = members.get('sig1')
  assert.ok(list && isInnerList(list))
  assert.deepEqual(
    list.items.map((item) => item.value),
    ['@method', 'date'],
  )
  assert.deepEqual([...list.params], [['created', 1], ['keyid', 'a"b']]) // prettier-ignore
  assert.equal(serializeInnerList(list), '("@method" "date");created=1;keyid="a\\"b"')
  const values = ['flag', 'raw', 't'].map((key) => {
    const member = members.get(key)
    return member && !isInnerList(member) ? member.value : undefined
  })
  assert.deepEqual(values, [true, Buffer.from([0, 1, 2]), { token: 'sha-256' }])
})

test('items of uploads and idempotency keys are read', () => {
  assert.equal(parseItem('"gw-001:01J9"'), 'gw-001:01J9')
  assert.equal(parseItem(' ?1 '), true)
  assert.equal(parseItem('?0'), false)
  assert.equal(parseItem('100'), 100)
})

test('what is no structured field is refused', () => {
  for (const text of ['', '"open', '1.5', '12345678901234567', ':AAE:', '?2', '"ü"', '1 2']) {
    assert.equal(parseItem(text), undefined, text)
  }
  for (const text of [
    'a=1,',
    'a=1 b=2',
    'A=1',
    'a=("x""y")',
    'a=("x"',
    'a=1, a=2',
    'a=1;p=1;p=2',
    `a="${'x'.repeat(5000)}"`,
  ]) {
    assert.equal(parseDictionary(text)?.size ?? 'refused', 'refused', text.slice(0, 40))
  }
})

test('a line break cannot be smuggled into a structured string', () => {
  assert.throws(() => serializeString('a\nb'), RangeError)
})

test('printable text survives the way through a string', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\x20-\x7e]{0,60}$/), (text) => {
      assert.equal(parseItem(serializeString(text)), text)
    }),
  )
})

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      parseDictionary(text)
      parseItem(text)
    }),
  )
  const pieces = fc.constantFrom(
    'sig1',
    '=',
    '(',
    ')',
    '"',
    ';',
    ':',
    ',',
    ' ',
    '?1',
    'created',
    '1',
    '\\',
    'AA==',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      parseDictionary(parts.join(''))
    }),
  )
})
