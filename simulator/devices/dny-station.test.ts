import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  DnyParser,
  dnyAck,
  dnyCommands,
  encodeDny,
  mustAcknowledge,
  type DnyEvent,
  type DnyFrame,
} from '../../wire/dny.ts'
import { decodeDnyChargeAnswer, dnyOrders, encodeDnyCharge } from '../../wire/dny-orders.ts'
import { decodeDnyPayload, type DnyPayload } from '../../wire/dny-payload.ts'
import type { FaultName } from '../faults.ts'
import type { SimulatedDevice } from './device.ts'
import { dnyStation } from './dny-station.ts'
import { contextFor, listening } from './try-device.ts'

const PHYS_ID = 0x04ab373b

interface Server {
  readonly station: SimulatedDevice
  readonly events: readonly DnyEvent[]
  /** Waits for the first payload that fits, from `after` events on. */
  readonly until: (
    fits: (payload: DnyPayload, frame: DnyFrame) => boolean,
    after?: number,
  ) => Promise<DnyFrame>
  /** The connection of the moment. */
  readonly socket: () => Socket | undefined
}

/** The server that a station dials; it acknowledges what must be. */
async function serve(t: TestContext): Promise<Server> {
  const events: DnyEvent[] = []
  const waiting = new Set<() => void>()
  let current: Socket | undefined
  const server = createServer((socket) => {
    const parser = new DnyParser()
    current = socket
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const event of parser.push(chunk)) {
        events.push(event)
        if (event.kind === 'frame' && mustAcknowledge(event.command)) socket.write(dnyAck(event))
      }
      for (const look of waiting) look()
    })
  })
  const station = dnyStation(
    { id: 'station', physId: PHYS_ID, ports: 2 },
    contextFor(await listening(server)),
  )
  t.after(async () => {
    await station.stop()
    current?.destroy()
    server.close()
  })
  return {
    station,
    events,
    socket: () => current,
    until: (fits, after = 0) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events
            .slice(after)
            .find(
              (event) => event.kind === 'frame' && fits(decodeDnyPayload(event.command, event.data), event),
            )
          if (found?.kind !== 'frame') return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
  }
}

const isPower =
  (port: number, celsius: number) =>
  (payload: DnyPayload): boolean =>
    payload.kind === 'port-power' && payload.portPower.port === port && payload.portPower.portC === celsius

test('a station says its card, registers, then its state: ports on the wire begin at 0', async (t) => {
  const { until, events, station } = await serve(t)
  const heartbeat = await until((payload) => payload.kind === 'heartbeat')
  await until(isPower(0, 36))
  assert.deepEqual(
    events.slice(0, 3).map((event) => (event.kind === 'frame' ? event.command : event.kind)),
    ['iccid', dnyCommands.register, dnyCommands.heartbeat],
  )
  assert.equal(heartbeat.physId, PHYS_ID)
  const beat = decodeDnyPayload(heartbeat.command, heartbeat.data)
  assert.ok(beat.kind === 'heartbeat')
  assert.deepEqual(beat.heartbeat.portStates, [1, 0])
  assert.ok(station.isReady)
})

test('a value that is set for a port goes out at once as its power frame', async (t) => {
  const { station, until } = await serve(t)
  await until((payload) => payload.kind === 'heartbeat')
  station.set({ 'port-2/portTemperature': 78, 'port-2/portPower': 1250.5, 'port-2/portState': 'charging' })
  const frame = await until(isPower(1, 78))
  const said = decodeDnyPayload(frame.command, frame.data)
  assert.ok(said.kind === 'port-power')
  assert.equal(said.portPower.powerW, 1250.5)
  assert.equal(said.portPower.state, 1)
})

test('an alarm goes out at once, by name or as smoke', async (t) => {
  const { station, until, events } = await serve(t)
  await until((payload) => payload.kind === 'heartbeat')
  station.set({ alarm: 'heat' })
  await until((payload) => payload.kind === 'alarm' && payload.alarm.type === 5)
  const after = events.length
  station.set({ smoke: true })
  await until((payload) => payload.kind === 'alarm' && payload.alarm.type === 4, after)
})

