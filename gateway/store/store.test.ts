import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { codeOf, isGanglionError } from '../../base/errors.ts'
import { atEnd, openStore, tempFolder } from '../../tests/fixtures.ts'
import { mqttRows } from './mqtt-rows.ts'
import { RESERVE_BYTES } from './reserve.ts'
import { migrations, type Change } from './schema.ts'
import { Store, type Unit } from './store.ts'

const meta = (key: string, value = ''): Change => ['putMeta', key, value]

function unit(changes: readonly Change[], lifeSafety = false, undo = (): void => undefined): Unit {
  return { changes, lifeSafety, undo }
}

/** As another process sees the database. */
function keysIn(folder: string): readonly string[] {
  const other = new Database(join(folder, 'ganglion.db'), { readonly: true })
  try {
    return other.prepare('SELECT key FROM meta ORDER BY key').pluck().all() as string[] // one text column
  } finally {
    other.close()
  }
}

/** What a commit that must fail failed with. */
async function refusal(commit: Promise<void>): Promise<string> {
  try {
    await commit
  } catch (error) {
    return codeOf(error)
  }
  return 'stored'
}

test('a commit answers once another connection can read it', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder, {})
  await store.put(meta('a', '1'))
  assert.deepEqual(keysIn(folder), ['a'])
  assert.equal(store.reader.prepare('SELECT value FROM meta').pluck().get(), '1')
})

test('units are written and answered in their order, many to a group', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder)
  const answered: number[] = []
  const commits = Array.from({ length: 300 }, (_, number) =>
    store.put(meta('last', String(number)), meta(`n${number}`)).then(() => answered.push(number)),
  )
  await Promise.all(commits)
  assert.deepEqual(
    answered,
    Array.from({ length: 300 }, (_, number) => number),
  )
  assert.equal(store.reader.prepare("SELECT value FROM meta WHERE key = 'last'").pluck().get(), '299')
  assert.equal(keysIn(folder).length, 301)
  assert.ok(store.commits < 10, `300 units of one turn took ${store.commits} commits`)
})

test('the changes of a unit are stored together or not at all', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder)
  const isWrong: Change = ['putOutbox', 1, 'c', 's', 'k', 1, 0, 0, null]
  assert.equal(await refusal(store.put(meta('a'), isWrong)), 'store-failed')
  assert.deepEqual(keysIn(folder), [])
  await store.put(meta('b'))
  assert.deepEqual(keysIn(folder), ['b'])
})

test('one failing group is undone newest first and takes all that gathered meanwhile with it', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder, { commitDelayMs: 50 })
  const undone: string[] = []
  const undoable = (name: string, changes: readonly Change[]): Promise<string> =>
    refusal(store.commit(unit(changes, false, () => undone.push(name))))
  const first = [
    undoable('a', [meta('a')]),
    undoable('wrong', [['putOutbox', 1, 'c', 's', 'k', 1, 0, 0, null]]),
    undoable('b', [meta('b')]),
  ]
  // Given while the group above is at the writer: it stands on memory that is about to be taken back.
  const gathered = new Promise<string>((resolve) => {
    setImmediate(() => setImmediate(() => void undoable('c', [meta('c')]).then(resolve)))
  })
  assert.deepEqual(
    await Promise.all([...first, gathered]),
    Array.from({ length: 4 }, () => 'store-failed'),
  )
  assert.deepEqual(undone, ['c', 'b', 'wrong', 'a'])
  assert.deepEqual(keysIn(folder), [])
  await store.put(meta('d'))
  assert.deepEqual(keysIn(folder), ['d'])
})

test('close waits for what was given, and refuses what comes later', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder, { commitDelayMs: 20 })
  const answers = [store.put(meta('in flight'))]
  await new Promise((resolve) => setImmediate(resolve))
  answers.push(store.put(meta('gathering')))
  const closed = store.close()
  answers.push(store.put(meta('same turn')))
  await closed
  assert.equal(await refusal(store.put(meta('too late'))), 'store-failed')
  assert.deepEqual(await Promise.all(answers.map(refusal)), ['stored', 'stored', 'stored'])
  assert.deepEqual(keysIn(folder), ['gathering', 'in flight', 'same turn'])
  assert.ok(store.hasEnded)
})

