import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { mainFile } from '../commands/rooms.ts'
import { configHash } from '../gateway/config.ts'
import { configHash as hashOfSimulator } from '../simulator/box-folder.ts'
import { dial, makeBox, startBox, until, type BoxProcess, type TestBox } from './box-rig.ts'

/** `ganglion rules change` beside a gateway that runs: the command as people give it. */

const DEVICES = 13
const ids = Array.from({ length: DEVICES }, (_, index) => `lamp-${index + 1}`)

const profile = `vendor: Test
model: lamp
name: { zh: 灯, en: Lamp }
codec: json
reportsEvery: 1 min
points: { illuminance: { from: lux } }
examples: [{ payload: { lux: 7 }, gives: { illuminance: 7 } }]
`

const packText = (above: number): string => `name: { zh: 试, en: Test }
rules:
  too-bright: { version: 1, kind: threshold, class: rubbish, source: default, settings: { quantity: illuminance, above: ${above} lx, clearBelow: ${above - 1} lx, polls: 1 }, title: { zh: 亮, en: Bright }, why: { zh: 亮, en: Bright } }
`

const siteText = `
name: { zh: 院, en: Yard }
kind: other
address: 演示市示范区和平街道一号社区青松路2号（测试）
gridCode: '99010100100101'
position: { lng: 123.5, lat: 29.5, crs: WGS84 }
trialDays: 0
devices: [${ids.map((id) => `{ id: ${id}, profile: lamp, via: { mqtt: {} } }`).join(', ')}]
`

async function change(
  box: TestBox,
  ...words: string[]
): Promise<{ code: unknown; out: string; err: string }> {
  const where = ['--box', box.folder, '--data', box.dataFolder]
  const child = spawn(process.execPath, [mainFile, 'rules', 'change', ...words, ...where])
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = (await once(child, 'close')) as unknown[] // the exit code comes first
  return { code, out, err }
}

interface Answer {
  readonly configHash: string
  readonly ruleChanges: {
    readonly watchedUntil: string | null
    readonly last: readonly { readonly state: string; readonly by: string; readonly detail: string }[]
  }
}

async function ask(gateway: BoxProcess, path: string): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${gateway.box.ports.api}${path}`, {
    headers: { authorization: `Bearer ${gateway.token()}` },
  })
  return (await answer.json()) as Answer // our own API
}

test(
  'a changed pack is compared, put in force, watched over a kill, and taken back by itself',
  { timeout: 120_000 },
  async (t) => {
    const box = await makeBox(t)
    const own = join(box.folder, 'packs/own.yaml')
    for (const [name, text] of [
      ['profiles/lamp.yaml', profile],
      ['packs/own.yaml', packText(1000)],
      ['yard.yaml', siteText],
    ] as const) {
      mkdirSync(dirname(join(box.folder, name)), { recursive: true })
      writeFileSync(join(box.folder, name), text)
    }
    const boxFile = join(box.folder, 'box.yaml')
    writeFileSync(boxFile, readFileSync(boxFile, 'utf8').replace('- box\n', '- box\n  - own\n'))
    const tried = join(box.folder, '..', 'tried.yaml')
    writeFileSync(tried, packText(500))

    let gateway = await startBox(t, box)
    const lamps = new Map(await Promise.all(ids.map(async (id) => [id, await dial(t, box, id)] as const)))
    const say = (id: string, lux: number): Promise<unknown> | undefined =>
      lamps.get(id)?.say(`ganglion/yard/${id}/up`, { lux })
    await say('lamp-1', 600)

    const dry = await change(box, tried)
    assert.equal(dry.code, 0, dry.err)
    assert.match(dry.out, /0 tests of the pack passed, 0 failed/)
    assert.match(dry.out, /too-bright: settings\.above: 1000 lx → 500 lx/)
    assert.match(dry.out, /\+ .*too-bright \(rubbish\) {2}yard\/lamp-1/)
    assert.match(
      dry.out,
      /promised: 1\.0 raises an hour and 1 at once; rolled back at more than 11\nnothing was changed/,
    )
    assert.equal(readFileSync(own, 'utf8'), packText(1000))

    await t.test('what is wrong is told with its line, and an unwatched folder is refused', async () => {
      const wrong = join(box.folder, '..', 'wrong.yaml')
      writeFileSync(wrong, packText(500).replace('clearBelow: 499 lx', 'clearBelow: 499 °C'))
      const refused = await change(box, wrong, '--as', 'own', '--yes', '--by', 'Li')
      assert.equal(refused.code, 2)
      assert.match(refused.err, /wrong\.yaml:3 .*°C/)
      writeFileSync(join(box.folder, 'yard.yaml'), `${siteText}hours: 08:00-20:00\n`)
      const other = await change(box, tried, '--yes', '--by', 'Li')
      assert.deepEqual([other.code, /runs on another configuration/.test(other.err)], [1, true])
      writeFileSync(join(box.folder, 'yard.yaml'), siteText)
    })

    const forced = await change(box, tried, '--yes', '--by', 'Li', '--minutes', '30')
    assert.equal(forced.code, 0, forced.err)
    assert.match(forced.out, /own is in force and watched for 30 min \(Li\)/)
    assert.equal(readFileSync(own, 'utf8'), packText(500))
    assert.equal(readFileSync(join(box.dataFolder, 'last-good/packs/own.yaml'), 'utf8'), packText(1000))
    assert.equal((await ask(gateway, '/api/config')).configHash, configHash(box.folder))
    assert.deepEqual(
      (await ask(gateway, '/api/health')).ruleChanges.last.map(({ state, by }) => `${state} ${by}`),
      ['watched Li'],
    )
    const again = await change(box, tried, '--yes', '--by', 'Wang')
    assert.deepEqual([again.code, /is watched until/.test(again.err)], [1, true])

    // It watches on after a kill, and then its rules raise more than was promised.
    await gateway.end('SIGKILL')
    gateway = await startBox(t, box)
    assert.match((await change(box, '--list')).out, /^\d{4}-.* {2}own {2}Li {2}watched {2}for 30 min\n$/)
    assert.notEqual((await ask(gateway, '/api/health')).ruleChanges.watchedUntil, null)
    for (const id of ids) await say(id, 700)
    await until(
      'the roll-back',
      async () => (await ask(gateway, '/api/health')).ruleChanges.last[0]?.state === 'rolled-back',
    )
    assert.match(
      (await change(box, '--list')).out,
      /own {2}Li {2}rolled-back {2}its rules raised 13 times; the backtest promised 1\.0 an hour and 1 at once, the limit is 11\n/,
    )
    assert.equal(readFileSync(own, 'utf8'), packText(1000))
    assert.equal((await ask(gateway, '/api/config')).configHash, configHash(box.folder))

    const undone = await change(box, tried, '--yes', '--by', 'Wang')
    assert.match(undone.out, /own is in force and watched for 10 min \(Wang\)/, undone.err)
    assert.equal((await change(box, '--undo', '--by', 'Wang')).out, 'rolled back (Wang)\n')
    assert.equal(readFileSync(own, 'utf8'), packText(1000))
    assert.match((await change(box, '--list')).out, /Wang {2}rolled-back {2}by Wang\n/)

    await gateway.end()
    assert.equal(hashOfSimulator(box.folder), configHash(box.folder))
    const nobody = await change(box, tried, '--yes', '--by', 'Li')
    assert.deepEqual([nobody.code, /nobody would watch/.test(nobody.err)], [2, true])
  },
)