test('a port that stops charging is settled with its reason', async (t) => {
  const { station, until } = await serve(t)
  await until((payload) => payload.kind === 'heartbeat')
  station.set({ 'port-1/portState': 'idle', 'port-1/stopReason': 'port-hot' })
  const frame = await until((payload) => payload.kind === 'settlement')
  const said = decodeDnyPayload(frame.command, frame.data)
  assert.ok(said.kind === 'settlement')
  assert.equal(said.settlement.port, 0)
  assert.equal(said.settlement.stopReason, 0x0b)
})

test('a command of the server is answered under its own number', async (t) => {
  const { until, socket } = await serve(t)
  await until((payload) => payload.kind === 'heartbeat')
  socket()?.write(encodeDny({ physId: PHYS_ID, messageId: 4711, command: 0x85, data: Uint8Array.of(0) }))
  await until((_payload, frame) => frame.messageId === 4711 && frame.command === 0x85)
})

test('a charge is stopped by its own number alone, and settled as stopped by the server', async (t) => {
  const { until, socket } = await serve(t)
  const power = await until(isPower(0, 36))
  const said = decodeDnyPayload(power.command, power.data)
  const order = said.kind === 'port-power' ? (said.portPower.order ?? '') : ''
  const stop = (messageId: number, number: string): void => {
    const data = encodeDnyCharge({ command: 'stop', port: 0, order: number })
    socket()?.write(encodeDny({ physId: PHYS_ID, messageId, command: dnyOrders.charge, data }))
  }
  const answerTo = async (messageId: number): Promise<number | undefined> =>
    decodeDnyChargeAnswer((await until((_, frame) => frame.messageId === messageId)).data)?.answer
  stop(1, 'ff'.repeat(16))
  assert.equal(await answerTo(1), 1)
  stop(2, order)
  assert.equal(await answerTo(2), 0)
  const settled = await until((payload) => payload.kind === 'settlement')
  const bill = decodeDnyPayload(settled.command, settled.data)
  assert.ok(bill.kind === 'settlement')
  assert.deepEqual([bill.settlement.stopReason, bill.settlement.order], [7, order])
  stop(3, order)
  assert.equal(await answerTo(3), 2)
})

test('a station dials again by itself, and an alarm of meanwhile comes after its registration', async (t) => {
  const { station, until, events, socket } = await serve(t)
  await until((payload) => payload.kind === 'heartbeat')
  const after = events.length
  const line = socket()
  const ended = new Promise((resolve) => line?.once('close', resolve))
  station.reannounce()
  await ended
  station.set({ alarm: 'smoke' })
  await until((payload) => payload.kind === 'alarm', after)
  assert.deepEqual(
    events.slice(after, after + 3).map((event) => (event.kind === 'frame' ? event.command : event.kind)),
    ['iccid', dnyCommands.register, dnyCommands.alarm],
  )
})

const broken: readonly FaultName[] = ['tcp-bad-sum', 'tcp-noise', 'tcp-trickle', 'tcp-bad-length']

for (const fault of broken) {
  test(`with ${fault} the frame itself still comes`, async (t) => {
    const { station, until, events } = await serve(t)
    await until((payload) => payload.kind === 'heartbeat')
    await station.setFault(fault)
    for (let celsius = 60; celsius < 64; celsius++) station.set({ 'port-1/portTemperature': celsius })
    await station.setFault(undefined)
    // What a wrong length has swallowed comes out when good bytes follow.
    for (let celsius = 70; celsius < 74; celsius++) station.set({ 'port-1/portTemperature': celsius })
    await until(isPower(0, 73))
    const wanted = [60, 61, 62, 63]
    const seen = wanted.filter((celsius) =>
      events.some(
        (event) => event.kind === 'frame' && isPower(0, celsius)(decodeDnyPayload(event.command, event.data)),
      ),
    )
    assert.deepEqual(seen, wanted)
    assert.equal(
      events.some((event) => event.kind === 'rubbish'),
      fault !== 'tcp-trickle',
    )
  })
}
