import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import mqtt, { type MqttClient } from 'mqtt'
import { systemClock } from '../base/clock.ts'
import modbusRtuTcp from '../device-drivers/transports/modbus-rtu-tcp.ts'
import modbusTcp from '../device-drivers/transports/modbus-tcp.ts'
import mqttBroker from '../device-drivers/transports/mqtt-broker.ts'
import mqttClient from '../device-drivers/transports/mqtt-client.ts'
import tcpServer from '../device-drivers/transports/tcp-server.ts'
import type { CommandKind } from '../gateway/command-kind.ts'
import type { Device } from '../gateway/device.ts'
import type { Order, Sent } from '../gateway/order.ts'
import type { ModbusUnit } from '../simulator/devices/modbus-server.ts'
import { serveRtu } from '../simulator/devices/rtu-server.ts'
import { encodeDnyPayload } from '../wire/dny-payload.ts'
import { decodeDnyCharge, dnyOrders, encodeDnyChargeAnswer } from '../wire/dny-orders.ts'
import { DnyParser, encodeDny, type DnyFrame } from '../wire/dny.ts'
import { encodeJuy, juyCommands, JuyParser, type JuyFrame } from '../wire/juy.ts'
import {
  decodeRequest,
  encodeMbap,
  encodeWriteRequest,
  MbapParser,
  type DecodedRequest,
} from '../wire/modbus.ts'
import { atEnd } from './fixtures.ts'
import { mosquitto, skipWithoutMosquitto } from './mqtt-peers.ts'
import { deviceOf, startTransport, type Running } from './transport-suite.ts'

/** What is told to devices, as it comes out of each wire. */

const options = { timeout: 40_000 }
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** The order of a shipped profile, so that what it says is what is sent. */
function orderOf(device: Device, kind: CommandKind, part = ''): Order {
  const command = device.profile.commands?.get(kind)
  assert.ok(command, `${device.profile.id} has no ${kind}`)
  assert.ok(command.parts.includes(part))
  return command.orderFor(part, 'request-1')
}

/** Turns the clock until it is known what came of it. */
async function cameOf(running: Running, asked: Promise<Sent>): Promise<Sent> {
  let sent: Sent | undefined
  void asked.then((one) => (sent = one))
  await running.until('an answer', () => sent !== undefined)
  return asked
}

// ---- Modbus ----

interface Board {
  readonly port: number
  readonly written: DecodedRequest[]
  /** What it says to a write; nothing by default. */
  says: (pdu: Uint8Array) => Uint8Array | undefined
}

