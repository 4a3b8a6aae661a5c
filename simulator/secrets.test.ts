import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { accountSecret, readSecret, type SecretPlace } from './secrets.ts'

function place(t: TestContext): SecretPlace & { readonly clock: FakeClock } {
  const dataFolder = mkdtempSync(join(tmpdir(), 'secrets-'))
  t.after(() => rmSync(dataFolder, { recursive: true }))
  mkdirSync(join(dataFolder, 'secrets'))
  return { dataFolder, clock: new FakeClock(), signal: new AbortController().signal }
}

test('a secret that the gateway has yet to make is waited for', async (t) => {
  const where = place(t)
  const reading = readSecret(accountSecret('z2m'), where)
  await where.clock.turn(1000)
  writeFileSync(join(where.dataFolder, 'secrets', 'z2m'), 'a1b2\n')
  await where.clock.turn(200)
  assert.equal(await reading, 'a1b2')
})

test('a secret that never comes is told by its reference', async (t) => {
  const where = place(t)
  const reading = assert.rejects(
    readSecret(accountSecret('z2m'), where),
    (error) => isGanglionError(error, 'secret-missing') && error.message.includes('file:secrets/z2m'),
  )
  await where.clock.turn(60_000)
  await reading
})

test('a variable that is not set is not waited for', async (t) => {
  await assert.rejects(readSecret('env:GANGLION_NO_SUCH_SECRET', place(t)), (error) =>
    isGanglionError(error, 'secret-missing'),
  )
})
