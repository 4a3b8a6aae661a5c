import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { systemClock } from '../base/clock.ts'
import { mainFile } from '../commands/rooms.ts'
import { modbusDevice } from '../simulator/devices/modbus-device.ts'
import { startModbusServer } from '../simulator/devices/modbus-server.ts'
import { ebikeStation } from '../simulator/devices/registers.ts'
import { seededRandom } from '../simulator/random.ts'
import {
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  startBox,
  stateOf,
  TestPlatform,
  until,
  type BoxProcess,
  type Entry,
  type TestBox,
} from './box-rig.ts'
import { CountingSender } from './counting-sender.ts'
import { atEnd } from './fixtures.ts'

/** Reloads of a whole box: real wires, real files, the command as people give it. */

const RELOADS = 20
const SENDERS = 12

interface Reloaded {
  readonly status: number
  readonly changes: {
    readonly sites: { readonly added: readonly string[] }
    readonly devices: { readonly added: readonly string[]; readonly removed: readonly string[] }
    readonly rules: { readonly changed: readonly string[]; readonly added: readonly string[] }
  } | null
  readonly wires: readonly string[]
  readonly message?: string
}

async function reload(gateway: BoxProcess): Promise<Reloaded> {
  const answer = await fetch(`http://127.0.0.1:${gateway.box.ports.api}/api/reload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token()}` },
  })
  return { ...((await answer.json()) as Omit<Reloaded, 'status'>), status: answer.status } // our own API
}

async function ganglion(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [mainFile, ...words])
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

const counterProfile = `vendor: Test
model: counter
name: { zh: 计数器, en: Counter }
codec: json
reportsEvery: 1 min
points: { illuminance: { from: n } }
examples: [{ payload: { n: 7 }, gives: { illuminance: 7 } }]
`

const packText = (above: number, kind = 'threshold'): string => `
name: { zh: 试, en: Test }
rules:
  too-bright: { version: 1, kind: ${kind}, class: rubbish, source: default, settings: { quantity: illuminance, above: ${above} lx, clearBelow: ${above - 1} lx, polls: 1 }, title: { zh: 亮, en: Bright }, why: { zh: 亮, en: Bright } }
`

const siteText = (devices: readonly string[]): string => `
name: { zh: 换, en: Changing }
kind: other
address: 演示市示范区和平街道一号社区青松路2号（测试）
gridCode: '99010100100101'
position: { lng: 123.5, lat: 29.5, crs: WGS84 }
trialDays: 0
devices: [${devices.map((id) => `{ id: ${id}, profile: counter, via: { mqtt: {} } }`).join(', ')}]
`

const senderIds = Array.from({ length: SENDERS }, (_, index) => `sender-${index + 1}`)

/** Every value that was stored of a device, in its order. */
function storedOf(box: TestBox, device: string): readonly number[] {
  const db = new Database(join(box.dataFolder, 'ganglion.db'), { readonly: true })
  const rows = db
    .prepare('SELECT readings FROM arrivals WHERE device_id = ? ORDER BY seq')
    .pluck()
    .all(device)
  db.close()
  return (rows as string[]).map((text) => (JSON.parse(text) as { value: number }[])[0]?.value ?? NaN) // written by the gateway
}

/** In front of the Modbus station: how often anybody connects. */
async function countingProxy(
  t: TestContext,
  port: number,
): Promise<{ port: number; connections: () => number }> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    connections++
    const behind = connect(port, '127.0.0.1')
    for (const one of [socket, behind]) {
      sockets.add(one)
      one.on('error', () => undefined)
    }
    socket.pipe(behind).pipe(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, connections: () => connections } // it listens on TCP
}

