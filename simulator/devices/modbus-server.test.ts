import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'
import {
  MbapParser,
  encodeMbap,
  encodeReadRequest,
  encodeWriteRequest,
  type MbapFrame,
} from '../../wire/modbus.ts'
import { seededRandom } from '../random.ts'
import type { SimulatedDevice } from './device.ts'
import { modbusDevice } from './modbus-device.ts'
import { startModbusServer, type ModbusServer } from './modbus-server.ts'
import { ebikeStation, fireProtector } from './registers.ts'

interface Port {
  readonly server: ModbusServer
  readonly station: SimulatedDevice
  readonly protector: SimulatedDevice
  readonly clock: FakeClock
  readonly master: Socket
  readonly ask: (unit: number, address: number, count: number) => Promise<MbapFrame>
}

/** A station as unit 11 and a protector as unit 5 on one port, and a master that asks them. */
async function openPort(t: TestContext): Promise<Port> {
  const clock = new FakeClock()
  const endpoint = { host: '127.0.0.1', port: 0 }
  const server = await startModbusServer(endpoint, clock)
  const context = { clock, endpoint, random: seededRandom(1), reportsEvery: 1000 }
  const station = modbusDevice({ id: 'station', unit: 11, map: ebikeStation(2), server }, context)
  const protector = modbusDevice({ id: 'protector', unit: 5, map: fireProtector, server }, context)
  const master = connect(server.port, endpoint.host)
  master.on('error', () => undefined)
  await once(master, 'connect')
  t.after(async () => {
    master.destroy()
    await server.stop()
  })
  const parser = new MbapParser()
  const replies: MbapFrame[] = []
  let transaction = 0
  const ask = async (unit: number, address: number, count: number): Promise<MbapFrame> => {
    const pdu = encodeReadRequest({ function: 3, address, count })
    master.write(encodeMbap({ transaction: ++transaction, unit, pdu }))
    return reply(transaction)
  }
  const reply = async (wanted: number): Promise<MbapFrame> => {
    for (;;) {
      const found = replies.find((frame) => frame.transaction === wanted)
      if (found) return found
      const [chunk] = (await once(master, 'data')) as [Buffer]
      replies.push(...parser.push(chunk))
    }
  }
  return { server, station, protector, clock, master, ask }
}

const hex = (frame: MbapFrame): string => Buffer.from(frame.pdu).toString('hex')

test('all units of a port answer under their own number, with what the scenario set', async (t) => {
  const { station, protector, ask } = await openPort(t)
  assert.ok(!station.isReady)
  station.set({ 'port-1/portTemperature': 78 })
  protector.set({ residualCurrent: 560 })
  assert.equal(hex(await ask(11, 0x0106, 1)), '0302004e')
  assert.equal(hex(await ask(5, 0x0002, 1)), '03020230')
  assert.ok(station.isReady)
})

test('a unit that is not there and an address that does not exist are answered with exceptions', async (t) => {
  const { ask } = await openPort(t)
  assert.equal(hex(await ask(99, 0, 1)), '830b')
  assert.equal(hex(await ask(11, 0x4000, 1)), '8302')
})

test('a write is refused: breakers are read only', async (t) => {
  const { master } = await openPort(t)
  const pdu = encodeWriteRequest({ function: 6, address: 0x0023, value: 0x00a5 })
  master.write(encodeMbap({ transaction: 7, unit: 5, pdu }))
  const [chunk] = (await once(master, 'data')) as [Buffer]
  assert.equal(chunk.subarray(7).toString('hex'), '8601')
})

test('each fault of a unit spoils its own answers and not those of its neighbour', async (t) => {
  const { station, clock, ask } = await openPort(t)
  await station.setFault('modbus-exception')
  assert.equal(hex(await ask(11, 0, 2)), '8304')
  await station.setFault('modbus-short')
  assert.equal(hex(await ask(11, 0, 4)).slice(0, 4), '0304')
  await station.setFault('modbus-late')
  const late = ask(11, 0, 1)
  assert.equal(hex(await ask(5, 0x0001, 1)), '03020001')
  await clock.turn(4000)
  assert.equal(hex(await late), '03020002')
  await station.setFault('modbus-dead')
  let isAnswered = false
  void ask(11, 0, 1).then(() => (isAnswered = true))
  assert.equal(hex(await ask(5, 0x0001, 1)), '03020001')
  assert.ok(!isAnswered)
})

test('a refused port is closed and comes back where it was', async (t) => {
  const { server, station, master } = await openPort(t)
  const ended = new Promise((resolve) => master.once('close', resolve))
  await station.setFault('modbus-refused')
  await ended
  const refused = connect(server.port, '127.0.0.1')
  const [error] = (await once(refused, 'error')) as [unknown]
  assert.equal(codeOf(error), 'ECONNREFUSED')
  await station.setFault(undefined)
  const again = connect(server.port, '127.0.0.1')
  await once(again, 'connect')
  again.destroy()
})
