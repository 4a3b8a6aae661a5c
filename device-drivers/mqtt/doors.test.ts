import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Aedes, type Client } from 'aedes'
import { FakeClock } from '../../base/clock.ts'
import { RawMqtt } from '../../tests/raw-mqtt.ts'
import { deviceOf, MemoryMqttStore, OpenIntake } from '../../tests/transport-suite.ts'
import { Doors } from './doors.ts'
import { Sessions } from './sessions.ts'
import { speakersOf } from './speaker.ts'

/** Everything that can be reached from a value, as text. */
function reachable(value: unknown, seen = new Set<unknown>()): string {
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || seen.has(value)) return ''
  seen.add(value)
  return Object.values(value)
    .map((part) => reachable(part, seen))
    .join('\n')
}

test('the broker keeps no password once it has been looked at', async (t) => {
  const speakers = await speakersOf(
    { clock: new FakeClock(), devices: [deviceOf('beam', 'ir-beam', {})], bridges: [], limits: {} },
    ({ id }) => ({ base: id, isNamedByUser: false }),
  )
  const limits = { sessionsPerAccount: 1, queued: 1, retainedBytesPerAccount: 1 }
  const nothing = { maySubscribe: () => false, dropped: () => undefined }
  const sessions = new Sessions({ store: new MemoryMqttStore(), limits, ...nothing })
  const accounts = { verify: (_id: string, secret: string) => secret === 'hunter2' }
  const doors = new Doors({ intake: new OpenIntake(), accounts }, speakers, sessions)
  const broker = await Aedes.createBroker({
    preConnect: (client, packet, done) => doors.beforeConnect(client, packet, done),
    authenticate: (client, account, secret, done) => doors.authenticate(client, account, secret, done),
  })
  const ready = new Promise<Client>((resolve) => broker.on('clientReady', resolve))
  const server = createServer(broker.handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    broker.close()
    server.close()
  })
  const raw = new RawMqtt((server.address() as AddressInfo).port) // it listens on TCP
  t.after(() => raw.socket.destroy())
  raw.connect('beam', { secret: 'hunter2' })
  const { _parser: parser } = (await ready) as unknown as { readonly _parser: object } // aedes does not declare it
  const kept = reachable(parser)
  assert.match(kept, /beam/, 'the CONNECT packet is still there')
  assert.ok(!kept.includes('hunter2'))
})
