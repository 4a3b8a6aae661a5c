import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { mainFile } from '../commands/rooms.ts'
import { Store } from '../gateway/store/store.ts'
import { makeBox, writeYaml } from './box-rig.ts'

/** `ganglion rules …` as a person calls it. */
async function ganglion(...words: readonly string[]): Promise<{ code: unknown; out: string; err: string }> {
  const child = spawn(process.execPath, [mainFile, 'rules', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()))
  const [code] = (await once(child, 'close')) as unknown[] // the exit code comes first
  return { code, ...said }
}

test('rules are promoted, demoted and looked at in the database of a box that does not run', async (t) => {
  const { folder, dataFolder } = await makeBox(t)
  const where = ['--box', folder, '--data', dataFolder]
  const never = await ganglion('shadow', ...where)
  assert.deepEqual([never.code, /start the box once/.test(never.err)], [2, true])
  await (await Store.open({ folder: dataFolder })).close()

  assert.match((await ganglion('shadow', ...where)).out, /^no rule is in shadow/)
  const demoted = await ganglion('demote', 'beam-blocked', '--site', 'shop', '--by', '王', ...where)
  assert.deepEqual([demoted.code, demoted.out], [0, 'beam-blocked at shop: shadow (王)\n'])
  assert.match(
    (await ganglion('shadow', ...where)).out,
    /^beam-blocked +shop +shadow .* 王 .*0 would-be cases/,
  )
  assert.equal((await ganglion('promote', 'beam-blocked', ...where)).code, 0)
  assert.match((await ganglion('shadow', '--site', 'shop', ...where)).out, /^beam-blocked +shop +live/)

  const smoke = await ganglion('demote', 'smoke', ...where)
  assert.deepEqual([smoke.code, /not-allowed\n.*always live/.test(smoke.err)], [1, true])
  assert.match((await ganglion('filing', ...where)).out, /10 decided cases .* below 50 %/)
})

test('a site is reviewed and taken live, and whoever forgets a word is told which', async (t) => {
  const { folder, dataFolder } = await makeBox(t)
  const where = ['--box', folder, '--data', dataFolder]
  writeYaml(folder, 'yard', {
    name: { zh: '院', en: 'Yard' },
    kind: 'other',
    address: '1 Test Road',
    gridCode: '99010100100101',
    position: { lng: 1, lat: 2, crs: 'WGS84' },
    trialDays: 1,
    devices: [],
  })
  const store = await Store.open({ folder: dataFolder })
  // It was first seen long ago, and its day is over.
  await store.put(['putSiteTrial', 'yard', Date.UTC(2026, 0, 2), null, null, null])
  await store.close()

  const early = await ganglion('go-live', 'yard', '--by', 'Li', ...where)
  assert.deepEqual([early.code, /nobody has looked/.test(early.err)], [1, true])
  assert.match(
    (await ganglion('review', 'yard', ...where)).out,
    /^yard 院: in trial; its days end 2026-01-03/,
  )
  assert.equal((await ganglion('go-live', 'yard', '--by', 'Li', ...where)).out, 'yard: live (Li)\n')
  assert.match((await ganglion('review', 'yard', ...where)).out, /^yard 院: live \(Li\)/)

  for (const words of [['go-live', 'yard'], ['review'], ['promote'], ['review', 'nowhere'], ['prmote']]) {
    assert.equal((await ganglion(...words, ...where)).code, 2, words.join(' '))
  }
})