/** A Modbus TCP server that answers every read with zeros. */
async function board(t: TestContext): Promise<Board> {
  const sockets = new Set<Socket>()
  const given: { port: number; written: DecodedRequest[]; says: Board['says'] } = {
    port: 0,
    written: [],
    says: (pdu) => pdu.slice(0, 5),
  }
  const server = createServer((socket) => {
    const parser = new MbapParser()
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const frame of parser.push(chunk)) {
        const asked = decodeRequest(frame.pdu, 'any')
        if (asked.is === 'read') {
          const { function: fn, count } = asked.request
          const length = fn <= 2 ? Math.ceil(count / 8) : 2 * count
          const pdu = Buffer.concat([Buffer.of(fn, length), Buffer.alloc(length)])
          socket.write(encodeMbap({ ...frame, pdu }))
          continue
        }
        given.written.push(asked)
        const pdu = given.says(frame.pdu)
        if (pdu) socket.write(encodeMbap({ ...frame, pdu }))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  given.port = (server.address() as AddressInfo).port // it listens on TCP
  atEnd(t, () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return given
}

test('modbus-tcp: a pulse is written once, and its unit is looked at soon after', options, async (t) => {
  const peer = await board(t)
  const via = { host: '127.0.0.1', port: peer.port, unit: 1, every: '10 min' }
  const door = deviceOf('door', 'waveshare-relay-8', via)
  const running = await startTransport(t, modbusTcp, { devices: [door] })
  await running.until('a poll', () => running.intake.accepted.length === 1)
  const sent = await cameOf(running, running.send('door', orderOf(door, 'open-door', 'relay-3')))
  assert.deepEqual(sent, { is: 'taken' })
  assert.deepEqual(peer.written, [{ is: 'write', request: { function: 5, address: 0x0202, value: 30 } }])
  const began = running.clock.ticks()
  await running.until('two more polls', () => running.intake.accepted.length >= 3)
  assert.ok(running.clock.ticks() - began < 5000, 'it would be polled in ten minutes only')
})

test('modbus-tcp: a unit that says no, says something else, or says nothing', options, async (t) => {
  const peer = await board(t)
  const via = { host: '127.0.0.1', port: peer.port, unit: 1 }
  const breaker = deviceOf('breaker', 'lx47le-125', via)
  const running = await startTransport(t, modbusTcp, { devices: [breaker] })
  const trip = orderOf(breaker, 'trip-breaker')
  assert.equal((await running.send('breaker', trip)).is, 'away')
  await running.until('a connection', () => running.intake.accepted.length > 0)
  const sent = (): Promise<Sent> => cameOf(running, running.send('breaker', trip))
  peer.says = (pdu) => Buffer.of((pdu[0] ?? 0) | 0x80, 4)
  assert.deepEqual(await sent(), { is: 'refused', reason: 'the unit answered: server device failure' })
  peer.says = () => encodeWriteRequest({ function: 6, address: 13, value: 1 })
  assert.equal((await sent()).is, 'silent')
  peer.says = () => undefined
  assert.equal((await sent()).is, 'silent')
  assert.equal(peer.written.length, 3, 'what was not answered is not written again')
  assert.equal((await running.send('nobody', trip)).is, 'away')
  assert.equal((await running.send('breaker', { is: 'publish', leaf: 'set', payload: '' })).is, 'refused')
})

/** Eight relays as the DAM family has them; on a line that may hear itself. */
async function rtuBoard(t: TestContext, hearsItself: boolean): Promise<{ port: number; written: string[] }> {
  const written: string[] = []
  const unit: ModbusUnit = {
    unit: 1,
    fault: undefined,
    onAsked: () => undefined,
    read: (_address, count) => new Array<number>(count).fill(0),
    write(request) {
      written.push(JSON.stringify(request))
      return undefined
    },
  }
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    if (hearsItself) socket.on('data', (chunk) => socket.write(chunk))
    serveRtu({ stream: socket, units: [unit], clock: systemClock })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => server.close())
  return { port: (server.address() as AddressInfo).port, written } // it listens on TCP
}

for (const hearsItself of [false, true]) {
  const line = hearsItself ? 'a line that hears itself' : 'a plain line'
  test(`modbus-rtu-tcp: writes of one and of several are answered on ${line}`, options, async (t) => {
    const { port, written } = await rtuBoard(t, hearsItself)
    const via = { host: '127.0.0.1', port, unit: 1, every: '100 ms' }
    const station = deviceOf('station', 'eastron-sdm120', via)
    const running = await startTransport(t, modbusRtuTcp, { devices: [station], clock: systemClock })
    await running.until('a poll', () => running.intake.accepted.length > 0)
    const one = { is: 'write', function: 5, address: 0x0200, word: 7 } as const
    assert.deepEqual(await cameOf(running, running.send('station', one)), { is: 'taken' })
    const several = { is: 'write', function: 16, address: 3, words: [4, 30] } as const
    assert.deepEqual(await cameOf(running, running.send('station', several)), { is: 'taken' })
    const bits = { is: 'write', function: 15, address: 0, bits: [true, false, true] } as const
    assert.deepEqual(await cameOf(running, running.send('station', bits)), { is: 'taken' })
    assert.equal(written.length, 3)
    const polls = running.intake.accepted.length
    await running.until('polls afterwards', () => running.intake.accepted.length > polls + 2)
    assert.deepEqual(running.intake.troubles, [])
  })
}

const PYTHON = '/usr/bin/python3'
const hasPymodbus = spawnSync(PYTHON, ['-c', 'import pymodbus']).status === 0

test(
  'pymodbus: coils and registers are written, and it says which do not exist',
  { ...options, skip: hasPymodbus ? false : 'needs Debian’s python3-pymodbus' },
  async (t) => {
    const port = await freePort()
    const peer = spawn(PYTHON, [join(import.meta.dirname, 'peers', 'pymodbus-server.py'), String(port)], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    atEnd(t, () => peer.kill('SIGKILL'))
    while (!(await answers(port))) assert.equal(peer.exitCode, null)
    const via = { host: '127.0.0.1', port, unit: 5, every: '1 s' }
    const devices = [deviceOf('it', 'arc-protector-5b', via)]
    // Another process answers in its own time.
    const running = await startTransport(t, modbusTcp, { devices, clock: systemClock })
    await running.until('a poll', () => running.intake.accepted.length > 0)
    const send = (order: Order): Promise<Sent> => cameOf(running, running.send('it', order))
    assert.deepEqual(await send({ is: 'write', function: 6, address: 2, word: 99 }), { is: 'taken' })
    const last = (): unknown => running.intake.accepted.at(-1)?.fields['residualCurrent']
    await running.until('the new value', () => last() === 99)
    assert.deepEqual(await send({ is: 'write', function: 16, address: 2, words: [7, 8] }), { is: 'taken' })
    await running.until('the next value', () => last() === 7)
    assert.deepEqual(await send({ is: 'write', function: 5, address: 0, word: 0xff00 }), { is: 'taken' })
    assert.deepEqual(await send({ is: 'write', function: 15, address: 0, bits: [true, true] }), {
      is: 'taken',
    })
    assert.equal((await send({ is: 'write', function: 6, address: 5000, word: 1 })).is, 'refused')
  },
)

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => server.close(resolve))
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

// ---- MQTT ----

interface Client {
  readonly client: MqttClient
  readonly heard: string[]
}

async function client(t: TestContext, port: number, account: string, more: object = {}): Promise<Client> {
  const heard: string[] = []
  const one = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 4,
    username: account,
    password: `secret of ${account}`,
    clientId: `${account}-client`,
    ...more,
  })
  one.on('message', (topic, payload, { qos, retain }) =>
    heard.push(`${topic} ${payload.toString()} qos ${qos}${retain ? ' retained' : ''}`),
  )
  atEnd(t, () => one.endAsync(true))
  return { client: one, heard }
}

