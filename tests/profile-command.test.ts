import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { demoFolder, mainFile, shippedProfiles } from '../commands/rooms.ts'
import { idsIn } from '../gateway/profile-shelf.ts'
import { configHash as hashOfGateway } from '../gateway/config.ts'
import { configHash as hashOfSimulator } from '../simulator/box-folder.ts'
import { readProfilePoints } from '../simulator/profile-points.ts'
import { tempFolder } from './fixtures.ts'

const own = `# 烟感: an example of a site's own
vendor: Street
model: Own
name: { zh: 自备烟感, en: Own smoke alarm }
codec: json
power: battery
reportsEvery: 6 h
points:
  smoke: { from: s }
  battery: { from: cell }
examples:
  - payload: { s: true, cell: 250 }
    gives: { smoke: true, battery: bad }
`

function ganglion(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile, ...words], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('profile list names every profile that ships, with its variants', () => {
  const { status, stdout } = ganglion('profile', 'list')
  assert.equal(status, 0)
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines.length, idsIn(shippedProfiles).length)
  assert.match(stdout, /^lx47le-125 +modbus +mains +智能漏电断路器.* variant: a \| b \| c$/m)
})

test('profile check shows what its examples give', (t) => {
  const file = join(tempFolder(t), 'street-smoke.yaml')
  writeFileSync(file, own)
  const { status, stdout, stderr } = ganglion('profile', 'check', file)
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^street-smoke: 自备烟感 · Own smoke alarm$/m)
  assert.match(stdout, /2 points, battery, checks in every 6 h, cannot be asked, missing after 26 h/)
  assert.match(stdout, /^ {4}smoke +true$/m)
  assert.match(stdout, /^ {4}battery +bad \(250\)$/m)
  assert.match(stdout, /street-smoke\.yaml: right$/m)
})

test('profile check names every mistake with its line and path and exits 2', (t) => {
  const folder = tempFolder(t)
  const wrongs: readonly (readonly [right: string, wrong: string, told: RegExp])[] = [
    ['codec: json', 'codec: jsn', /:5 \/codec: unknown codec "jsn"; did you mean "json"\?$/m],
    ['power: battery', 'power: batery', /:6 \/power: wanted one of mains, battery; got "batery"/m],
    [
      '{ from: cell }',
      '{ form: cell }',
      /:10 \/points\/battery\/form: unknown key "form"; did you mean "from"\?$/m,
    ],
    ['battery: bad', 'battery: 25', /:13 \/examples\/0\/gives\/battery: wanted 25; it decodes to "bad"$/m],
    [', battery: bad', '', /:13 \/examples\/0\/gives: it gives this too: battery: bad$/m],
    ['payload: { s: true, cell: 250 }', 'hex: 00 01', /:12 \/examples\/0: wanted a JSON object; got /m],
  ]
  for (const [right, wrong, told] of wrongs) {
    const file = join(folder, 'street-smoke.yaml')
    assert.ok(own.includes(right))
    writeFileSync(file, own.replace(right, wrong))
    const { status, stderr } = ganglion('profile', 'check', file)
    assert.equal(status, 2, stderr)
    assert.match(stderr, told)
  }
})

test('profile without a file, or with one that is not there, says what was wanted', (t) => {
  const missing = ganglion('profile', 'check', join(tempFolder(t), 'no.yaml'))
  assert.equal(missing.status, 2)
  assert.match(missing.stderr, /config-missing/)
  for (const words of [
    ['profile'],
    ['profile', 'check'],
    ['profile', 'list', 'x'],
    ['profile', 'chek', 'x'],
  ]) {
    const { status, stderr } = ganglion(...words)
    assert.equal(status, 2)
    assert.match(stderr, /wanted: ganglion profile list, or ganglion profile check <file>/)
  }
})

test('check tries the examples of a box’s own profiles; gateway and simulator agree on what they have read', (t) => {
  const folder = join(tempFolder(t), 'box')
  cpSync(demoFolder, folder, { recursive: true })
  const without = hashOfGateway(folder)
  mkdirSync(join(folder, 'profiles'))
  writeFileSync(join(folder, 'profiles/street-smoke.yaml'), own)
  assert.equal(ganglion('check', folder).status, 0)
  assert.notEqual(hashOfGateway(folder), without)
  assert.equal(hashOfSimulator(folder), hashOfGateway(folder))
  assert.deepEqual(
    readProfilePoints('street-smoke', folder).payload.map(({ quantity }) => quantity),
    ['smoke', 'battery'],
  )
  writeFileSync(join(folder, 'profiles/street-smoke.yaml'), own.replace('smoke: true,', 'smoke: false,'))
  const { status, stderr } = ganglion('check', folder)
  assert.equal(status, 2)
  assert.match(
    stderr,
    /^profiles\/street-smoke\.yaml:13 \/examples\/0\/gives\/smoke: wanted false; it decodes to true$/m,
  )
})
