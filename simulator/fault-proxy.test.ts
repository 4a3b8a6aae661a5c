import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import { isWireFault, startFaultProxy, wireFaults, type FaultProxy } from './fault-proxy.ts'
import { faultNames, makerOf } from './faults.ts'
import { seededRandom } from './random.ts'

interface Line {
  readonly proxy: FaultProxy
  /** The device's end, which dials. */
  readonly device: Socket
  /** The gateway's end, which listens. */
  readonly gateway: Socket
}

/** A device that dials a gateway through the proxy. */
async function line(t: TestContext): Promise<Line> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server that listens
  const proxy = await startFaultProxy({
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port },
    gateway: 'target',
    clock: systemClock,
    random: seededRandom(1),
  })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const device = connect(proxy.port, '127.0.0.1')
  const [gateway] = await accepted
  for (const socket of [device, gateway]) socket.on('error', () => undefined)
  t.after(async () => {
    device.destroy()
    gateway.destroy()
    await proxy.stop()
    server.close()
  })
  return { proxy, device, gateway }
}

async function read(socket: Socket, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  while (bytes.length < count) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    bytes = Buffer.concat([bytes, chunk])
  }
  return bytes
}

/** A reset is an end too: `once` would throw its error. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()))

/** Lets what lies in the sockets of this process arrive. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('every wire fault stands in the table of faults, and only those are made by the wire', () => {
  const inTable = faultNames.filter((name) => makerOf(name, 'mqtt') === 'wire')
  assert.deepEqual(inTable.toSorted(), [...wireFaults].sort())
  assert.ok(inTable.every(isWireFault))
})

test('without a fault bytes pass both ways as they are', async (t) => {
  const { device, gateway } = await line(t)
  device.write('hello')
  assert.equal((await read(gateway, 5)).toString(), 'hello')
  gateway.write('world')
  assert.equal((await read(device, 5)).toString(), 'world')
})

test('trickle and delay change the pace and not the bytes', async (t) => {
  const { proxy, device, gateway } = await line(t)
  await proxy.setFault('trickle')
  device.write('slowly')
  const first = (await once(gateway, 'data')) as [Buffer]
  assert.equal(first[0].length, 1)
  assert.equal((await read(gateway, 5)).toString(), 'lowly')
  await proxy.setFault('delay')
  device.write('late')
  assert.equal((await read(gateway, 4)).toString(), 'late')
})

test('duplicate sends every piece twice', async (t) => {
  const { proxy, device, gateway } = await line(t)
  await proxy.setFault('duplicate')
  device.write('once')
  assert.equal((await read(gateway, 8)).toString(), 'onceonce')
})

test('garbage comes before the real bytes, which are all there', async (t) => {
  const { proxy, device, gateway } = await line(t)
  await proxy.setFault('garbage')
  device.write('truth')
  let got = Buffer.alloc(0)
  while (!got.toString('latin1').endsWith('truth')) got = Buffer.concat([got, await read(gateway, 1)])
  assert.ok(got.length > 5)
})

test('cut ends the connection inside the message', async (t) => {
  const { proxy, device, gateway } = await line(t)
  await proxy.setFault('cut')
  let got = ''
  gateway.on('data', (chunk: Buffer) => (got += chunk.toString()))
  const end = closed(gateway)
  device.write('0123456789')
  await end
  assert.equal(got, '0123456')
})

test('refuse closes the port and its connections, and the same port opens again after it', async (t) => {
  const { proxy, device } = await line(t)
  const end = closed(device)
  await proxy.setFault('refuse')
  await end
  const refused = connect(proxy.port, '127.0.0.1')
  const [error] = (await once(refused, 'error')) as [unknown]
  assert.equal(codeOf(error), 'ECONNREFUSED')
  const before = proxy.port
  await proxy.setFault(undefined)
  assert.equal(proxy.port, before)
  const again = connect(proxy.port, '127.0.0.1')
  await once(again, 'connect')
  again.destroy()
})

test('stall keeps the connection open and lets nothing through, and its end ends the connection', async (t) => {
  const { proxy, device, gateway } = await line(t)
  await proxy.setFault('stall')
  let count = 0
  gateway.on('data', (chunk: Buffer) => (count += chunk.length))
  device.write('never')
  await settle()
  assert.ok(!device.destroyed)
  const end = closed(device)
  await proxy.setFault(undefined)
  await end
  assert.equal(count, 0)
})

test('reset ends connections with a reset', async (t) => {
  const { proxy, device, gateway } = await line(t)
  const reasons: string[] = []
  device.on('error', (error) => reasons.push(codeOf(error)))
  const end = closed(device)
  await proxy.setFault('reset')
  await end
  gateway.destroy()
  assert.deepEqual(reasons, ['ECONNRESET'])
})