const HANDED_OVER: Sent = { is: 'taken', note: 'it was handed to its connection' }

test(
  'mqtt: a device is told where its codec listens, and only while somebody listens',
  options,
  async (t) => {
    const plug = deviceOf('plug', 'tuya-ts011f-plug', { account: 'z2m', address: 'shed/plug' })
    const two = deviceOf('two', 'tasmota-plug-2', {})
    const running = await startTransport(t, mqttBroker, {
      devices: [plug, two],
      bridges: [{ id: 'z2m', codec: 'zigbee2mqtt', base: 'zigbee2mqtt' }],
      listen: '127.0.0.1:0',
    })
    const cut = orderOf(plug, 'cut-port')
    assert.deepEqual(await running.send('plug', cut), { is: 'away', reason: 'z2m is not connected' })
    const bridge = await client(t, running.port, 'z2m')
    assert.equal((await running.send('plug', cut)).is, 'away', 'connected, and it listens to nothing')
    await bridge.client.subscribeAsync('zigbee2mqtt/#', { qos: 1 })
    assert.deepEqual(await running.send('plug', cut), HANDED_OVER)
    const tasmota = await client(t, running.port, 'two')
    await tasmota.client.subscribeAsync('ganglion/site/two/cmnd/#', { qos: 1 })
    assert.deepEqual(await running.send('two', orderOf(two, 'cut-port', 'channel-2')), HANDED_OVER)
    await running.until('both', () => bridge.heard.length + tasmota.heard.length === 2)
    assert.deepEqual(
      [...bridge.heard, ...tasmota.heard],
      ['zigbee2mqtt/shed/plug/set {"state":"OFF"} qos 0', 'ganglion/site/two/cmnd/POWER2 OFF qos 0'],
    )
    assert.equal(
      (await running.send('two', orderOf(deviceOf('x', 'lx47le-125', {}), 'trip-breaker'))).is,
      'refused',
    )
  },
)

test('mqtt: what is told while a device is away is not kept for it', options, async (t) => {
  const plug = deviceOf('plug', 'tuya-ts011f-plug', { account: 'z2m', address: 'plug' })
  const running = await startTransport(t, mqttBroker, {
    devices: [plug],
    bridges: [{ id: 'z2m', codec: 'zigbee2mqtt', base: 'zigbee2mqtt' }],
    listen: '127.0.0.1:0',
  })
  const first = await client(t, running.port, 'z2m', { clean: false })
  await first.client.subscribeAsync('zigbee2mqtt/#', { qos: 1 })
  await first.client.endAsync()
  // Another one of the same account holds it connected.
  await client(t, running.port, 'z2m', { clientId: 'other' })
  assert.equal((await running.send('plug', orderOf(plug, 'cut-port'))).is, 'away')
  const again = await client(t, running.port, 'z2m', { clean: false })
  await again.client.publishAsync('zigbee2mqtt/plug', '{"state":"ON"}', { qos: 1 })
  await running.until('its message', () => running.intake.accepted.length === 1)
  assert.deepEqual(
    again.heard.filter((text) => text.includes('/set')),
    [],
  )
})

