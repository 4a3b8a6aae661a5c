import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { SerialPort } from 'serialport'
import { systemClock } from '../base/clock.ts'
import { RtuLine } from '../device-drivers/modbus/rtu-line.ts'
import type { Answer } from '../device-drivers/modbus/line.ts'
import { HalfDuplexLine } from '../device-drivers/serial/half-duplex.ts'
import { serialLine, serialTiming } from '../device-drivers/serial/port.ts'
import { serialPorts } from '../device-drivers/serial-ports.ts'
import modbusRtu from '../device-drivers/transports/modbus-rtu.ts'
import modbusRtuTcp from '../device-drivers/transports/modbus-rtu-tcp.ts'
import type { ModbusUnit } from '../simulator/devices/modbus-server.ts'
import { serveRtu } from '../simulator/devices/rtu-server.ts'
import {
  decodeRequest,
  decodeRtu,
  encodeReadRequest,
  encodeRegistersReply,
  encodeRtu,
} from '../wire/modbus.ts'
import { describeRtu, rtuGapMs } from '../wire/modbus-rtu.ts'
import { serialPair, skipWithoutPair, type SerialPair } from './serial-pair.ts'
import { deviceOf, startTransport, transportSuite } from './transport-suite.ts'

/** Modbus on serial lines: over TCP, on a pair of pseudo-terminals, and against programs that are not ours. */

const BAUD = 9600
const run = promisify(execFile)
/** Debian's, by its full path: a `python3` found first on the path may be another one without pymodbus. */
const PYTHON = '/usr/bin/python3'

interface Words extends ModbusUnit {
  readonly words: number[]
  readonly asked: () => number
}

/** A unit that has 22 registers. */
function wordsOf(unit: number): Words {
  const words = new Array<number>(22).fill(0)
  let asked = 0
  return {
    unit,
    words,
    fault: undefined,
    asked: () => asked,
    onAsked: () => asked++,
    read: (address, count) => (address + count > words.length ? 2 : words.slice(address, address + count)),
  }
}

transportSuite('modbus-rtu-tcp', {
  plug: modbusRtuTcp,
  valueOf: (fields) => fields['residualCurrent'],
  async prepare() {
    const unit = wordsOf(5)
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      serveRtu({ stream: socket, units: [unit], clock: systemClock })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // it listens on TCP
    const via = { host: '127.0.0.1', port, unit: 5, every: '100 ms' }
    return {
      // Bytes take real time here, and a reply that comes late is not one.
      context: { devices: [deviceOf('device-1', 'arc-protector-5b', via)], clock: systemClock },
      async connect() {
        return {
          say: (value) => (unit.words[2] = value),
          acknowledged: () => Math.max(0, unit.asked() - 1),
          lose: () => sockets.forEach((socket) => socket.destroy()),
          rubbish: () => sockets.forEach((socket) => socket.write(Buffer.alloc(40, 0xa5))),
          close: () =>
            new Promise((resolve) => {
              server.close(() => resolve())
              for (const socket of sockets) socket.destroy()
            }),
        }
      },
    }
  },
})

/** The other end of a pair, with units on it. */
async function unitsOn(pair: SerialPair, ...units: readonly ModbusUnit[]): Promise<SerialPort> {
  const port = await pair.openTheirs()
  serveRtu({ stream: port, units, clock: systemClock })
  return port
}

const onPair = { skip: skipWithoutPair, timeout: 30_000 }

test('modbus-rtu: units on one port are read, and one that is not there is told', onPair, async (t) => {
  const pair = await serialPair(t)
  const [five, six] = [wordsOf(5), wordsOf(6)]
  five.words[2] = 365
  six.words[2] = 412
  await unitsOn(pair, five, six)
  const device = (id: string, unit: number) =>
    deviceOf(id, 'arc-protector-5b', { port: pair.ours, unit, every: '50 ms' })
  const { intake, until } = await startTransport(t, modbusRtu, {
    devices: [device('five', 5), device('six', 6), device('nobody', 7)],
    clock: systemClock,
  })
  const has = (id: string, value: number) => (): boolean =>
    intake.accepted.some(({ deviceId, fields }) => deviceId === id && fields['residualCurrent'] === value)
  await until('unit 5', has('five', 365))
  await until('unit 6', has('six', 412))
  await until('the missing one', () =>
    intake.hasTrouble('modbus-rtu: device-silent (nobody): no answer in time'),
  )
  assert.ok(intake.accepted.every(({ deviceId }) => deviceId !== 'nobody'))
})

test('modbus-rtu: an adapter that is pulled out and put back is taken up again', onPair, async (t) => {
  const pair = await serialPair(t)
  const unit = wordsOf(5)
  await unitsOn(pair, unit)
  const via = { port: pair.ours, unit: 5, every: '20 ms' }
  const { intake, until } = await startTransport(t, modbusRtu, {
    devices: [deviceOf('it', 'arc-protector-5b', via)],
    clock: systemClock,
  })
  await until('a poll', () => intake.accepted.length > 0)
  await pair.unplug()
  await until('the loss', () => intake.losses.length > 0)
  assert.match(intake.losses.join(), /^it: the port is gone/)
  await pair.plugIn()
  await unitsOn(pair, unit)
  const before = intake.accepted.length
  await until('a poll after it', () => intake.accepted.length > before)
})

