import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { startCamera } from '../simulator/camera.ts'
import { startModbusServer } from '../simulator/devices/modbus-server.ts'
import { atEnd } from './fixtures.ts'
import {
  BEAM,
  dial,
  makeBox,
  secretOf,
  SMOKE,
  smokePayload,
  startBox,
  stateOf,
  TestPlatform,
  type BoxPorts,
  type BoxProcess,
  type Entry,
  type TestBox,
} from './box-rig.ts'

const CAMERA_PASSWORD = 'pass word/of@the:camera'
const WRONG_SECRET = 'a-secret-that-is-wrong'

const devices = ({ rtsp, modbus: port }: BoxPorts): readonly Entry[] => [
  {
    id: 'protector',
    profile: 'arc-protector-5b',
    via: { 'modbus-tcp': { host: '127.0.0.1', port, unit: 5, every: '200 ms' } },
  },
  {
    id: 'camera',
    profile: 'rtsp-camera',
    via: {
      rtsp: {
        url: `rtsp://127.0.0.1:${rtsp}/lane`,
        user: 'ganglion',
        password: 'file:secrets/camera',
      },
    },
  },
]

/** Every wire of a box in use: MQTT, Modbus, a camera that first refuses the login, the platform, the API. */
async function busyBox(
  t: TestContext,
  under: (box: TestBox) => readonly string[] = () => [],
): Promise<{ readonly box: TestBox; readonly gateway: BoxProcess; readonly platform: TestPlatform }> {
  const box = await makeBox(t, { shed: devices })
  mkdirSync(join(box.dataFolder, 'secrets'), { mode: 0o700 })
  writeFileSync(join(box.dataFolder, 'secrets', 'camera'), `${CAMERA_PASSWORD}\n`, { mode: 0o600 })
  const modbus = await startModbusServer({ host: '127.0.0.1', port: box.ports.modbus }, systemClock)
  atEnd(t, () => modbus.stop())
  const camera = await startCamera({
    host: '127.0.0.1',
    port: box.ports.rtsp,
    path: '/lane',
    user: 'ganglion',
    password: CAMERA_PASSWORD,
    scene: 'fire-lane-empty',
  })
  atEnd(t, () => camera.stop())
  await camera.setFault('auth-refused')
  const platform = await TestPlatform.start(t, box)
  const gateway = await startBox(t, box, { under: under(box) })
  await gateway.healthy('the refused login', (report) => stateOf(report, 'camera') === 'auth-refused')
  await camera.setFault(undefined)
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')
  await bridge.say(SMOKE, smokePayload(true))
  await beam.say(BEAM, { blocked: true })
  await platform.gotCase('smoke')
  await platform.gotCase('beyond-door')
  await gateway.healthy('pictures', (report) => stateOf(report, 'camera') === 'seeing')
  return { box, gateway, platform }
}

const routes = ['/api/health', '/api/config', '/api/cases', '/api/cases/x', '/api/devices/beam/readings']

test('every route of the API wants the token, and what is no route tells a stranger nothing', async (t) => {
  const box = await makeBox(t)
  const gateway = await startBox(t, box)
  const url = `http://127.0.0.1:${box.ports.api}`
  const ask = (path: string, method: string, authorization?: string): Promise<Response> =>
    fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      ...(method === 'POST' && { body: '{"id":"thief","kind":"bridge"}' }),
    })
  const token = gateway.token()
  const strangers = [undefined, 'Bearer ', 'Bearer wrong', `Basic ${token}`, `Bearer ${token}0`, token]
  const asked = [
    ...routes.map((path) => [path, 'GET']),
    ['/api/accounts', 'POST'],
    ['/', 'GET'],
    ['/x', 'PUT'],
  ]
  for (const [path = '', method = ''] of asked) {
    for (const authorization of strangers) {
      const answer = await ask(path, method, authorization)
      assert.equal(answer.status, 401, `${method} ${path} with ${authorization ?? 'nothing'}`)
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
      assert.doesNotMatch(await answer.text(), new RegExp(token))
    }
  }
  assert.equal((await ask('/api/health', 'GET', `Bearer ${token}`)).status, 200)
  assert.equal((await ask('/x', 'GET', `Bearer ${token}`)).status, 404)
  assert.equal(existsSync(join(box.dataFolder, 'secrets', 'thief')), false)
})

const TRACER = '/usr/bin/strace'

/** What else might be written down by mistake. */
const formsOf = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('hex'),
]

