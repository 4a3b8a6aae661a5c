import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { demoFolder, mainFile } from '../commands/rooms.ts'
import { tempFolder } from './fixtures.ts'

/** Replacements in the demo's files, each one mistake. */
type Slips = Readonly<Record<string, readonly (readonly [right: string, wrong: string])[]>>

const slips: Slips = {
  'box.yaml': [
    ['  mqtt:', '  mqqt:'],
    ['catalogue: demo', 'catalogue: dmo'],
    ['ebike-shed,', 'ebike-shd,'],
    ['kind: http', 'kind: htp'],
  ],
  'lane-shop.yaml': [
    ['profile: ir-beam', 'profile: ir-bem'],
    ['silentAfter: 20 s ', 'silentAfter: 20 sec '],
  ],
  'shed-7.yaml': [
    ['account: z2m', 'account: z2n'],
    ['modbus-tcp: {', 'modbus-tpc: {'],
    ['onDuty:', 'onDutty:'],
    ['settings:', 'setings:'],
  ],
}

/** Every mistake with its file, line and path, and what was meant. */
const complaints: readonly RegExp[] = [
  /^box\.yaml:6 \/listen\/mqqt: unknown key "mqqt"; did you mean "mqtt"\?$/m,
  /^box\.yaml:8 \/catalogue: unknown catalogue "dmo"; did you mean "demo"\?$/m,
  /^box\.yaml:9 \/packs\/0: unknown pack "ebike-shd"; did you mean "ebike-shed"\?$/m,
  /^box\.yaml:14 \/connectors\/0\/kind: unknown kind "htp"; did you mean "http"\?$/m,
  /^lane-shop\.yaml:16 \/devices\/0\/profile: unknown profile "ir-bem"; did you mean "ir-beam"\?$/m,
  /^lane-shop\.yaml:30 \/devices\/1\/silentAfter: .*got "20 sec"$/m,
  /^shed-7\.yaml:7 \/onDutty: unknown key "onDutty"; did you mean "onDuty"\?$/m,
  /^shed-7\.yaml:10 \/setings: unknown key "setings"; did you mean "settings"\?$/m,
  /^shed-7\.yaml:16 \/devices\/0\/via\/mqtt\/account: unknown bridge "z2n"; did you mean "z2m"\?$/m,
  /^shed-7\.yaml:21 \/devices\/1\/via\/modbus-tpc: unknown transport "modbus-tpc"; did you mean "modbus-tcp"\?$/m,
]

function brokenBox(t: TestContext): { readonly root: string; readonly folder: string } {
  const root = tempFolder(t)
  const folder = join(root, 'box')
  cpSync(demoFolder, folder, { recursive: true })
  for (const [name, pairs] of Object.entries(slips)) {
    let text = readFileSync(join(folder, name), 'utf8')
    for (const [right, wrong] of pairs) {
      assert.ok(text.includes(right), `${name} holds "${right}"`)
      text = text.replace(right, wrong)
    }
    writeFileSync(join(folder, name), text)
  }
  return { root, folder }
}

