import assert from 'node:assert/strict'
import test from 'node:test'
import { DURATION_PATTERN, parseAmount, parseDuration } from './amount.ts'
import { isGanglionError } from './errors.ts'

test('an amount is a number and the unit it is written in', () => {
  assert.deepEqual(parseAmount('60 °C'), { value: 60, unit: '°C' })
  assert.deepEqual(parseAmount(' -1.5kW '), { value: -1.5, unit: 'kW' })
  assert.deepEqual(parseAmount('12'), { value: 12, unit: '' })
})

test('what is no amount is refused with what came', () => {
  for (const text of ['', 'hot', '°C 60', '1.', '1,5 A', '1 2 A', '0x10 A', 'NaN s', 'Infinity s']) {
    assert.throws(
      () => parseAmount(text),
      (error) => isGanglionError(error, 'config-invalid') && error.message.endsWith(`got "${text}"`),
    )
  }
})

test('a span of time is in milliseconds, whatever its unit', () => {
  const spans = ['500 ms', '8 s', '1.5 min', '25 h', '1d', '0 s'].map(parseDuration)
  assert.deepEqual(spans, [500, 8000, 90_000, 90_000_000, 86_400_000, 0])
})

test('a span without a known unit, or less than nothing, is refused with the units there are', () => {
  for (const text of ['8', '8 sec', '-1 s', '8 S', '8 constructor']) {
    assert.throws(() => parseDuration(text), /ms, s, min, h, d\); got/)
  }
})

test('what the pattern of schemas lets in can be read', () => {
  const pattern = new RegExp(DURATION_PATTERN)
  for (const text of ['8 s', '8s', '0.5 h', '1000 ms', '2 d']) {
    assert.match(text, pattern)
    assert.ok(parseDuration(text) > 0)
  }
  for (const text of ['-8 s', '8', ' 8 s', '8  s', '8 s ', '.5 h', '8 s\n'])
    assert.doesNotMatch(text, pattern)
})
