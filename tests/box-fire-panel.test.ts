import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { toGbTime } from '../wire/gb26875-time.ts'
import { encodeGbUnit, type GbUnit } from '../wire/gb26875-units.ts'
import { encodeGb26875, gbCommands, GbParser } from '../wire/gb26875.ts'
import { BoxInProcess, makeBox, TestPlatform, until, type TestBox } from './box-rig.ts'
import { atEnd } from './fixtures.ts'

const SOURCE = 889
const detector = { systemType: 1, system: 1, componentType: 42, component: { zone: 2, point: 1 } }

/** A transmission device that knows which serials were confirmed. */
class TransmissionDevice {
  readonly confirmed: number[] = []
  readonly #socket: Socket

  private constructor(socket: Socket) {
    const parser = new GbParser()
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const event of parser.push(chunk))
        if (event.kind === 'frame' && event.command === gbCommands.confirm) this.confirmed.push(event.serial)
    })
  }

  static async dial(t: TestContext, box: TestBox): Promise<TransmissionDevice> {
    const socket = connect(box.ports.tcp, '127.0.0.1')
    atEnd(t, async () => void socket.destroy())
    await once(socket, 'connect')
    return new TransmissionDevice(socket)
  }

  async send(frame: Uint8Array): Promise<void> {
    const before = this.confirmed.length
    this.#socket.write(frame)
    await until('a confirmation', () => this.confirmed.length > before)
  }
}

function frame(serial: number, unit: GbUnit): Uint8Array {
  return encodeGb26875({
    serial,
    mainVersion: 1,
    userVersion: 1,
    time: toGbTime(systemClock.now()),
    source: SOURCE,
    destination: 1,
    command: gbCommands.send,
    data: encodeGbUnit(unit),
  })
}

const state = (serial: number, bits: number): Uint8Array => {
  const time = toGbTime(systemClock.now())
  return frame(serial, { type: 2, objects: [{ ...detector, state: bits, description: '车棚1号烟感', time }] })
}

const reset = (serial: number): Uint8Array => {
  const time = toGbTime(systemClock.now())
  return frame(serial, { type: 4, objects: [{ systemType: 1, system: 1, operation: 1, operator: 1, time }] })
}

test('a fire behind a transmission device is one case however often it is sent, and the panel’s reset clears it', async (t) => {
  const box = await makeBox(t, {
    shed: () => [
      {
        id: 'panel-smoke',
        profile: 'gb-uitd-smoke',
        via: { tcp: { gb26875: { source: SOURCE, component: { zone: 2, point: 1 } } } },
      },
    ],
  })
  const platform = await TestPlatform.start(t, box)
  const gateway = await BoxInProcess.start(t, box)
  const first = await TransmissionDevice.dial(t, box)
  // Bit 0 says "test": no drill comes of it.
  const fire = state(1, 2)
  await first.send(fire)
  await first.send(fire)
  const again = await TransmissionDevice.dial(t, box)
  await again.send(fire)
  await platform.gotCase('smoke')
  assert.deepEqual([...first.confirmed, ...again.confirmed], [1, 1, 1])
  assert.equal(gateway.report.messages, 1, 'a retry is confirmed and not taken again')
  assert.equal(platform.received[0]?.drill, false)
  await again.send(reset(2))
  await platform.got('the clear', (all) => all.some((one) => one.class === 'smoke' && one.revision === 2))
  assert.deepEqual(platform.revisionsOf('smoke'), ['shed/panel-smoke:1', 'shed/panel-smoke:2'])
})
