import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { userInfo } from 'node:os'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { mainFile } from '../commands/rooms.ts'
import { dnyStation } from '../simulator/devices/dny-station.ts'
import { modbusDevice } from '../simulator/devices/modbus-device.ts'
import { startModbusServer } from '../simulator/devices/modbus-server.ts'
import { ebikeStation } from '../simulator/devices/registers.ts'
import type { DeviceContext } from '../simulator/devices/device.ts'
import { seededRandom } from '../simulator/random.ts'
import {
  BoxInProcess,
  dial,
  makeBox,
  startBox,
  TestPlatform,
  until,
  type BoxProcess,
  type TestBox,
} from './box-rig.ts'
import { atEnd } from './fixtures.ts'

/** Commands on a whole box: real wires, real devices of the simulator, the API as a person uses it. */

const PHYS_ID = 0x04ab373b

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function call(gateway: BoxProcess, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${gateway.box.ports.api}${path}`, {
    headers: { authorization: `Bearer ${gateway.token()}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as Answer['body'] } // our own API
}

const ask = (gateway: BoxProcess, device: string, more: object): Promise<Answer> =>
  call(gateway, `/api/devices/${device}/commands`, { reason: 'a trial', ...more })

/** What came of a command, once it is known. */
async function ended(gateway: BoxProcess, requestId: string): Promise<Answer['body']> {
  let body: Answer['body'] = {}
  await until(
    () => `the end of ${requestId}; it is ${JSON.stringify(body)}`,
    async () => {
      body = (await call(gateway, `/api/commands/${requestId}`)).body
      return body['outcome'] !== undefined && body['outcome'] !== 'under-way'
    },
  )
  return body
}

const recorded = async (gateway: BoxProcess): Promise<readonly Answer['body'][]> =>
  (await call(gateway, '/api/commands')).body as unknown as readonly Answer['body'][] // a list

const context = (port: number): DeviceContext => ({
  clock: systemClock,
  random: seededRandom(1),
  reportsEvery: 3_600_000,
  endpoint: { host: '127.0.0.1', port },
})

/** The simulator's Modbus station with two ports, the first of them charging. */
async function modbusStation(t: TestContext, box: TestBox) {
  const endpoint = { host: '127.0.0.1', port: box.ports.modbus }
  const server = await startModbusServer(endpoint, systemClock)
  const station = modbusDevice({ id: 'station', unit: 11, map: ebikeStation(2), server }, context(0))
  atEnd(t, () => server.stop())
  return station
}

const options = { timeout: 90_000 }

