import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../base/clock.ts'
import { httpDate, retryAfter } from './retry-after.ts'

const now = instant(Date.parse('2026-03-02T08:00:00Z'))

test('Retry-After is read in seconds and as a date', () => {
  assert.equal(retryAfter('7', now), 7000)
  assert.equal(retryAfter('0', now), 0)
  assert.equal(retryAfter('Mon, 02 Mar 2026 08:01:30 GMT', now), 90_000)
})

test('a wait is an hour at most, and none for a date that has passed', () => {
  assert.equal(retryAfter('86400', now), 3_600_000)
  assert.equal(retryAfter('Tue, 03 Mar 2026 08:00:00 GMT', now), 3_600_000)
  assert.equal(retryAfter('Mon, 02 Mar 2026 07:00:00 GMT', now), 0)
})

test('what is neither says nothing', () => {
  for (const header of [
    undefined,
    '',
    '-1',
    '1.5',
    'soon',
    '99999999999',
    ['1', '2'],
    'Mon, 99 Mar 2026 08:00:00 GMT',
  ]) {
    assert.equal(retryAfter(header, now), undefined, String(header))
  }
  assert.equal(httpDate('2026-03-02T08:00:00Z'), undefined)
})