test(
  'twenty reloads under load lose nothing, double nothing, and leave a wire alone that does not change',
  { timeout: 240_000 },
  async (t) => {
    const box = await makeBox(t, { messagesPerSecond: 5000 })
    const station = await startModbusServer({ host: '127.0.0.1', port: box.ports.modbus }, systemClock)
    atEnd(t, () => station.stop())
    const unit = modbusDevice(
      { id: 'station', unit: 11, map: ebikeStation(2), server: station },
      {
        clock: systemClock,
        random: seededRandom(1),
        reportsEvery: 3_600_000,
        endpoint: { host: '127.0.0.1', port: 0 },
      },
    )
    const proxy = await countingProxy(t, box.ports.modbus)
    const polled: Entry = {
      id: 'station',
      profile: 'estation-5d',
      via: { 'modbus-tcp': { host: '127.0.0.1', port: proxy.port, unit: 11, every: '100 ms' } },
    }
    const yard = siteText(senderIds).replace('devices: [', `devices: [${JSON.stringify(polled)}, `)
    mkdirSync(join(box.folder, 'profiles'), { recursive: true })
    writeFileSync(join(box.folder, 'profiles/counter.yaml'), counterProfile)
    mkdirSync(join(box.folder, 'packs'), { recursive: true })
    writeFileSync(join(box.folder, 'packs/own.yaml'), packText(199_000))
    const boxText = readFileSync(join(box.folder, 'box.yaml'), 'utf8')
    writeFileSync(join(box.folder, 'box.yaml'), boxText.replace('- box\n', '- box\n  - own\n'))
    writeFileSync(join(box.folder, 'yard.yaml'), yard)
    const gateway = await startBox(t, box)
    const platform = await TestPlatform.start(t, box)
    const bridge = await dial(t, box, 'z2m')
    await until('a poll', () => unit.isReady)

    const senders = senderIds.map((id) => new CountingSender(t, box, id, `ganglion/yard/${id}/up`))
    const running = senders.map((sender) => sender.run())
    await bridge.say(SMOKE, smokePayload(true))
    await platform.gotCase('smoke')
    const loaded = (): boolean => senders.every(({ said }) => said > 20)
    await until('some messages of each', loaded)

    let restarts = 0
    for (let n = 1; n <= RELOADS; n++) {
      const before = senders.map(({ said }) => said)
      // Every third time only rules change, and no wire is touched.
      const isRulesOnly = n % 3 === 0
      if (isRulesOnly) writeFileSync(join(box.folder, 'packs/own.yaml'), packText(190_000 + n))
      else if (n % 2 === 0) rmSync(join(box.folder, 'extra.yaml'), { force: true })
      else writeFileSync(join(box.folder, 'extra.yaml'), siteText([`extra-${n}`]))
      const answer = await reload(gateway)
      assert.equal(answer.status, 200, JSON.stringify(answer))
      const touched = answer.wires.length > 0
      if (touched) restarts++
      assert.deepEqual(answer.wires, touched ? ['mqtt'] : [])
      if (isRulesOnly) assert.deepEqual([answer.wires, answer.changes?.rules.changed], [[], ['too-bright']])
      await until('messages after the reload', () =>
        senders.every(({ said }, at) => said > (before[at] ?? 0) + 10),
      )
    }
    assert.ok(restarts >= 10, `${restarts} restarts of the broker`)
    await bridge.say(SMOKE, smokePayload(false))
    for (const sender of senders) sender.end()
    await Promise.all(running)
    await platform.got('the end of the smoke', (all) =>
      all.some((one) => one.class === 'smoke' && one.revision === 2),
    )
    assert.deepEqual(platform.revisionsOf('smoke'), ['shed/smoke:1', 'shed/smoke:2'])

    assert.equal(proxy.connections(), 1)
    const polls = storedOf(box, 'station').length
    const report = await gateway.health()
    assert.equal(stateOf(report, 'station'), 'answers')
    await until('more polls', () => storedOf(box, 'station').length > polls)
    await gateway.end()
    let messages = 0
    for (const [at, sender] of senders.entries()) {
      const stored = storedOf(box, senderIds[at] ?? '')
      messages += stored.length
      assert.deepEqual(
        stored,
        Array.from({ length: sender.said }, (_, index) => index + 1),
        senderIds[at],
      )
    }
    const reconnects = senders.reduce((sum, { reconnected }) => sum + reconnected, 0)
    t.diagnostic(`${messages} messages, ${restarts} restarts of the broker, ${reconnects} reconnects`)
    assert.ok(reconnects >= restarts * SENDERS, `${reconnects} reconnects`)
  },
)

