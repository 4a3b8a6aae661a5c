import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { SerialPort } from 'serialport'
import { systemClock } from '../base/clock.ts'
import dlt645 from '../device-drivers/transports/dlt645.ts'
import dlt645Tcp from '../device-drivers/transports/dlt645-tcp.ts'
import { serveDlt645 } from '../simulator/devices/dlt645-meters.ts'
import { Dlt645Parser, encodeBcd, encodeDlt645 } from '../wire/dlt645.ts'
import { serialPair, skipWithoutPair } from './serial-pair.ts'
import { deviceOf, startTransport, transportSuite, type Running } from './transport-suite.ts'

const METER = '000012345678'

/** What a single-phase meter says about itself, each item as the standard's table prints it. */
function itemsOf(voltageV: number): Map<string, Uint8Array> {
  return new Map<string, Uint8Array>([
    ['00010000', encodeBcd(1234.56, 4, { decimals: 2, isSigned: false })],
    ['02010100', encodeBcd(voltageV, 2, { decimals: 1, isSigned: false })],
    ['02020100', encodeBcd(3.512, 3, { decimals: 3, isSigned: true })],
    ['02030000', encodeBcd(-0.8123, 3, { decimals: 4, isSigned: true })],
    ['02060000', encodeBcd(0.98, 2, { decimals: 3, isSigned: true })],
  ])
}

transportSuite('dlt645-tcp', {
  plug: dlt645Tcp,
  valueOf: (fields) => fields['voltage'],
  async prepare() {
    const items = itemsOf(230.1)
    const meters = new Map([[METER, items]])
    const sockets = new Set<Socket>()
    let asked = 0
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      serveDlt645(socket, meters)
      const parser = new Dlt645Parser()
      // The energy is the first item of each poll.
      socket.on('data', (chunk) => {
        for (const event of parser.push(chunk))
          if (event.kind === 'frame' && event.data[2] === 1 && event.data[3] === 0) asked++
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // it listens on TCP
    const via = { host: '127.0.0.1', port, address: '12345678', every: '20 ms' }
    return {
      // Bytes take real time here, and a reply that comes late is not one.
      context: { devices: [deviceOf('device-1', 'dlt645-single-phase', via)], clock: systemClock },
      async connect() {
        return {
          say: (value) => items.set('02010100', itemsOf(value).get('02010100') ?? new Uint8Array(0)),
          acknowledged: () => Math.max(0, asked - 1),
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

const onPair = { skip: skipWithoutPair, timeout: 30_000 }

/** A meter of that profile on a pair of serial ports, with whatever sits at the other end. */
async function readOver(t: TestContext, serve: (port: SerialPort) => void): Promise<Running> {
  const pair = await serialPair(t)
  serve(await pair.openTheirs())
  const via = { port: pair.ours, address: '12345678', every: '50 ms' }
  return startTransport(t, dlt645, {
    devices: [deviceOf('it', 'dlt645-single-phase', via)],
    clock: systemClock,
  })
}

test(
  'a meter on a serial port is read, beside another and with the echo of the request',
  onPair,
  async (t) => {
    const { intake, until } = await readOver(t, (port) => {
      // Some adapters hear themselves; another meter's reply comes late.
      port.on('data', (chunk: Buffer) => {
        port.write(chunk)
        port.write(
          encodeDlt645({
            address: '000000000001',
            control: 0x91,
            data: Uint8Array.of(0, 0, 1, 0, 9, 9, 9, 9),
          }),
        )
      })
      serveDlt645(port, new Map([[METER, itemsOf(230.1)]]))
    })
    await until('a poll', () => intake.accepted.length > 0)
    assert.deepEqual(intake.accepted[0]?.fields, {
      energy: 1234.56,
      voltage: 230.1,
      current: 3.512,
      power: -0.8123,
      powerFactor: 0.98,
    })
    assert.ok(intake.hasTrouble('late or foreign bytes'))
  },
)

test('what a meter has not, and what is no number, does not cost the rest', onPair, async (t) => {
  const items = itemsOf(230.1)
  items.delete('02060000')
  items.set('02010100', Uint8Array.of(0xff, 0xff))
  const { intake, until } = await readOver(t, (port) => serveDlt645(port, new Map([[METER, items]])))
  await until('a poll', () => intake.accepted.length > 0)
  const fields: Readonly<Record<string, unknown>> = intake.accepted[0]?.fields ?? {}
  assert.equal(fields['voltage'], 'FFFF')
  assert.equal(fields['energy'], 1234.56)
  assert.ok(!('powerFactor' in fields))
  assert.ok(intake.hasTrouble('payload-invalid (it): item 02010100: wanted 4 decimal digits, got FFFF'))
  assert.ok(intake.hasTrouble('device-refused (it): no such data at 02060000'))
})

test('a meter of 1997 is lost with a clear word', onPair, async (t) => {
  const { intake, until } = await readOver(t, (port) => {
    const parser = new Dlt645Parser()
    port.on('data', (chunk: Buffer) => {
      for (const event of parser.push(chunk))
        if (event.kind === 'frame')
          port.write(
            encodeDlt645({ address: event.address, control: 0x81, data: Uint8Array.of(0x11, 0xb6, 1, 0x23) }),
          )
    })
  })
  await until('the loss', () => intake.losses.length > 0)
  assert.equal(intake.losses[0], 'it: the meter speaks DL/T 645-1997; wanted the edition of 2007')
})

test('a silent meter is asked for one item and not for all', { timeout: 30_000 }, async (t) => {
  const asked: string[] = []
  const server = createServer((socket) => {
    const parser = new Dlt645Parser()
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const event of parser.push(chunk))
        if (event.kind === 'frame') asked.push(Buffer.from(event.data).toString('hex'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo // it listens on TCP
  const via = { host: '127.0.0.1', port, address: '12345678', every: '1 s' }
  const { intake, until } = await startTransport(t, dlt645Tcp, {
    devices: [deviceOf('it', 'dlt645-single-phase', via)],
  })
  await until('three polls', () => asked.length >= 3)
  assert.deepEqual([...new Set(asked)], ['00000100'])
  assert.ok(intake.hasTrouble('dlt645-tcp: device-silent (it): no answer in time at 00010000'))
})
