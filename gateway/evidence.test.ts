import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { atEnd, tempFolder } from '../tests/fixtures.ts'
import { EvidenceFolder } from './evidence.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a file stands whole under its hash, for this user only', async (t) => {
  const folder = join(tempFolder(t), 'evidence')
  const evidence = new EvidenceFolder(folder)
  const sha256 = await evidence.write(bytes('a picture'))
  assert.equal(sha256, createHash('sha256').update('a picture').digest('hex'))
  const path = evidence.pathOf(sha256)
  assert.equal(readFileSync(path, 'utf8'), 'a picture')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(dirname(path)), [sha256])
})

test('the same picture for two cases at the same time is one whole file', async (t) => {
  const evidence = new EvidenceFolder(tempFolder(t))
  const picture = Buffer.alloc(3_000_000, 'picture')
  const written = await Promise.all(Array.from({ length: 8 }, () => evidence.write(picture)))
  const path = evidence.pathOf(written[0] ?? '')
  assert.equal(new Set(written).size, 1)
  assert.ok(readFileSync(path).equals(picture))
  assert.deepEqual(readdirSync(dirname(path)), [written[0]])
  await evidence.write(picture)
  assert.deepEqual(readdirSync(dirname(path)), [written[0]])
})

test('a full disk fails the write and keeps no half of it', async (t) => {
  const disk = join(tempFolder(t), 'disk')
  mkdirSync(disk)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status !== 0) {
    t.skip('needs root: a disk of its own is mounted')
    return
  }
  atEnd(t, () => spawnSync('umount', ['-l', disk]))
  const evidence = new EvidenceFolder(disk)
  await assert.rejects(evidence.write(Buffer.alloc(2_000_000)), { code: 'ENOSPC' })
  assert.deepEqual(
    readdirSync(disk).flatMap((name) => readdirSync(join(disk, name))),
    [],
  )
  await evidence.write(bytes('small'))
})