test('the command says what changed, tells every mistake by file and line, and names what wants a restart', async (t) => {
  const box = await makeBox(t)
  const gateway = await startBox(t, box)
  const where = ['--data', box.dataFolder]
  const hash = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${box.ports.api}/api/config`, {
      headers: { authorization: `Bearer ${gateway.token()}` },
    })
    return ((await answer.json()) as { configHash: unknown }).configHash // our own API
  }
  const first = await hash()
  assert.match((await ganglion('reload', ...where)).out, /^nothing has changed/)

  await t.test('a wrong folder changes nothing', async () => {
    mkdirSync(join(box.folder, 'profiles'), { recursive: true })
    writeFileSync(join(box.folder, 'profiles/counter.yaml'), `${counterProfile}modle: x\n`)
    writeFileSync(join(box.folder, 'yard.yaml'), `${siteText(['extra'])}hours: late\n`)
    const wrong = await ganglion('reload', ...where)
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /profiles\/counter\.yaml:8 \/modle: unknown key "modle"/)
    assert.match(wrong.err, /yard\.yaml:9 \/hours: /)
    assert.equal(await hash(), first)
    assert.equal(stateOf(await gateway.health(), 'yard'), undefined)
  })

  await t.test('a site with its own profile speaks without a restart', async () => {
    writeFileSync(join(box.folder, 'profiles/counter.yaml'), counterProfile)
    writeFileSync(join(box.folder, 'yard.yaml'), siteText(['extra']))
    const right = await ganglion('reload', ...where)
    assert.match(
      right.out,
      /^taken over \([0-9a-f]{12}…\)\n {2}sites: \+yard\n {2}devices: \+extra\n {2}set up anew: mqtt; all other wires ran on\n$/,
    )
    const extra = await dial(t, box, 'extra')
    await extra.say('ganglion/yard/extra/up', { n: 42 })
    const answer = await fetch(`http://127.0.0.1:${box.ports.api}/api/devices/extra/readings`, {
      headers: { authorization: `Bearer ${gateway.token()}` },
    })
    assert.equal(((await answer.json()) as { value: unknown }[])[0]?.value, 42) // our own API
    await extra.client.endAsync(true)
  })

  await t.test('a device that is taken out is let in no more', async () => {
    rmSync(join(box.folder, 'yard.yaml'))
    assert.match((await ganglion('reload', ...where)).out, /sites: -yard\n {2}devices: -extra/)
    const report = await gateway.health()
    assert.equal(stateOf(report, 'mqtt extra'), undefined)
    const answer = await fetch(`http://127.0.0.1:${box.ports.api}/api/devices/extra/readings`, {
      headers: { authorization: `Bearer ${gateway.token()}` },
    })
    assert.equal(answer.status, 404)
  })

  await t.test('what a gateway was built on wants a restart', async () => {
    const file = join(box.folder, 'box.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('id: test-box', 'id: other-box').replace(/ +tcp: .*\n/, ''))
    const refused = await ganglion('reload', ...where)
    assert.equal(refused.code, 1, refused.err)
    assert.match(refused.err, /box\.yaml: id, listen\/tcp cannot change while the gateway runs/)
    writeFileSync(file, text.replace('name:\n  zh: 测试盒', 'name:\n  zh: 另一盒'))
    assert.match((await ganglion('reload', ...where)).out, /box\.yaml: name\n {2}no wire was interrupted/)
  })

  await gateway.end()
  const nobody = await ganglion('reload', ...where)
  assert.deepEqual([nobody.code, /no gateway runs on/.test(nobody.err)], [2, true])
})