for (const version of [5, '3.1.1'] as const) {
  test(
    `mqtt-client: a plug on mosquitto is told over MQTT ${version}, and the broker keeps nothing for later`,
    { ...options, skip: skipWithoutMosquitto },
    async (t) => {
      const { port } = await mosquitto(t)
      const plug = deviceOf('plug', 'tasmota-plug', { broker: 'city', topic: '%prefix%/plug-1' })
      const running = await startTransport(t, mqttClient, {
        devices: [plug],
        brokers: [{ id: 'city', url: `mqtt://127.0.0.1:${port}`, version }],
      })
      const cut = orderOf(plug, 'cut-port')
      assert.equal((await running.send('plug', cut)).is, 'away')
      const isConnected = (): boolean => running.intake.states.includes('mqtt-client city connected')
      await running.until('the broker', isConnected)
      const device = await client(t, port, 'plug', { clean: false })
      await device.client.subscribeAsync('cmnd/plug-1/#', { qos: 1 })
      assert.deepEqual(await cameOf(running, running.send('plug', cut)), HANDED_OVER)
      await running.until('the command', () => device.heard.length === 1)
      assert.match(device.heard[0] ?? '', /^cmnd\/plug-1\/POWER OFF qos [01]$/)
    },
  )
}

// ---- stations that dial in ----

const PHYS_ID = 0x04ab373b

interface Station {
  readonly socket: Socket
  readonly heard: DnyFrame[]
  readonly say: (frame: Omit<DnyFrame, 'physId'>) => void
}

async function dnyStation(running: Running): Promise<Station> {
  // Two frames that wait for each other would take longer than the turned clock gives them.
  const socket = connect({ port: running.port, host: '127.0.0.1', noDelay: true })
  const heard: DnyFrame[] = []
  const parser = new DnyParser()
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    for (const event of parser.push(chunk)) if (event.kind === 'frame') heard.push(event)
  })
  const say = (frame: Omit<DnyFrame, 'physId'>): void =>
    void socket.write(encodeDny({ physId: PHYS_ID, ...frame }))
  const beat = encodeDnyPayload({ kind: 'heartbeat', heartbeat: { voltageV: 220, portStates: [1, 0] } })
  say({ messageId: 1, ...beat })
  await running.until('its heartbeat', () => heard.length === 1)
  heard.length = 0
  return { socket, heard, say }
}

const dny = deviceOf('dny', 'dny-station', { physId: '04AB373B' })
const ORDER = '20190901180000130030380102030405'
const chargeOf = ({ data }: DnyFrame): unknown => decodeDnyCharge(data)

test(
  'DNY: a stop names the charge under way; asked twice under one number, half a second apart',
  options,
  async (t) => {
    const running = await startTransport(t, tcpServer, { devices: [dny], listen: '127.0.0.1:0' })
    const stop = orderOf(dny, 'cut-port', 'port-2')
    assert.equal((await running.send('dny', stop)).is, 'away')
    const { heard, say } = await dnyStation(running)
    const power = { port: 1, state: 1, chargedS: 60, energyKwh: 0.1, online: 1, powerW: 100 }
    const full = { ...power, powerMaxW: 1, powerMinW: 1, powerAvgW: 1, order: ORDER }
    say({ messageId: 2, ...encodeDnyPayload({ kind: 'port-power', portPower: full }) })
    await running.until('its power', () => running.intake.accepted.length === 2)

    const began = running.clock.ticks()
    const asked = running.send('dny', stop)
    const locate = running.send('dny', orderOf(dny, 'flash-lamp'))
    await running.until('the first', () => heard.length === 1)
    assert.deepEqual(heard.map(chargeOf), [{ command: 'stop', port: 1, order: ORDER }])
    await running.until('the second', () => heard.length === 2)
    assert.ok(running.clock.ticks() - began >= 500)
    assert.deepEqual([heard[1]?.command, [...(heard[1]?.data ?? [])]], [dnyOrders.locate, [30]])
    // The stop is not answered: the same again, under the same number.
    await running.until('the repetition', () => heard.length >= 3)
    assert.deepEqual(heard[2], heard[0])
    const number = heard[0]?.messageId ?? 0
    say({
      messageId: number,
      command: dnyOrders.charge,
      data: encodeDnyChargeAnswer({ answer: 0, order: ORDER, port: 1 }),
    })
    assert.deepEqual(await cameOf(running, asked), { is: 'taken' })
    await running.until('the second repetition', () => heard.length === 4)
    assert.equal((await cameOf(running, locate)).is, 'silent')
    assert.equal(heard.length, 4, 'no third time')
    assert.deepEqual(running.intake.troubles, [])
  },
)

