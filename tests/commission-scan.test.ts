import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { SerialPort } from 'serialport'
import { systemClock } from '../base/clock.ts'
import { portLines } from '../commands/commission/ports.ts'
import { mainFile } from '../commands/rooms.ts'
import { startModbusServer, type ModbusUnit } from '../simulator/devices/modbus-server.ts'
import { serveRtu } from '../simulator/devices/rtu-server.ts'
import { encodeRegistersReply, encodeRtu } from '../wire/modbus.ts'
import { serialPair, skipWithoutPair, type SerialPair } from './serial-pair.ts'
import { atEnd, tempFolder } from './fixtures.ts'
import { until } from './box-rig.ts'

/** `ganglion commission scan` as a person runs it, on pairs of serial ports. */

const onPair = { skip: skipWithoutPair, timeout: 60_000 }
const PYTHON = '/usr/bin/python3'

async function ganglion(...words: string[]): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, [mainFile, 'commission', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, output }
}

/** 230.1 V, 3.512 A, 812.3 W, factor 0.98, 50.01 Hz, 1234.56 kWh, as the makers of the SDM120 lay them out. */
function sdm120(unit: number, voltage = 0x4366): ModbusUnit {
  const words = new Array<number>(80).fill(0)
  const put = (at: number, high: number, low: number): void => void words.splice(at, 2, high, low)
  put(0, voltage, 0x199a)
  put(6, 0x4060, 0xc49c)
  put(12, 0x444b, 0x1333)
  put(30, 0x3f7a, 0xe148)
  put(70, 0x4248, 0x0a3d)
  put(72, 0x449a, 0x51ec)
  return {
    unit,
    fault: undefined,
    onAsked: () => undefined,
    read: (address, count) => (address + count > words.length ? 2 : words.slice(address, address + count)),
  }
}

async function theirs(pair: SerialPair, ...units: readonly ModbusUnit[]): Promise<SerialPort> {
  const port = await pair.openTheirs()
  serveRtu({ stream: port, units, clock: systemClock })
  return port
}

const scan = (pair: SerialPair, units: string, bauds = '9600'): Promise<{ code: unknown; output: string }> =>
  ganglion('scan', '--port', pair.ours, '--bauds', bauds, '--units', units)

test('a scan finds the units of a line and the map that each speaks', onPair, async (t) => {
  const pair = await serialPair(t)
  await theirs(pair, sdm120(2), sdm120(4))
  const { code, output } = await scan(pair, '1-5')
  assert.equal(code, 0, output)
  assert.match(output, /unit 2: looks like eastron-sdm120 .*voltage 230\.1 V/)
  assert.match(
    output,
    /\{ id: unit-4, profile: eastron-sdm120, via: \{ modbus-rtu: \{ port: .*, unit: 4 \} \} \}/,
  )
  assert.doesNotMatch(output, /unit [135]:/)
})

test('two units with the same address are told, whether their answers follow or mix', onPair, async (t) => {
  const pair = await serialPair(t)
  const port = await pair.openTheirs()
  serveRtu({ stream: port, units: [sdm120(3)], clock: systemClock })
  serveRtu({ stream: port, units: [sdm120(3, 0x4367)], clock: systemClock })
  const { output } = await scan(pair, '1-4')
  assert.match(output, /unit 3: more than one answers: two units with the same address/)
})

test('answers of one unit that only ever collide are told as two units too', onPair, async (t) => {
  const pair = await serialPair(t)
  const port = await pair.openTheirs()
  const mixed = encodeRtu(3, encodeRegistersReply(3, [7])).map((byte, at) => (at > 1 ? byte & 0x5a : byte))
  port.on('data', (asked: Buffer) => {
    if (asked[0] === 3) port.write(mixed)
  })
  const { code, output } = await scan(pair, '1-8')
  assert.equal(code, 1)
  assert.match(output, /unit 3: answers come, and no sum holds, while the others are silent: two units/)
})

test('a wrong baud rate is told, and the right one is found after it', onPair, async (t) => {
  const pair = await serialPair(t)
  const port = await pair.openTheirs()
  // A pty has no speed: what is asked first is heard as at a wrong one.
  let wrong = 5
  port.on('data', () => {
    if (wrong === 0) return
    port.write(Buffer.from('e0fc1ce30080f8', 'hex'))
    if (--wrong === 0) serveRtu({ stream: port, units: [sdm120(1)], clock: systemClock })
  })
  const { output } = await scan(pair, '1', '4800,9600')
  assert.match(output, /at 4800 baud[^]*another baud rate or parity, or the pair is reversed/)
  assert.match(output, /at 9600 baud[^]*unit 1: looks like eastron-sdm120/)
})

test('a pair that is reversed speaks without being asked, in 00 and FF', onPair, async (t) => {
  const pair = await serialPair(t)
  const port = await pair.openTheirs()
  let isOn = true
  const babble = (): void => {
    if (!isOn) return
    port.write(Buffer.from([0, 0xff, 0]))
    systemClock.after(20, babble)
  }
  babble()
  atEnd(t, () => (isOn = false))
  const { code, output } = await scan(pair, '1-2')
  isOn = false
  assert.equal(code, 1)
  assert.match(output, /00 or FF: the pair is reversed \(swap A and B\)/)
})