test(
  'a port that is too hot is cut by its rule, which reads back that it draws nothing',
  options,
  async (t) => {
    const box = await makeBox(t, {
      shed: (ports) => [
        {
          id: 'station',
          profile: 'estation-5d',
          via: { 'modbus-tcp': { host: '127.0.0.1', port: ports.modbus, unit: 11, every: '200 ms' } },
          feeds: 'charging',
          commands: { 'cut-port': { perHour: 2 }, 'restore-port': {} },
        },
        {
          id: 'lamps',
          profile: 'estation-5d',
          via: { 'modbus-tcp': { host: '127.0.0.1', port: ports.modbus, unit: 12, every: '200 ms' } },
        },
      ],
    })
    const station = await modbusStation(t, box)
    const platform = await TestPlatform.start(t, box)
    const gateway = await startBox(t, box)
    await until('a poll', () => station.isReady)
    const power = async (): Promise<unknown> => {
      const { body } = await call(gateway, '/api/devices/station/readings')
      const readings = body as unknown as readonly Readonly<Record<string, unknown>>[] // a list
      return readings.find(({ part, quantity }) => part === 'port-1' && quantity === 'portPower')?.['value']
    }
    await until('a port that charges', async () => (await power()) === 100)

    station.set({ 'port-1/portTemperature': 75 })
    await platform.gotCase('port-heat')
    await until('the cut', async () => (await recorded(gateway)).length > 0)
    const [first] = await recorded(gateway)
    const cut = await ended(gateway, String(first?.['requestId']))
    assert.equal(cut['outcome'], 'confirmed')
    assert.match(String(cut['detail']), /read back: port-1\/portPower 0/)
    assert.deepEqual(
      [cut['deviceId'], cut['part'], cut['command'], cut['by']],
      ['station', 'port-1', 'cut-port', { kind: 'rule', id: 'port-over-temperature' }],
    )
    assert.equal(cut['caseKey'], platform.received.find((one) => one.class === 'port-heat')?.key)
    assert.equal(await power(), 0)

    // Power comes back by a person alone, and that is read back too.
    const back = { command: 'restore-port', part: 'port-1', requestId: 'person-1' }
    assert.equal((await ask(gateway, 'station', { ...back, person: 'Ms Li' })).status, 202)
    const restored = await ended(gateway, 'person-1')
    assert.equal(restored['outcome'], 'confirmed')
    assert.deepEqual(restored['by'], { kind: 'person', id: 'Ms Li' })
    assert.equal(await power(), 100)
    // The same request asks for nothing more.
    const again = await ask(gateway, 'station', back)
    assert.deepEqual([again.status, again.body['outcome']], [200, 'confirmed'])

    const refused = async (device: string, more: object, why: RegExp): Promise<void> => {
      const { status, body } = await ask(gateway, device, more)
      assert.equal(status, 409)
      assert.equal(body['outcome'], 'refused')
      assert.match(String(body['detail']), why)
    }
    await refused('lamps', { command: 'cut-port', part: 'port-1', requestId: 'person-2' }, /does not enable/)
    await refused('station', { command: 'cut-port', part: 'port-9', requestId: 'person-3' }, /unknown part/)
    await refused('station', { command: 'cut-port', requestId: 'person-4' }, /wanted a part/)
    await refused('station', { command: 'open-door', requestId: 'person-5' }, /has no open-door/)
    await ask(gateway, 'station', { command: 'cut-port', part: 'port-1', requestId: 'person-6' })
    await ended(gateway, 'person-6')
    const third = { command: 'cut-port', part: 'port-1', requestId: 'person-7' }
    await refused('station', third, /2 times within an hour; the site allows 2/)
    assert.equal((await ask(gateway, 'nobody', third)).status, 404)
    assert.equal((await ask(gateway, 'station', { command: 'explode', requestId: 'person-8' })).status, 400)
    const used = await ask(gateway, 'station', { command: 'cut-port', part: 'port-2', requestId: 'person-6' })
    assert.equal(used.status, 409)

    // All of it is still known after the gateway was killed, and so is how often it was asked.
    await gateway.end('SIGKILL')
    const next = await startBox(t, box)
    assert.equal((await call(next, '/api/commands/person-6')).body['outcome'], 'confirmed')
    const { body } = await ask(next, 'station', { ...third, requestId: 'person-9' })
    assert.match(String(body['detail']), /2 times within an hour/)
  },
)

test(
  'a plug behind a bridge is cut over MQTT; one that does not obey is called unconfirmed',
  options,
  async (t) => {
    const plug = (id: string) => ({
      id,
      profile: 'tuya-ts011f-plug',
      via: { mqtt: { account: 'z2m', address: id } },
      feeds: 'charging',
      commands: { 'cut-port': {} },
    })
    const box = await makeBox(t, { shed: () => [plug('plug'), plug('deaf')] })
    const gateway = await startBox(t, box)
    const nobody = await ask(gateway, 'plug', { command: 'cut-port', requestId: 'person-1' })
    assert.equal(nobody.status, 202)
    const missed = await ended(gateway, 'person-1')
    assert.deepEqual([missed['outcome'], missed['detail']], ['failed', 'z2m is not connected'])

    const bridge = await dial(t, box, 'z2m')
    await bridge.client.subscribeAsync('zigbee2mqtt/+/set', { qos: 1 })
    const told: string[] = []
    bridge.client.on('message', (topic, payload) => {
      told.push(`${topic} ${payload.toString()}`)
      if (topic === 'zigbee2mqtt/plug/set') void bridge.say('zigbee2mqtt/plug', { state: 'OFF', power: 0 })
      else void bridge.say('zigbee2mqtt/deaf', { state: 'ON', power: 640 })
    })
    await bridge.say('zigbee2mqtt/plug', { state: 'ON', power: 640 })
    await ask(gateway, 'plug', { command: 'cut-port', requestId: 'person-2' })
    await ask(gateway, 'deaf', { command: 'cut-port', requestId: 'person-3' })
    const cut = await ended(gateway, 'person-2')
    assert.equal(cut['outcome'], 'confirmed')
    assert.match(String(cut['detail']), /read back: switchOn false/)
    const deaf = await ended(gateway, 'person-3')
    assert.equal(deaf['outcome'], 'unconfirmed')
    assert.match(String(deaf['detail']), /wanted switchOn is false within 10 s, it was switchOn true/)
    // What was asked while the bridge was away is not handed to it later.
    assert.deepEqual(told.sort(), [
      'zigbee2mqtt/deaf/set {"state":"OFF"}',
      'zigbee2mqtt/plug/set {"state":"OFF"}',
    ])
  },
)