test('modbus-rtu: what cannot be opened is said in words', { timeout: 30_000 }, async (t) => {
  const via = { port: '/dev/ttyNOT-THERE', unit: 5 }
  const { intake, until } = await startTransport(t, modbusRtu, {
    devices: [deviceOf('it', 'arc-protector-5b', via)],
    clock: systemClock,
  })
  await until('the reason', () => intake.hasTrouble('there is no such port'))
  assert.ok(intake.states.some((state) => state.startsWith('modbus-rtu /dev/ttyNOT-THERE 9600 8N1 away')))
})

/** Our line on one end; on the other a unit that answers each register with its address, after a while. */
async function slowUnit(
  t: TestContext,
  afterMs: (request: number) => number,
): Promise<(address: number, misses?: number) => Promise<number | string>> {
  const pair = await serialPair(t)
  const port = await pair.openTheirs()
  let count = 0
  let freeAt = 0
  port.on('data', (chunk: Buffer) => {
    const asked = decodeRtu(chunk)
    const decoded = asked && decodeRequest(asked.pdu)
    if (!asked || decoded?.is !== 'read') return
    const { request } = decoded
    const words = Array.from({ length: request.count }, (_, i) => request.address + i)
    const now = systemClock.ticks()
    freeAt = Math.max(now, freeAt) + afterMs(count++)
    systemClock.after(freeAt - now, () => port.write(encodeRtu(asked.unit, encodeRegistersReply(3, words))))
  })
  const request = { function: 3, address: 0, count: 1 } as const
  const line = new RtuLine(
    new HalfDuplexLine({
      open: serialLine({ port: pair.ours, baud: BAUD, parity: 'none', stopBits: 1 }),
      timing: serialTiming(BAUD, rtuGapMs(BAUD)),
      clock: systemClock,
      events: { connected: () => undefined, lost: () => undefined, trouble: () => undefined },
      describe: describeRtu,
    }),
    new Map([[1, [request]]]),
  )
  const abort = new AbortController()
  const ran = line.run(abort.signal)
  t.after(async () => {
    abort.abort()
    await ran
  })
  while (!line.isConnected) await new Promise((resolve) => setImmediate(resolve))
  return async (address, misses = 0) =>
    valueOf(
      await line.ask({
        unit: 1,
        request: { ...request, address },
        pdu: encodeReadRequest({ ...request, address }),
        misses,
      }),
    )
}

const valueOf = (answer: Answer): number | string =>
  answer.is === 'data' ? Buffer.from(answer.data).readUInt16BE(0) : answer.is

test('a real line: five reads at once each get their own register', onPair, async (t) => {
  const ask = await slowUnit(t, () => 3)
  const addresses = [2, 3, 5, 11, 7]
  assert.deepEqual(await Promise.all(addresses.map((address) => ask(address))), addresses)
  assert.equal(await ask(7), 7)
})

test(
  'a real line: after a unit answered too late, every register still has its own value',
  onPair,
  async (t) => {
    // The first reply comes while the second request is out.
    const ask = await slowUnit(t, (request) => (request === 0 ? 900 : 3))
    assert.equal(await ask(11), 'silent')
    for (const address of [22, 33, 44]) assert.equal(await ask(address, address === 22 ? 1 : 0), address)
  },
)

const hasPymodbus = spawnSync(PYTHON, ['-c', 'import pymodbus, serial_asyncio']).status === 0
const skipPymodbus = hasPymodbus ? skipWithoutPair : "needs Debian's python3-pymodbus python3-serial-asyncio"

test('pymodbus on a serial port: its registers are read', { ...onPair, skip: skipPymodbus }, async (t) => {
  const pair = await serialPair(t)
  const peer = spawn(PYTHON, [join(import.meta.dirname, 'peers', 'pymodbus-rtu.py'), pair.theirs], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  t.after(() => peer.kill('SIGKILL'))
  const via = { port: pair.ours, unit: 5, every: '100 ms' }
  const { intake, until } = await startTransport(t, modbusRtu, {
    devices: [deviceOf('it', 'arc-protector-5b', via)],
    clock: systemClock,
  })
  await until('a poll', () => intake.accepted.length > 0)
  const fields: Readonly<Record<string, unknown>> = intake.accepted[0]?.fields ?? {}
  assert.equal(fields['residualCurrent'], 365)
  assert.equal(fields['cableTemperature'], 655)
  assert.equal(fields['power'], 7872)
  assert.equal(fields['energy'], 123_456)
})

const hasMbpoll = spawnSync('mbpoll', ['-V']).error === undefined
const skipMbpoll = hasMbpoll ? skipWithoutPair : "needs Debian's mbpoll"

test('mbpoll reads our simulated unit', { ...onPair, skip: skipMbpoll }, async (t) => {
  const pair = await serialPair(t)
  const unit = wordsOf(5)
  unit.words[2] = 365
  unit.words[3] = 412
  await unitsOn(pair, unit)
  const line = ['-m', 'rtu', '-b', '9600', '-P', 'none', '-a', '5']
  const { stdout } = await run('mbpoll', [...line, '-0', '-r', '2', '-c', '2', '-t', '4', '-1', pair.ours])
  assert.match(stdout, /\[2\]:\s+365/)
  assert.match(stdout, /\[3\]:\s+412/)
})

const hasUdev = spawnSync('udevadm', ['--version']).status === 0

test(
  'the serial ports of this machine can be listed',
  { skip: hasUdev ? false : "needs Debian's udev" },
  async () => {
    for (const { path } of await serialPorts()) assert.match(path, /^\/dev\//)
  },
)