test('silence is told with what to look at', onPair, async (t) => {
  const pair = await serialPair(t)
  const { code, output } = await scan(pair, '1-2')
  assert.equal(code, 1)
  assert.match(output, /nothing answers: is the unit powered/)
  assert.match(output, /swap A and B/)
})

test('a port that somebody holds is not touched', onPair, async (t) => {
  const pair = await serialPair(t)
  const { SerialPort: Port } = await import('serialport')
  const held = new Port({ path: pair.ours, baudRate: 9600, lock: true, autoOpen: false })
  await new Promise<void>((resolve, reject) => held.open((error) => (error ? reject(error) : resolve())))
  const { code, output } = await scan(pair, '1')
  await new Promise<void>((resolve) => held.close(() => resolve()))
  assert.equal(code, 1)
  assert.match(output, /in use: by another program/)
  assert.match(output, /stop the gateway/)
})

test('a Modbus TCP server is scanned by host and port', { timeout: 60_000 }, async (t) => {
  const server = await startModbusServer({ host: '127.0.0.1', port: 0 }, systemClock)
  atEnd(t, () => server.stop())
  server.add(sdm120(7))
  const { code, output } = await ganglion('scan', `127.0.0.1:${server.port}`, '--units', '6-8')
  assert.equal(code, 0, output)
  assert.match(output, /unit 7: looks like eastron-sdm120/)
  assert.match(output, /modbus-tcp: \{ host: 127\.0\.0\.1, port: \d+, unit: 7 \}/)
})

test('a device server is scanned in RTU form', { timeout: 60_000 }, async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serveRtu({ stream: socket, units: [sdm120(1)], clock: systemClock })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  const { port } = server.address() as AddressInfo // it listens on TCP
  const { code, output } = await ganglion('scan', `127.0.0.1:${port}`, '--rtu', '--units', '1')
  assert.equal(code, 0, output)
  assert.match(output, /unit 1: looks like eastron-sdm120/)
})

const pymodbus = spawn(PYTHON, ['-c', 'import pymodbus'], { stdio: 'ignore' })
const [hasPymodbus] = (await once(pymodbus, 'close').catch(() => [1])) as unknown[]

test(
  'a unit of pymodbus is found',
  { ...onPair, skip: onPair.skip || (hasPymodbus === 0 ? false : "needs Debian's python3-pymodbus") },
  async (t: TestContext) => {
    const pair = await serialPair(t)
    const peer = spawn(PYTHON, [join(import.meta.dirname, 'peers/pymodbus-rtu.py'), pair.theirs], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    atEnd(t, () => peer.kill())
    let last = { code: undefined as unknown, output: '' }
    await until(
      () => `unit 5; it said ${last.output}`,
      async () => (last = await scan(pair, '5-6')).code === 0,
    )
    assert.match(last.output, /unit 5: looks like/)
  },
)

const wrongWords: readonly (readonly [words: readonly string[], said: RegExp])[] = [
  [['scan'], /wanted --port, or host:port/],
  [['scan', '--port', '/dev/ttyUSB0', '--bauds', '9601'], /--bauds: wanted some of/],
  [['scan', '--port', '/dev/ttyUSB0', '--units', '0-300'], /--units: wanted such as 1-32,40/],
  [['scan', '--port', '../etc/passwd'], /--port: wanted such as/],
  [['scan', '--port', '/dev/ttyUSB0', '--parity', 'mark'], /--parity: wanted none, even or odd/],
  [['scan', '1.2.3.4:99999'], /wanted --port, or host:port/],
  [['drill', 'd1', '--minutes', '0'], /--minutes: wanted 1 to 240/],
  [['accept', 'd1', '--position', '1,2'], /--position: wanted lng,lat and one of WGS84/],
  [['replace', 'd1'], /what is different about the new unit/],
  [['replace', 'd1', '--via', '[1'], /--via is no YAML/],
  [['replace', 'd1', '--via', 'mqtt'], /--via: wanted such as/],
  [['paint'], /unknown word "paint"; known are ports, scan/],
]
for (const [words, said] of wrongWords) {
  test(`"${words.join(' ')}" is refused in words`, async (t) => {
    assert.ok(!existsSync(join(tempFolder(t), 'data')))
    const { code, output } = await ganglion(...words)
    assert.equal(code, 2)
    assert.match(output, said)
  })
}

test('ports are listed with the name that stays the same', () => {
  const lines = portLines([
    {
      path: '/dev/ttyS0',
      stablePath: undefined,
      maker: undefined,
      serialNumber: undefined,
      usbId: undefined,
    },
    {
      path: '/dev/ttyUSB0',
      stablePath: '/dev/serial/by-id/usb-1a86_USB_Serial',
      maker: '1a86',
      serialNumber: undefined,
      usbId: '1a86:7523',
    },
  ])
  assert.deepEqual(lines, [
    '/dev/ttyS0       a port of this machine',
    '/dev/ttyUSB0     1a86 1a86:7523',
    '  for the site file: /dev/serial/by-id/usb-1a86_USB_Serial',
  ])
})