test(
  'a charge at a DNY station is stopped under its own number, and its bill is the read-back',
  options,
  async (t) => {
    const box = await makeBox(t, {
      shed: () => [
        {
          id: 'dny',
          profile: 'dny-station',
          via: { tcp: { physId: '04AB373B' } },
          feeds: { 'port-1': 'charging', 'port-2': 'lighting' },
          commands: { 'cut-port': { parts: ['port-1'] }, 'read-again': {} },
        },
      ],
    })
    const gateway = await startBox(t, box)
    const station = dnyStation({ id: 'dny', physId: PHYS_ID, ports: 2 }, context(box.ports.tcp))
    atEnd(t, () => station.stop())
    await until('the power of its port', async () => {
      const { body } = await call(gateway, '/api/devices/dny/readings')
      return JSON.stringify(body).includes('"portPower"')
    })
    await ask(gateway, 'dny', { command: 'cut-port', part: 'port-1', requestId: 'person-1' })
    const cut = await ended(gateway, 'person-1')
    assert.equal(cut['outcome'], 'confirmed', String(cut['detail']))
    assert.match(String(cut['detail']), /the device took it; read back: port-1\/portPower 0/)
    await ask(gateway, 'dny', { command: 'read-again', requestId: 'person-2' })
    assert.equal((await ended(gateway, 'person-2'))['outcome'], 'unconfirmed')

    const command = (...words: readonly string[]): Promise<Said> =>
      ganglion('command', 'dny', ...words, '--box', box.folder, '--data', box.dataFolder)
    const read = await command('read-again', '--reason', 'a trial', '--id', 'cli-request-1')
    const said = 'unconfirmed: the device took it; nothing is read back for it\n'
    assert.deepEqual(read, { code: 1, said })
    const { by } = (await call(gateway, '/api/commands/cli-request-1')).body
    assert.deepEqual(by, { kind: 'person', id: userInfo().username })
    const lamp = await command('cut-port', '--part', 'port-2', '--reason', 'a trial')
    assert.equal(lamp.code, 1)
    assert.match(lamp.said, /unknown part "port-2"; enabled are port-1/)
    assert.equal((await command('cut-port')).code, 2)
    await gateway.end()
    assert.equal((await command('read-again', '--reason', 'a trial')).code, 3)
  },
)

interface Said {
  readonly code: number
  readonly said: string
}

/** The command line as a person types it. */
async function ganglion(...words: readonly string[]): Promise<Said> {
  const child = spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number] // it ends by itself
  return { code, said }
}

test('a box whose site would cut a lamp, or says not what hangs there, does not start', async (t) => {
  const station = (more: object) => ({
    id: 'station',
    profile: 'estation-5d',
    via: { 'modbus-tcp': { host: '127.0.0.1' } },
    ...more,
  })
  const wrong = async (more: object): Promise<string> => {
    const box = await makeBox(t, { shed: () => [station(more)] })
    const error: unknown = await BoxInProcess.start(t, box).catch((thrown: unknown) => thrown)
    return error instanceof Error ? error.message : 'it started'
  }
  const commands = { 'cut-port': {} }
  assert.match(await wrong({ commands }), /nothing says what port-1 feeds/)
  assert.match(await wrong({ commands, feeds: 'egress' }), /which is never cut/)
  const feeds = { 'port-1': 'charging', 'port-2': 'lighting' }
  assert.match(await wrong({ commands, feeds }), /port-2: it feeds lighting .照明., which is never cut/)
  const parts = { 'cut-port': { parts: ['port-3'] } }
  assert.match(await wrong({ commands: parts, feeds: 'charging' }), /knows the parts port-1, port-2/)
  assert.match(await wrong({ commands: { 'open-door': {} } }), /has no such command; it has cut-port/)
})