test(
  'DNY: what a station refuses is said in its words, and a broken line leaves it open',
  options,
  async (t) => {
    const running = await startTransport(t, tcpServer, { devices: [dny], listen: '127.0.0.1:0' })
    const { heard, say, socket } = await dnyStation(running)
    const answer = async (kind: CommandKind, code: number): Promise<Sent> => {
      const asked = running.send('dny', orderOf(dny, kind, 'port-1'))
      await running.until('the command', () => heard.length === 1)
      const { messageId = 0 } = heard.pop() ?? {}
      const data = encodeDnyChargeAnswer({ answer: code, order: ORDER, port: 0 })
      // The answer to another command is none.
      say({ messageId: messageId + 7, command: dnyOrders.charge, data: Uint8Array.of(0) })
      say({ messageId, command: dnyOrders.charge, data })
      return cameOf(running, asked)
    }
    assert.deepEqual(await answer('restore-port', 11), {
      is: 'refused',
      reason: 'the station answered 11: smoke alarm',
    })
    assert.equal((await answer('cut-port', 2)).is, 'taken')
    const asked = running.send('dny', orderOf(dny, 'cut-port', 'port-1'))
    await running.until('the command', () => heard.length === 1)
    socket.destroy()
    assert.deepEqual(await cameOf(running, asked), { is: 'silent', reason: 'the connection broke' })
  },
)

const IMEI = '861197062934387'
const juy = deviceOf('juy', 'juy-10', { imei: IMEI })

test(
  'JUY: a stop names the charge that we know, with the IMEI where the station wants it',
  options,
  async (t) => {
    const running = await startTransport(t, tcpServer, { devices: [juy], listen: '127.0.0.1:0' })
    // Two frames that wait for each other would take longer than the turned clock gives them.
    const socket = connect({ port: running.port, host: '127.0.0.1', noDelay: true })
    const heard: JuyFrame[] = []
    const parser = new JuyParser()
    socket.on('data', (chunk) => {
      for (const event of parser.push(chunk)) if (event.kind === 'frame') heard.push(event)
    })
    atEnd(t, () => socket.destroy())
    const login = Buffer.alloc(70)
    login.write(IMEI, 0, 'latin1')
    login.writeUInt8(10, 15)
    login.writeUInt8(0x64, 68)
    const say = (command: number, data: Uint8Array): void =>
      void socket.write(encodeJuy({ command, result: 0, data }))
    say(juyCommands.login, login)
    await running.until('the login', () => heard.length === 1)
    const withImei = (data: Uint8Array): Buffer => Buffer.concat([Buffer.from(IMEI, 'latin1'), data])
    // A card started port 2 under order 1.
    const localStart = Buffer.alloc(18)
    localStart.writeUInt8(2, 0)
    localStart.writeUInt32LE(1, 1)
    say(juyCommands.localStart, withImei(localStart))
    await running.until('its answer', () => heard.length === 2)
    heard.length = 0

    const stop = running.send('juy', orderOf(juy, 'cut-port', 'port-2'))
    await running.until('the stop', () => heard.length === 1)
    assert.deepEqual(
      [heard[0]?.command, Buffer.from(heard[0]?.data ?? [])],
      [0x84, withImei(bytes('02 01000000'))],
    )
    say(0x84, withImei(bytes('02 01000000 00')))
    assert.deepEqual(await cameOf(running, stop), { is: 'taken' })

    const other = running.send('juy', orderOf(juy, 'cut-port', 'port-5'))
    await running.until('the stop of an unknown one', () => heard.length === 2)
    say(0x84, withImei(bytes('05 00000000 02')))
    assert.deepEqual(await cameOf(running, other), {
      is: 'refused',
      reason: 'the station answered 2: another order is under way',
    })
    assert.equal((await running.send('juy', orderOf(dny, 'flash-lamp'))).is, 'refused')
    assert.deepEqual(running.intake.troubles, [])
  },
)