test('a database of a newer Ganglion is refused and left as it is', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'ganglion.db')
  const newer = new Database(file)
  newer.pragma(`user_version = ${migrations.length + 1}`)
  newer.close()
  await assert.rejects(Store.open({ folder }), (error) => {
    assert.ok(isGanglionError(error, 'store-newer'))
    assert.match(error.message, new RegExp(`format ${migrations.length + 1}; .* up to ${migrations.length}`))
    assert.match(error.hint ?? '', /another data folder/)
    return true
  })
  const after = new Database(file)
  assert.equal(after.pragma('user_version', { simple: true }), migrations.length + 1)
  assert.deepEqual(after.prepare('SELECT name FROM sqlite_schema').all(), [])
  after.close()
})

test('a database of each earlier format is brought forward with what it holds', async (t) => {
  assert.ok(migrations.length >= 1)
  for (let version = 0; version < migrations.length; version++) {
    const folder = tempFolder(t)
    const old = new Database(join(folder, 'ganglion.db'))
    for (const migration of migrations.slice(0, version)) old.exec(migration)
    old.pragma(`user_version = ${version}`)
    if (version > 0) old.exec("INSERT INTO meta VALUES ('from', 'before')")
    old.close()
    const store = await openStore(t, folder)
    assert.equal(store.reader.pragma('user_version', { simple: true }), migrations.length)
    assert.deepEqual(keysIn(folder), version > 0 ? ['from'] : [])
  }
})

test('a file that is no database is called so', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'ganglion.db'), 'no database at all '.repeat(100))
  await assert.rejects(Store.open({ folder }), (error) => {
    assert.ok(isGanglionError(error, 'store-failed'))
    assert.match(error.message, /not a database/)
    return true
  })
})

test('a reserve that a crash left half written is laid by whole', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'reserve'), 'half')
  const store = await Store.open({ folder, sync: 'off' })
  atEnd(t, () => store.close())
  const reserve = statSync(join(folder, 'reserve'))
  assert.equal(reserve.size, RESERVE_BYTES)
  assert.ok(reserve.blocks * 512 >= RESERVE_BYTES, 'the reserve is sparse')
})

test('what the broker must remember comes back after a restart', async (t) => {
  const folder = tempFolder(t)
  const first = await openStore(t, folder)
  const rows = mqttRows(first)
  await rows.put('retained', 'a/b', new Uint8Array([1, 0, 255]))
  await rows.put('retained', 'c', new Uint8Array([2]))
  await rows.put('retained', 'c', new Uint8Array([3]))
  await rows.put('will', 'c', new Uint8Array())
  await rows.delete('will', 'c')
  await first.close()
  const after = [...mqttRows(await openStore(t, folder)).load()]
  assert.deepEqual(
    after.map(({ kind, key, value }) => [kind, key, [...value]]),
    [
      ['retained', 'a/b', [1, 0, 255]],
      ['retained', 'c', [3]],
    ],
  )
})

test('kill -9 of a process that commits in a loop loses nothing that was answered', async (t) => {
  for (const wait of [0, 40]) {
    const folder = tempFolder(t)
    const script = join(import.meta.dirname, '../../tests/commit-loop.ts')
    const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, wait))
    child.kill('SIGKILL')
    await once(child, 'close')
    const answered = printed.split('\n').slice(0, -1)
    assert.ok(answered.length > 0)
    const stored = new Set(keysIn(folder))
    assert.deepEqual(
      answered.filter((number) => !stored.has(`row-${number}`)),
      [],
    )
    const reopened = await openStore(t, folder)
    assert.equal(reopened.reader.pragma('integrity_check', { simple: true }), 'ok')
    await reopened.close()
  }
})

/** A disk of its own, as small as wanted; undefined where that is not allowed. */
function smallDisk(t: TestContext, megabytes: number): string | undefined {
  const folder = tempFolder(t)
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk])
  if (mounted.status !== 0) return undefined
  atEnd(t, () => spawnSync('umount', ['-l', disk]))
  return disk
}

const NO_MOUNT = 'needs root: a disk of its own is mounted'

