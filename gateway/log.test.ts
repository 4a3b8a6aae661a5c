import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { atEnd, tempFolder } from '../tests/fixtures.ts'
import { openLog } from './log.ts'

const linesOf = (file: string): readonly { msg: string }[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string }) // written by pino

test('each event is one line of JSON in a file for this user only', (t) => {
  const folder = tempFolder(t)
  const opened = openLog(folder, new FakeClock())
  opened.log.info({ deviceId: 'd1' }, 'hello')
  opened.log.warn({}, 'two\nlines')
  opened.close()
  const file = join(folder, 'log/ganglion.log')
  assert.deepEqual(
    linesOf(file).map(({ msg }) => msg),
    ['hello', 'two\nlines'],
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
  opened.log.info({}, 'after the end nobody is hurt')
})

test('the log moves on when it is 16 MB long, and not before', async (t) => {
  const folder = tempFolder(t)
  const clock = new FakeClock()
  const file = join(folder, 'log/ganglion.log')
  const opened = openLog(folder, clock)
  opened.log.info({}, 'first')
  await clock.turn(60_000)
  assert.ok(!existsSync(`${file}.1`), 'a short log moved on')
  appendFileSync(file, `${'x'.repeat(16 * 1024 * 1024)}\n`)
  await clock.turn(60_000)
  opened.log.info({}, 'second')
  opened.close()
  assert.deepEqual(
    linesOf(`${file}.1`).map(({ msg }) => msg),
    ['first'],
  )
  assert.deepEqual(
    linesOf(file).map(({ msg }) => msg),
    ['second'],
  )
})

test('a full disk costs lines of the log and nothing else', async (t) => {
  const disk = join(tempFolder(t), 'disk')
  mkdirSync(disk)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) {
    t.skip('needs root: a disk of its own is mounted')
    return
  }
  atEnd(t, () => spawnSync('umount', ['-l', disk]))
  const clock = new FakeClock()
  const opened = openLog(disk, clock)
  for (let line = 0; line < 2000; line++) opened.log.info({ line }, 'x'.repeat(1000))
  await clock.turn(120_000)
  assert.throws(() => writeFileSync(join(disk, 'more'), 'x'.repeat(5000)), { code: 'ENOSPC' })
  opened.close()
})
