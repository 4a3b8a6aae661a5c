import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'

/** Whole runs of `ganglion simulate` on a small box of their own: a smoke alarm, a beam and a Modbus station. */

const mainFile = join(import.meta.dirname, '..', 'main.ts')

/** Ports that were free a moment ago: a box file has to name them. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port) // they listen on TCP
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** A folder with the box and a scenario of this time line and judgement. */
async function smallBox(t: TestContext, play: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'simulate-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [api, mqtt, modbus, platform] = await freePorts(4)
  mkdirSync(join(folder, 'box'))
  writeFileSync(
    join(folder, 'box', 'box.yaml'),
    `id: small
name: { zh: 小盒, en: small box }
listen: { api: 127.0.0.1:${api}, mqtt: 127.0.0.1:${mqtt} }
catalogue: demo
packs: [ebike-shed, fire, storefront, box]
bridges: [{ id: z2m, codec: zigbee2mqtt, base: zigbee2mqtt }]
connectors: [{ id: platform, kind: http, url: http://127.0.0.1:${platform}/v1 }]
`,
  )
  writeFileSync(
    join(folder, 'box', 'hall.yaml'),
    `name: { zh: 门厅, en: Hall }
kind: other
address: 演示市示范区一号院门厅
gridCode: '99010100100109'
position: { lng: 123.5, lat: 29.5, crs: WGS84 }
trialDays: 0
devices:
  - { id: hall-smoke, profile: heiman-hs1sa, via: { mqtt: { account: z2m, address: hall } } }
  - { id: hall-beam, profile: ir-beam, via: { mqtt: {} } }
  - { id: hall-station, profile: estation-5d, via: { modbus-tcp: { host: 127.0.0.1, port: ${modbus}, unit: 11, every: 1 s } } }
`,
  )
  writeFileSync(
    join(folder, 'try.yaml'),
    `title: { zh: 试, en: try }\nbox: box\nseed: 1\nreportsEvery: 1 s\n${play}`,
  )
  return folder
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function simulate(...words: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [mainFile, 'simulate', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], out, err]) => ({ code: code as number | null, out, err }), // what `exit` hands over
  )
  return { child, ended }
}

const alarm = `length: 6 s
timeline:
  - { at: 500 ms, device: hall-smoke, set: { smoke: true } }
  - { at: 1 s, device: hall-station, set: { port-1/portTemperature: 78 } }
  - { at: 1500 ms, device: hall-beam, fault: { name: malformed-json, for: 1 s } }
  - { at: 3 s, device: hall-smoke, set: { smoke: false } }
`

test('what a scenario wants comes over real wires, and the report says so', async (t) => {
  const folder = await smallBox(
    t,
    `${alarm}want:
  - { class: smoke, place: hall/hall-smoke, cleared: true, stage: accepted }
  - { class: port-heat, place: hall/hall-station/port-1, cleared: false }
forbid: [{ class: '*' }]
`,
  )
  const report = join(folder, 'report.xml')
  const { code, out, err } = await simulate(join(folder, 'try.yaml'), '--junit', report).ended
  assert.equal(code, 0, out + err)
  assert.match(out, /X-SMOKE/)
  assert.match(out, /try: as wanted/)
  assert.match(readFileSync(report, 'utf8'), /tests="4" failures="0"/)
})

test('missing and forbidden cases are said, and the exit code is 1', async (t) => {
  const folder = await smallBox(
    t,
    `${alarm}want:
  - { class: beyond-door, place: hall/hall-beam }
forbid: [{ class: port-heat }]
`,
  )
  const report = join(folder, 'report.xml')
  const { code, out } = await simulate(join(folder, 'try.yaml'), '--junit', report).ended
  assert.equal(code, 1)
  assert.match(out, /missing: beyond-door at hall\/hall-beam: wanted 1, 0 came/)
  assert.match(out, /forbidden: port-heat at hall\/hall-station\/port-1/)
  assert.match(out, /also came: smoke at hall\/hall-smoke/)
  assert.match(readFileSync(report, 'utf8'), /failures="2"/)
})

test('a gateway that runs on another configuration is not judged', async (t) => {
  const folder = await smallBox(t, alarm)
  const dataFolder = join(folder, 'data')
  const gateway = spawn(
    process.execPath,
    [mainFile, 'start', '--box', join(folder, 'box'), '--data', dataFolder, '--make-secrets'],
    { stdio: 'ignore' },
  )
  const gone = once(gateway, 'exit')
  t.after(async () => {
    gateway.kill('SIGTERM')
    await gone
  })
  await until(() => existsSync(join(dataFolder, 'api.json')))
  const { url } = JSON.parse(readFileSync(join(dataFolder, 'api.json'), 'utf8')) as { url: string } // its own file
  writeFileSync(
    join(folder, 'box', 'hall.yaml'),
    `${readFileSync(join(folder, 'box', 'hall.yaml'), 'utf8')}# changed\n`,
  )
  const against = ['--against', url, '--token-file', join(dataFolder, 'token')]
  const { code, err } = await simulate(join(folder, 'try.yaml'), ...against).ended
  assert.equal(code, 2)
  assert.match(err, /runs on another configuration/)
})

test('a stopped run ends at once and leaves no process and no data behind', async (t) => {
  const folder = await smallBox(t, alarm.replace('length: 6 s', 'length: 60 s'))
  const { child, ended } = simulate(join(folder, 'try.yaml'))
  const out = child.stdout
  assert.ok(out)
  let said = ''
  await new Promise<void>((resolve) => {
    out.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('X-SMOKE')) resolve()
    })
  })
  const children = childrenOf(child.pid ?? 0)
  assert.equal(children.length, 2, 'wanted a gateway and a platform')
  const dataFolder = dataFolderOf(children)
  child.kill('SIGTERM')
  const { code } = await ended
  assert.equal(code, 130)
  assert.deepEqual(
    children.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  )
  assert.ok(!existsSync(dataFolder))
})

test('a wrong command line is told and starts nothing', async () => {
  for (const [words, wanted] of [
    [[], /wanted one scenario file/],
    [['a.yaml', '--against', 'http://127.0.0.1:1'], /--against and --token-file go together/],
    [['a.yaml', '--show', 'pictures'], /--show wants table or cases/],
    [['a.yaml', '--fast'], /fast/],
    [['/nowhere/a.yaml'], /cannot be read/],
  ] as const) {
    const { code, err } = await simulate(...words).ended
    assert.equal(code, 2)
    assert.match(err, wanted)
  }
})

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
}

function dataFolderOf(pids: readonly number[]): string {
  for (const pid of pids) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const at = words.indexOf('--data')
    if (at >= 0) return words[at + 1] ?? ''
  }
  return assert.fail('no gateway among the children')
}
