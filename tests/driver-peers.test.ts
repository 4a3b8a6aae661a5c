import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../base/clock.ts'
import modbusTcp from '../device-drivers/transports/modbus-tcp.ts'
import mqttBroker from '../device-drivers/transports/mqtt-broker.ts'
import { startModbusServer } from '../simulator/devices/modbus-server.ts'
import { deviceOf, MemoryMqttStore, startTransport } from './transport-suite.ts'

/** Our drivers against programs that are not ours. */

/** Debian's, by its full path: a `python3` found first on the path may be another one without pymodbus. */
const PYTHON = '/usr/bin/python3'
const hasPymodbus = spawnSync(PYTHON, ['-c', 'import pymodbus']).status === 0
const hasMbpoll = spawnSync('mbpoll', ['-V']).error === undefined
const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined
const needs = (has: boolean, packages: string): string | false => (has ? false : `needs Debian's ${packages}`)
const run = promisify(execFile)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
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

test(
  'pymodbus: its registers are read',
  { skip: needs(hasPymodbus, 'python3-pymodbus'), timeout: 30_000 },
  async (t) => {
    const port = await freePort()
    const peer = spawn(PYTHON, [join(import.meta.dirname, 'peers', 'pymodbus-server.py'), String(port)], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    t.after(() => peer.kill('SIGKILL'))
    while (!(await answers(port))) assert.equal(peer.exitCode, null)
    const via = { host: '127.0.0.1', port, unit: 5, every: '1 s' }
    const { intake, until } = await startTransport(t, modbusTcp, {
      devices: [deviceOf('it', 'arc-protector-5b', via)],
    })
    await until('a poll', () => intake.accepted.length > 0)
    const fields: Readonly<Record<string, unknown>> = intake.accepted[0]?.fields ?? {}
    assert.equal(fields['residualCurrent'], 365)
    assert.equal(fields['cableTemperature'], 655)
    assert.equal(fields['power'], 7872)
    assert.equal(fields['energy'], 123_456)
    assert.equal(fields['breakerState'], 1)
  },
)

test(
  'mbpoll: it reads our simulated units over TCP, and hears of the one that is not there',
  { skip: needs(hasMbpoll, 'mbpoll'), timeout: 30_000 },
  async (t) => {
    const server = await startModbusServer({ host: '127.0.0.1', port: 0 }, systemClock)
    t.after(() => server.stop())
    for (const unit of [3, 4])
      server.add({
        unit,
        fault: undefined,
        onAsked: () => undefined,
        read: (address, count) => Array.from({ length: count }, (_, index) => 100 * unit + address + index),
      })
    const poll = (unit: string) =>
      run('mbpoll', [
        ...['-m', 'tcp', '-p', String(server.port), '-a', unit, '-0', '-r', '7', '-c', '3', '-t', '4', '-1'],
        '127.0.0.1',
      ])
    for (const unit of [3, 4]) {
      const { stdout } = await poll(String(unit))
      for (const address of [7, 8, 9])
        assert.match(stdout, new RegExp(`\\[${address}\\]:\\s+${100 * unit + address}\\b`))
    }
    await assert.rejects(poll('5'), /target|gateway/i)
  },
)

const options = { skip: needs(hasMosquitto, 'mosquitto-clients'), timeout: 30_000 }

test(
  'mosquitto_pub: a QoS 1 and a QoS 2 message are taken, a wrong secret is refused',
  options,
  async (t) => {
    const { intake, port, until } = await startTransport(t, mqttBroker, {
      devices: [deviceOf('beam', 'ir-beam', {})],
      listen: '127.0.0.1:0',
    })
    const publish = (secret: string, qos: string) =>
      run('mosquitto_pub', [
        ...['-h', '127.0.0.1', '-p', String(port), '-u', 'beam', '-P', secret, '-q', qos],
        ...['-t', 'ganglion/site/beam/up', '-m', '{"blocked":true}'],
      ])
    await publish('secret of beam', '1')
    await publish('secret of beam', '2')
    await until('both', () => intake.accepted.length === 2)
    await assert.rejects(publish('wrong', '1'), /not authorised|bad user name/i)
  },
)

test('mosquitto_sub: a bridge gets its retained message', options, async (t) => {
  const store = new MemoryMqttStore()
  const context = {
    devices: [],
    bridges: [{ id: 'z2m', codec: 'zigbee2mqtt', base: 'zigbee2mqtt' }],
    listen: '127.0.0.1:0',
  }
  const { port } = await startTransport(t, mqttBroker, context, { store })
  const who = ['-h', '127.0.0.1', '-p', String(port), '-u', 'z2m', '-P', 'secret of z2m']
  await run('mosquitto_pub', [...who, '-q', '1', '-r', '-t', 'zigbee2mqtt/bridge/state', '-m', 'kept'])
  const { stdout } = await run('mosquitto_sub', [
    ...who,
    '-q',
    '1',
    '-C',
    '1',
    '-W',
    '10',
    '-t',
    'zigbee2mqtt/#',
  ])
  assert.equal(stdout.trim(), 'kept')
})
