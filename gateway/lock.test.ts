import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { codeOf, isGanglionError } from '../base/errors.ts'
import { tempFolder } from '../tests/fixtures.ts'
import { holderOf, lockFolder } from './lock.ts'

test('a second holder is refused and told who holds the folder, until it is given back', (t) => {
  const folder = tempFolder(t)
  const release = lockFolder(folder)
  assert.throws(
    () => lockFolder(folder),
    (error) => {
      assert.ok(isGanglionError(error, 'store-locked'))
      assert.match(error.message, new RegExp(`process ${process.pid}\\)`))
      assert.match(error.hint ?? '', /--data/)
      return true
    },
  )
  assert.equal(statSync(join(folder, 'lock')).mode & 0o777, 0o600)
  release()
  assert.ok(!existsSync(join(folder, 'lock')))
  lockFolder(folder)()
})

test('another process that lives holds the folder', (t) => {
  const folder = tempFolder(t)
  const release = lockFolder(folder)
  const lock = JSON.stringify(join(import.meta.dirname, 'lock.ts'))
  const script = `import { lockFolder } from ${lock}; try { lockFolder(${JSON.stringify(folder)}) } catch (e) { console.log(e.code) }`
  const other = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(other.stdout.trim(), 'store-locked', other.stderr)
  release()
})

test('the lock of a process that is gone, or whose number another has now, is taken over', (t) => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  for (const left of [`${dead} 123`, `${process.pid} 1`, '', 'rubbish', '-1 1']) {
    const folder = tempFolder(t)
    writeFileSync(join(folder, 'lock'), left)
    assert.equal(holderOf(join(folder, 'lock')), undefined, left)
    const release = lockFolder(folder)
    assert.equal(holderOf(join(folder, 'lock')), process.pid)
    assert.match(readFileSync(join(folder, 'lock'), 'utf8'), new RegExp(`^${process.pid} \\d+$`))
    release()
  }
})

test('a folder that cannot be written is called so', (t) => {
  const file = join(tempFolder(t), 'file')
  writeFileSync(file, '')
  assert.throws(
    () => lockFolder(file),
    (error) => codeOf(error) === 'store-failed',
  )
})
