import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuMs, parseTicks, rssMb } from './processes.ts'

test('user and system time are found behind a name with brackets and spaces in it', () => {
  const stat = '42 (a) b (c)) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 11 0 5 6 7'
  assert.equal(parseTicks(stat), 200)
})

test('this process takes memory and time, one that is gone takes none', () => {
  assert.ok(rssMb(process.pid) > 10)
  assert.ok(cpuMs(process.pid) > 0)
  assert.equal(rssMb(2 ** 30), 0)
  assert.equal(cpuMs(2 ** 30), 0)
})