/** Leaves not one block free. */
function fill(disk: string): () => void {
  const file = join(disk, 'filler')
  const handle = openSync(file, 'a')
  for (let size = 1024 * 1024; size >= 1;) {
    try {
      writeSync(handle, Buffer.alloc(size))
    } catch {
      size = Math.floor(size / 16)
    }
  }
  closeSync(handle)
  return () => rmSync(file)
}

const big = (name: string): Change => meta(name, 'x'.repeat(100_000))

test('on a full disk life-safety is stored from the reserve, and all goes on when there is room', async (t) => {
  const folder = smallDisk(t, 160)
  if (folder === undefined) {
    t.skip(NO_MOUNT)
    return
  }
  const store = await Store.open({ folder, sync: 'off' })
  atEnd(t, () => store.close())
  await store.put(meta('before'))
  const empty = fill(folder)
  const undone: string[] = []
  const commit = (name: string, lifeSafety: boolean): Promise<string> =>
    refusal(store.commit(unit([big(name)], lifeSafety, () => undone.push(name))))
  const mixed = [commit('a', false), commit('fire 1', true), commit('b', false), commit('fire 2', true)]
  assert.deepEqual(await Promise.all(mixed), ['store-full', 'stored', 'store-full', 'stored'])
  assert.deepEqual(undone, ['b', 'a'])
  assert.ok(store.isFull)
  assert.ok(!existsSync(join(folder, 'reserve')))
  assert.equal(await commit('c', false), 'store-full')
  assert.equal(await commit('fire 3', true), 'stored')
  empty()
  assert.equal(await commit('d', false), 'stored')
  assert.ok(!store.isFull)
  assert.equal(statSync(join(folder, 'reserve')).size, RESERVE_BYTES)
  assert.deepEqual(keysIn(folder), ['before', 'd', 'fire 1', 'fire 2', 'fire 3'])
})

test('a life-safety unit that gathered behind a refused group stays and is stored', async (t) => {
  const folder = smallDisk(t, 160)
  if (folder === undefined) {
    t.skip(NO_MOUNT)
    return
  }
  const store = await Store.open({ folder, sync: 'off', commitDelayMs: 50 })
  atEnd(t, () => store.close())
  fill(folder)
  const commit = (name: string, lifeSafety: boolean): Promise<string> =>
    refusal(store.commit(unit([big(name)], lifeSafety)))
  const first = commit('a', false)
  const gathered = new Promise<readonly string[]>((resolve) => {
    setImmediate(() =>
      setImmediate(() => void Promise.all([commit('b', false), commit('fire', true)]).then(resolve)),
    )
  })
  assert.equal(await first, 'store-full')
  assert.deepEqual(await gathered, ['store-full', 'stored'])
  assert.deepEqual(keysIn(folder), ['fire'])
})

test('a gateway that starts on a full disk gives up the reserve and stores life-safety', async (t) => {
  const folder = smallDisk(t, 160)
  if (folder === undefined) {
    t.skip(NO_MOUNT)
    return
  }
  const first = await Store.open({ folder, sync: 'off' })
  await first.put(meta('before'))
  await first.close()
  fill(folder)
  const store = await Store.open({ folder, sync: 'off' })
  atEnd(t, () => store.close())
  assert.equal(await refusal(store.commit(unit([big('a')]))), 'store-full')
  assert.equal(await refusal(store.commit(unit([big('fire')], true))), 'stored')
  assert.deepEqual(keysIn(folder), ['before', 'fire'])
})

test('a folder that cannot be written is named with what to do', async (t) => {
  const disk = smallDisk(t, 80)
  if (disk === undefined) {
    t.skip(NO_MOUNT)
    return
  }
  mkdirSync(join(disk, 'old'))
  const first = await openStore(t, join(disk, 'old'))
  await first.close()
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0)
  for (const folder of [join(disk, 'new'), disk, join(disk, 'old')]) {
    await assert.rejects(Store.open({ folder }), (error) => {
      assert.ok(isGanglionError(error, 'store-failed'), String(error))
      assert.match(error.hint ?? '', /writable/)
      return true
    })
  }
})