/** One box for all: its camera alone takes seconds. */
test('a box in use keeps its secrets, its files and its connections to itself', async (t) => {
  const hasTracer = existsSync(TRACER)
  const traceOf = ({ folder }: TestBox): string => join(folder, '..', 'trace')
  // The tracer as a grandchild: signals reach the gateway itself.
  const { box, gateway } = await busyBox(t, (traced) =>
    hasTracer ? [TRACER, '-D', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg', '-o', traceOf(traced)] : [],
  )
  const guess = await dial(t, box, 'beam', { password: WRONG_SECRET, clientId: 'guess', clean: true })
  await gateway.healthy('the wrong password', ({ troubles }) =>
    troubles.some(({ what }) => what.includes('not-allowed (beam)')),
  )
  await guess.client.endAsync(true)

  const pem = readFileSync(join(box.dataFolder, 'keys', 'box.pem'), 'utf8')
  const secrets: Readonly<Record<string, string>> = {
    z2m: secretOf(box, 'z2m'),
    beam: secretOf(box, 'beam'),
    camera: CAMERA_PASSWORD,
    'the wrong one': WRONG_SECRET,
    token: gateway.token(),
    key: pem.split('\n')[1] ?? '',
  }
  const secretsIn = (bytes: Buffer): readonly string[] =>
    Object.entries(secrets)
      .filter(([, secret]) => formsOf(secret).some((form) => bytes.includes(form)))
      .map(([name]) => name)
  const filesOf = (): readonly string[] =>
    filesIn(box.dataFolder).filter(
      (name) => !/^(secrets\/.*|token|keys\/box\.pem|reserve)$/.test(name), // their own files
    )
  const wrongModes = (): readonly string[] =>
    modesIn(box.dataFolder).filter((line) => !/ (folder 700|file 600)$/.test(line))

  await t.test('no secret stands in argv or environment of the gateway and its children', () => {
    for (const [name, secret] of Object.entries(secrets)) assert.ok(secret.length >= 20, name)
    const pids = family(gateway.pid)
    assert.ok(pids.length >= 2, 'the gateway and its vision process')
    for (const pid of pids) {
      assert.deepEqual(secretsIn(readFileSync(`/proc/${pid}/cmdline`)), [], `argv of ${pid}`)
      assert.deepEqual(secretsIn(readFileSync(`/proc/${pid}/environ`)), [], `environment of ${pid}`)
    }
  })

  await t.test('no secret stands in health or in a file but its own', async () => {
    assert.deepEqual(secretsIn(Buffer.from(JSON.stringify(await gateway.health()))), [])
    const searched = filesOf()
    for (const name of ['ganglion.db', 'ganglion.db-wal', 'api.json', 'log/ganglion.log'])
      assert.ok(searched.includes(name), name)
    for (const name of searched)
      assert.deepEqual(secretsIn(readFileSync(join(box.dataFolder, name))), [], name)
  })

  await t.test('all that lies in the data folder is for its user alone', () => {
    assert.ok(modesIn(box.dataFolder).length > 8)
    assert.deepEqual(wrongModes(), [])
  })

  await t.test('nothing is left behind at the end, in print or on the disk', async () => {
    assert.deepEqual(await gateway.end(), { code: 0, signal: null })
    assert.deepEqual(secretsIn(Buffer.from(gateway.output + gateway.complaint)), [])
    for (const name of filesOf())
      assert.deepEqual(secretsIn(readFileSync(join(box.dataFolder, name))), [], name)
    assert.deepEqual(wrongModes(), [])
  })

  await t.test('it dialled the addresses that its files name and no other', (one) => {
    if (!hasTracer) {
      one.skip('strace is not installed (Debian package strace)')
      return
    }
    const { platform, modbus, rtsp } = box.ports
    assert.deepEqual(
      dialledIn(readFileSync(traceOf(box), 'utf8')),
      [platform, modbus, rtsp].map((port) => `127.0.0.1:${port}`).sort(),
    )
  })
})

/** The process and all below it. */
function family(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number),
  )
  return [pid, ...children.flatMap(family)]
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))

const modesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name)
    const mode = (statSync(path).mode & 0o777).toString(8)
    return `${relative(folder, path)} ${entry.isDirectory() ? 'folder' : 'file'} ${mode}`
  })

/** Every address of the internet that the traced processes opened a connection or sent a datagram to. */
function dialledIn(trace: string): readonly string[] {
  const calls = trace
    .split('\n')
    .filter((call) => /\b(connect|sendto|sendmsg)\(.*sa_family=AF_INET/.test(call))
  const dialled = calls.map((call) => {
    const port = /sin6?_port=htons\((\d+)\)/.exec(call)?.[1]
    const address = /inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"/.exec(call)?.[1]
    return `${address ?? call}:${port ?? '?'}`
  })
  return [...new Set(dialled)].sort()
}