function ganglion(words: readonly string[], cwd: string, under: readonly string[] = []) {
  const [program = '', ...rest] = [...under, process.execPath, mainFile, ...words]
  const { status, stdout, stderr } = spawnSync(program, rest, { cwd, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('start on broken files names every mistake at once, exits 2 and starts nothing', (t) => {
  const { root, folder } = brokenBox(t)
  const { status, stdout, stderr } = ganglion(['start', '--box', folder, '--data', join(root, 'data')], root)
  assert.equal(status, 2)
  for (const complaint of complaints) assert.match(stderr, complaint)
  assert.equal(stdout, '')
  assert.deepEqual(readdirSync(root), ['box'])
})

test('check names the same mistakes and exits 2', (t) => {
  const { root, folder } = brokenBox(t)
  const { status, stderr } = ganglion(['check', folder], root)
  assert.equal(status, 2)
  for (const complaint of complaints) assert.match(stderr, complaint)
  const started = ganglion(['start', '--box', folder], root)
  assert.equal(stderr.split('\n').slice(1).join('\n'), started.stderr.split('\n').slice(1).join('\n'))
})

test('a mistake in box.yaml puts no blame on what sites say of its rules', (t) => {
  const root = tempFolder(t)
  const folder = join(root, 'box')
  cpSync(demoFolder, folder, { recursive: true })
  const file = join(folder, 'box.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('ebike-shed,', 'ebike-shd,'))
  const { stderr } = ganglion(['check', folder], root)
  assert.deepEqual(stderr.trim().split('\n').slice(1), [
    'box.yaml:9 /packs/0: unknown pack "ebike-shd"; did you mean "ebike-shed"?',
  ])
})

test('files that are no YAML, of another name or empty are mistakes with a place', (t) => {
  const root = tempFolder(t)
  const folder = join(root, 'box')
  cpSync(demoFolder, folder, { recursive: true })
  writeFileSync(join(folder, 'torn.yaml'), 'name: { zh: 一\n')
  writeFileSync(join(folder, 'empty.yaml'), '')
  writeFileSync(join(folder, 'late.yml'), 'name: x\n')
  writeFileSync(join(folder, 'bytes.yaml'), Buffer.from([0, 1, 2, 0xff]))
  const shed = readFileSync(join(demoFolder, 'shed-7.yaml'), 'utf8')
  writeFileSync(
    join(folder, 'missing.yaml'),
    shed.replace('gridCode:', 'gridcode:').replace('lng: 1', 'lng: 2'),
  )
  const { status, stderr } = ganglion(['check', folder], root)
  assert.equal(status, 2)
  assert.match(stderr, /^missing\.yaml:5 \/gridcode: unknown key "gridcode"; did you mean "gridCode"\?$/m)
  assert.match(stderr, /^missing\.yaml:1 \/: "gridCode" is missing$/m)
  assert.match(stderr, /^missing\.yaml:6 \/position\/lng: must be <= 180; got 223\.50052$/m)
  for (const name of ['torn.yaml', 'empty.yaml', 'late.yml', 'bytes.yaml'])
    assert.match(stderr, new RegExp(`^${name}:\\d+ /: `, 'm'))
  assert.doesNotMatch(stderr, /^(box|shed-7|lane-shop)\.yaml/m)
})

test('a folder without box.yaml, an unknown option and an unknown command are told with exit code 2', (t) => {
  const root = tempFolder(t)
  const missing = ganglion(['start', '--box', join(root, 'nowhere')], root)
  assert.equal(missing.status, 2)
  assert.match(missing.stderr, /config-missing/)
  assert.equal(ganglion(['start', '--bocks', 'x'], root).status, 2)
  assert.equal(ganglion(['strat'], root).status, 2)
  assert.deepEqual(readdirSync(root), [])
})

test('check of a right box opens no socket and makes no file', (t) => {
  if (!existsSync('/usr/bin/strace')) {
    t.skip('strace is not installed (Debian package strace)')
    return
  }
  const root = tempFolder(t)
  const trace = join(root, 'trace')
  const { status, stdout } = ganglion(['check', demoFolder], root, [
    ...['strace', '-f', '-qq', '-e', 'trace=socket,connect,bind,listen,execve', '-o', trace],
  ])
  assert.equal(status, 0)
  assert.match(stdout, /2 sites/)
  const calls = readFileSync(trace, 'utf8').split('\n')
  assert.ok(
    calls.some((call) => call.includes('execve(')),
    'the trace saw the process',
  )
  assert.deepEqual(
    calls.filter((call) => /\b(socket|connect|bind|listen)\(/.test(call) && !call.includes('AF_UNIX')),
    [],
  )
  assert.deepEqual(readdirSync(root), ['trace'])
})
