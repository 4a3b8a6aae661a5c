import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { RESERVE_BYTES } from '../gateway/store/reserve.ts'
import { atEnd, tempFolder } from './fixtures.ts'
import { BEAM, BoxProcess, dial, makeBox, SMOKE, smokePayload, startBox, TestPlatform } from './box-rig.ts'

const isRoot = process.getuid?.() === 0

/** A disk of its own in memory; undefined where this user may not mount one. */
function mountDisk(t: TestContext, options: string): string | undefined {
  if (!isRoot) return undefined
  const folder = join(tempFolder(t), 'disk')
  mkdirSync(folder)
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  if (status !== 0) return undefined
  atEnd(t, () => spawnSync('umount', ['-l', folder]))
  return folder
}

async function endsWithWord(t: TestContext, dataFolder: string, code: RegExp): Promise<void> {
  const box = await makeBox(t, { dataFolder })
  const gateway = new BoxProcess(t, box)
  assert.deepEqual(await gateway.refused(), { code: 1, signal: null })
  assert.match(gateway.complaint, /^ganglion start: store-failed\n/)
  assert.match(gateway.complaint, code)
}

test('a data folder that cannot be made ends the start with its word and exit code 1', async (t) => {
  const file = join(tempFolder(t), 'a-file')
  writeFileSync(file, '')
  await endsWithWord(t, join(file, 'data'), /the data folder cannot be made \(ENOTDIR\)/)
})

test('a data folder that is read-only ends the start with its word and exit code 1', async (t) => {
  if (isRoot) {
    const disk = mountDisk(t, 'ro,size=1m')
    if (disk === undefined) {
      t.skip('no file system can be mounted here')
      return
    }
    await endsWithWord(t, disk, /the data folder cannot be written \(EROFS\)/)
    return
  }
  const folder = join(tempFolder(t), 'data')
  mkdirSync(folder)
  chmodSync(folder, 0o555)
  await endsWithWord(t, folder, /the data folder cannot be written \(EACCES\)/)
})

/** Writes until nothing more fits. */
function fill(file: string): void {
  const handle = openSync(file, 'w')
  for (const size of [1024 * 1024, 4096, 1]) {
    const block = Buffer.alloc(size)
    try {
      while (writeSync(handle, block) > 0);
    } catch {
      // Full for blocks of this size.
    }
  }
  closeSync(handle)
}

test('a full disk delays an ordinary case and does not lose it; a life-safety case goes out from the reserve', async (t) => {
  const disk = mountDisk(t, 'size=160m,mode=700')
  if (disk === undefined) {
    t.skip('no file system can be mounted here (needs root)')
    return
  }
  const box = await makeBox(t, { dataFolder: disk })
  const gateway = await startBox(t, box)
  const platform = await TestPlatform.start(t, box)
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')
  await beam.say(BEAM, { blocked: false })
  assert.equal(statSync(join(disk, 'reserve')).size, RESERVE_BYTES)

  const filler = join(disk, 'filler')
  fill(filler)
  let isAcknowledged = false
  const alarm = beam.say(BEAM, { blocked: true }).then(() => (isAcknowledged = true))
  const full = await gateway.healthy('a full disk that was counted', ({ store, troubles }) => {
    return store.full && troubles.some(({ what }) => what === 'store-full')
  })
  assert.equal(full.cases.ongoing, 0)

  await bridge.say(SMOKE, smokePayload(true))
  await platform.gotCase('smoke')
  await bridge.say(SMOKE, smokePayload(false))
  await platform.got('the end of the smoke', (all) => all.some(({ revision }) => revision === 2))
  assert.ok(!existsSync(join(disk, 'reserve')), 'the reserve was given up')
  assert.ok(!isAcknowledged)
  assert.deepEqual(platform.revisionsOf('beyond-door'), [])

  rmSync(filler)
  await alarm
  await platform.gotCase('beyond-door')
  const { delivery } = await gateway.healthy('all well again', (report) => {
    return !report.store.full && report.delivery[0]?.waiting === 0
  })
  assert.equal(delivery[0]?.refused, 0)
  assert.equal(statSync(join(disk, 'reserve')).size, RESERVE_BYTES)
  assert.deepEqual(platform.revisionsOf('smoke'), ['shed/smoke:1', 'shed/smoke:2'])
  assert.deepEqual(platform.revisionsOf('beyond-door'), ['shop/door-line:1'])
  assert.deepEqual(await gateway.end(), { code: 0, signal: null })
})

test('a gateway whose disk is full from the start takes a life-safety alarm, and says what is wrong', async (t) => {
  const disk = mountDisk(t, 'size=160m,mode=700')
  if (disk === undefined) {
    t.skip('no file system can be mounted here (needs root)')
    return
  }
  const box = await makeBox(t, { dataFolder: disk })
  const first = await startBox(t, box)
  await first.end()
  fill(join(disk, 'filler'))
  const second = await startBox(t, box)
  const platform = await TestPlatform.start(t, box)
  const bridge = await dial(t, box, 'z2m')
  await bridge.say(SMOKE, smokePayload(true))
  await platform.gotCase('smoke')
  assert.ok((await second.health()).store.full)
  assert.ok(readdirSync(disk).includes('filler'))
})
