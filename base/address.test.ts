import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHostPort } from './address.ts'

test('an address is a host and a port, the host of IPv6 in brackets', () => {
  assert.deepEqual(parseHostPort('127.0.0.1:1883'), { host: '127.0.0.1', port: 1883 })
  assert.deepEqual(parseHostPort('[2001:db8::1]:0'), { host: '2001:db8::1', port: 0 })
  assert.deepEqual(parseHostPort('box.local:65535'), { host: 'box.local', port: 65_535 })
})

test('what is no address is none', () => {
  for (const text of [
    '',
    ':',
    '1883',
    ':1883',
    '[]:1',
    'host:',
    'host:65536',
    'host:1e3',
    'host:-1',
    'host: 1',
  ])
    assert.equal(parseHostPort(text), undefined, text)
})
