import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { openStore, tempFolder } from '../tests/fixtures.ts'
import { apiToken, boxKey, holdsToken, newSecret, readSecret, WireAccounts, writePrivate } from './access.ts'

const modeOf = (...path: string[]): string => (statSync(join(...path)).mode & 0o777).toString(8)

test('what is private is a file of mode 600 in a folder of mode 700, also where a looser one stood', (t) => {
  const folder = join(tempFolder(t), 'secrets')
  writePrivate(folder, 'a', 'one')
  assert.deepEqual([modeOf(folder), modeOf(folder, 'a')], ['700', '600'])
  writeFileSync(join(folder, 'b'), 'old', { mode: 0o644 })
  writeFileSync(join(folder, 'b.part'), 'half', { mode: 0o644 })
  writePrivate(folder, 'b', 'new')
  assert.equal(modeOf(folder, 'b'), '600')
  assert.equal(readFileSync(join(folder, 'b'), 'utf8'), 'new')
})

test('secrets are 128 bits at random', () => {
  const made = new Set(Array.from({ length: 100 }, newSecret))
  assert.equal(made.size, 100)
  for (const secret of made) assert.match(secret, /^[0-9a-f]{32}$/)
})

test('only the right secret of a known account is let in', async (t) => {
  const accounts = new WireAccounts(await openStore(t, tempFolder(t)), new FakeClock())
  const secret = await accounts.add('d1', 'device')
  assert.equal(accounts.verify('d1', secret), true)
  for (const [id, given] of [
    ['d1', ''],
    ['d1', `${secret} `],
    ['d1', secret.toUpperCase() === secret ? 'x' : secret.toUpperCase()],
    ['d2', secret],
    ['d2', ''],
    ['', ''],
    ['__proto__', ''],
  ] as const) {
    assert.equal(accounts.verify(id, given), false, `${id} ${given}`)
  }
})

test('accounts outlive a restart; a new secret ends the old one; the store holds no secret', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder)
  const first = new WireAccounts(store, new FakeClock())
  const old = await first.add('d1', 'device')
  const given = await first.add('b1', 'bridge', 'stated by the caller')
  assert.equal(given, 'stated by the caller')
  const renewed = await first.add('d1', 'device')
  const second = new WireAccounts(store, new FakeClock())
  assert.equal(second.size, 2)
  assert.deepEqual(
    [second.verify('d1', old), second.verify('d1', renewed), second.verify('b1', given)],
    [false, true, true],
  )
  const rows = JSON.stringify(store.reader.prepare('SELECT * FROM accounts').all())
  for (const secret of [old, renewed, given]) assert.ok(!rows.includes(secret))
})

test('an account that could not be stored is not let in', async (t) => {
  const store = await openStore(t, tempFolder(t))
  const accounts = new WireAccounts(store, new FakeClock())
  await store.close()
  await assert.rejects(accounts.add('d1', 'device', 'secret'))
  assert.equal(accounts.verify('d1', 'secret'), false)
})

test('a reference leads to the secret of a file or a variable', (t) => {
  const folder = tempFolder(t)
  writePrivate(join(folder, 'secrets'), 'camera', 'p4ss\n')
  assert.equal(readSecret('file:secrets/camera', folder), 'p4ss')
  assert.equal(readSecret(`file:${join(folder, 'secrets/camera')}`, '/nowhere'), 'p4ss')
  process.env['GANGLION_TEST_SECRET'] = 'from:outside'
  t.after(() => delete process.env['GANGLION_TEST_SECRET'])
  assert.equal(readSecret('env:GANGLION_TEST_SECRET', folder), 'from:outside')
})

test('a reference that leads nowhere names itself, what to do, and nothing of what it found', (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'large'), 'topsecret'.repeat(10_000))
  writeFileSync(join(folder, 'empty'), ' \n')
  mkdirSync(join(folder, 'folder'))
  process.env['GANGLION_TEST_EMPTY'] = ''
  t.after(() => delete process.env['GANGLION_TEST_EMPTY'])
  const references = [
    'file:missing',
    'file:large',
    'file:empty',
    'file:folder',
    'env:GANGLION_TEST_NONE',
    'env:GANGLION_TEST_EMPTY',
  ]
  for (const reference of references) {
    assert.throws(
      () => readSecret(reference, folder),
      (error) => {
        assert.ok(isGanglionError(error, 'secret-missing'), String(error))
        assert.ok(error.message.startsWith(`${reference}: `))
        assert.ok(!`${error.message}${error.hint ?? ''}`.includes('topsecret'))
        return true
      },
    )
  }
})

test('the key of the box is made once, signs, and its public half stands beside it', (t) => {
  const folder = tempFolder(t)
  const first = boxKey(folder)
  assert.deepEqual([modeOf(folder, 'keys'), modeOf(folder, 'keys/box.pem')], ['700', '600'])
  const text = Buffer.from('signed by the box')
  const signature = first.sign(text)
  // What a crash between the two files leaves.
  rmSync(join(folder, 'keys/box.public.pem'))
  const second = boxKey(folder)
  assert.ok(verify(null, text, second.publicKey, signature))
  assert.ok(verify(null, text, readFileSync(join(folder, 'keys/box.public.pem')), signature))
  assert.ok(!verify(null, Buffer.from('other'), second.publicKey, signature))
})

test('the token is made once, and again where a crash left an empty file', (t) => {
  const folder = tempFolder(t)
  const token = apiToken(folder)
  assert.match(token, /^[0-9a-f]{32}$/)
  assert.equal(modeOf(folder, 'token'), '600')
  assert.equal(apiToken(folder), token)
  writeFileSync(join(folder, 'token'), '')
  assert.match(apiToken(folder), /^[0-9a-f]{32}$/)
})

test('only a bearer of the very token is let in', () => {
  assert.ok(holdsToken('Bearer abc', 'abc'))
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer abcd',
    'Bearer ab',
    'bearer abc',
    'Basic abc',
    'abc',
    'Bearer abc abc',
    `Bearer ${'a'.repeat(300)}`,
  ]) {
    assert.ok(!holdsToken(header, 'abc'), header)
  }
  assert.ok(!holdsToken(undefined, ''))
  assert.ok(!holdsToken('Bearer ', ''))
})
