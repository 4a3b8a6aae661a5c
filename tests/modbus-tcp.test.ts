import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import modbusTcp from '../device-drivers/transports/modbus-tcp.ts'
import type { Device } from '../gateway/device.ts'
import { encodeException, encodeMbap, encodeRegistersReply } from '../wire/modbus.ts'
import { ownNumber, startModbusPeer, type ModbusPeer } from './modbus-peer.ts'
import { deviceOf, OpenIntake, startTransport } from './transport-suite.ts'

const protector = ({ port }: Pick<ModbusPeer, 'port'>, unit: number): Device =>
  deviceOf(`unit-${unit}`, 'arc-protector-5b', { host: '127.0.0.1', port, unit, every: '500 ms' })

const polls = ({ asked }: ModbusPeer, unit: number): number => asked.filter((one) => one === unit).length

/** The residual current that was last accepted of a unit. */
function lastOf({ accepted }: OpenIntake, unit: number): unknown {
  return accepted.findLast(({ deviceId }) => deviceId === `unit-${unit}`)?.fields['residualCurrent']
}

test('units behind one address share one connection and keep their values apart', async (t) => {
  const peer = await startModbusPeer(t)
  const { intake, until } = await startTransport(t, modbusTcp, {
    devices: [1, 2, 3].map((n) => protector(peer, n)),
  })
  await until('all', () => [1, 2, 3].every((unit) => lastOf(intake, unit) === unit))
  assert.equal(intake.states.filter((state) => state.endsWith('connected')).length, 1)
})

test('a profile of two register blocks gives one message a poll', async (t) => {
  const peer = await startModbusPeer(t)
  const via = { host: '127.0.0.1', port: peer.port, unit: 11, every: '500 ms' }
  const { intake, until } = await startTransport(t, modbusTcp, {
    devices: [deviceOf('station', 'estation-5d', via)],
  })
  await until('a poll', () => intake.accepted.length === 1)
  assert.equal(peer.asked.length, 2)
  assert.equal(intake.accepted[0]?.fields['portTemperature2'], 11)
  assert.equal(intake.accepted[0].fields['cabinetTemperature'], 11)
})

test('a dead unit is asked ever less often and the others are polled as before', async (t) => {
  const peer = await startModbusPeer(t)
  const dead = 20
  peer.says = (asked) => (asked.frame.unit === dead ? undefined : ownNumber(asked))
  const units = Array.from({ length: 20 }, (_, i) => i + 1)
  const { intake, until } = await startTransport(t, modbusTcp, {
    devices: units.map((n) => protector(peer, n)),
  })
  await until('a while', () => polls(peer, 1) === 60)
  // Half a second apart, 60 polls of the living are 30 s; the dead one was asked again every 2 s until it was missing.
  assert.ok(polls(peer, dead) <= 10, `${polls(peer, dead)} probes`)
  for (const unit of units.filter((one) => one !== dead)) assert.ok(polls(peer, unit) >= 54, `unit ${unit}`)
  assert.equal(intake.losses.length, 1)
  assert.match(intake.losses[0] ?? '', /^unit-20: no answer/)
  assert.deepEqual(intake.missing, intake.losses)
  assert.ok(intake.hasTrouble('device-silent (unit-20)'))
})

test('a unit that comes back is found and heard again', async (t) => {
  const peer = await startModbusPeer(t)
  peer.says = () => undefined
  const { intake, until } = await startTransport(t, modbusTcp, { devices: [protector(peer, 7)] })
  await until('lost', () => intake.losses.length === 1)
  peer.says = ownNumber
  await until('heard', () => lastOf(intake, 7) === 7)
  assert.ok(intake.states.includes('unit-7 answers'))
  const before = peer.asked.length
  await until('polled as usual', () => peer.asked.length > before + 3)
})

test('a late reply is thrown away and never taken for a later answer', async (t) => {
  const peer = await startModbusPeer(t)
  const late: (() => void)[] = []
  peer.says = ({ frame, request, socket }) => {
    if (peer.asked.length > 1) return ownNumber({ frame, request, socket })
    const pdu = encodeRegistersReply(3, new Array<number>(request.count).fill(1111))
    late.push(() => socket.write(encodeMbap({ ...frame, pdu })))
    return undefined
  }
  const { intake, until } = await startTransport(t, modbusTcp, { devices: [protector(peer, 7)] })
  await until('timed out', () => intake.hasTrouble('device-silent'))
  for (const send of late) send()
  await until('heard', () => lastOf(intake, 7) === 7)
  assert.ok(intake.hasTrouble('late or foreign reply'))
  assert.ok(intake.accepted.every(({ fields }) => fields['residualCurrent'] === 7))
})

test('a short reply, another function and another unit are counted and not believed', async (t) => {
  const peer = await startModbusPeer(t)
  const wrong = [
    encodeRegistersReply(3, [9]),
    encodeRegistersReply(4, new Array<number>(22).fill(9)),
    Buffer.from([3]),
  ]
  peer.says = (asked) => wrong.shift() ?? ownNumber(asked)
  const { intake, until } = await startTransport(t, modbusTcp, { devices: [protector(peer, 7)] })
  await until('heard', () => lastOf(intake, 7) === 7)
  assert.equal(intake.troubles.filter((trouble) => trouble.includes('frame-invalid (unit-7)')).length, 3)
  peer.says = (asked) => {
    asked.socket.write(
      encodeMbap({ ...asked.frame, unit: 8, pdu: encodeRegistersReply(3, new Array<number>(22).fill(9)) }),
    )
    return undefined
  }
  await until('counted', () => intake.hasTrouble('reply of another unit'))
  assert.ok(intake.accepted.every(({ fields }) => fields['residualCurrent'] === 7))
})

test('an exception is shown by its name, and the values are no longer believed', async (t) => {
  const peer = await startModbusPeer(t)
  const { intake, until } = await startTransport(t, modbusTcp, { devices: [protector(peer, 7)] })
  await until('heard', () => lastOf(intake, 7) === 7)
  peer.says = () => encodeException(3, 2)
  await until('lost', () => intake.losses.length > 0)
  assert.deepEqual(intake.losses, ['unit-7: illegal data address'])
  assert.ok(intake.hasTrouble('device-refused (unit-7): illegal data address at 0'))
})

test('a block that is refused does not cost the block that is not', async (t) => {
  const peer = await startModbusPeer(t)
  peer.says = (asked) => (asked.request.address >= 256 ? encodeException(3, 2) : ownNumber(asked))
  const via = { host: '127.0.0.1', port: peer.port, unit: 11, every: '500 ms' }
  const { intake, until } = await startTransport(t, modbusTcp, {
    devices: [deviceOf('station', 'estation-5d', via)],
  })
  await until('a poll', () => intake.accepted.length === 1)
  assert.equal(intake.accepted[0]?.fields['cabinetTemperature'], 11)
  assert.ok(intake.states.includes('station refused'))
})

test('a gateway that cannot reach the unit behind it is told as the unit’s silence', async (t) => {
  const peer = await startModbusPeer(t)
  peer.says = () => encodeException(3, 11)
  const { intake, until } = await startTransport(t, modbusTcp, { devices: [protector(peer, 7)] })
  await until('lost', () => intake.losses.length > 0)
  assert.deepEqual(intake.losses, ['unit-7: gateway target failed to respond'])
})

test('a lost connection makes every value of its units bad, once, until it is back', async (t) => {
  const peer = await startModbusPeer(t)
  const { intake, until } = await startTransport(t, modbusTcp, {
    devices: [1, 2].map((n) => protector(peer, n)),
  })
  await until('heard', () => lastOf(intake, 1) === 1 && lastOf(intake, 2) === 2)
  peer.dropAll()
  await until('lost', () => intake.losses.length === 2)
  const before = intake.accepted.length
  await until('back', () => intake.accepted.length > before + 4)
  assert.equal(intake.losses.length, 2)
})

test('a refused connection is reported, tried again ever less often, and made when it can be', async (t) => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => closed.close(resolve))
  const { intake, until, clock } = await startTransport(t, modbusTcp, { devices: [protector({ port }, 7)] })
  await until('three tries', () => intake.troubles.length === 3)
  assert.ok(
    intake.troubles.every(
      (trouble) => trouble.includes('device-unreachable') && trouble.includes('ECONNREFUSED'),
    ),
  )
  assert.equal(intake.losses.length, 1)
  // 1, 2 and 4 s between the first tries.
  assert.ok(clock.ticks() >= 3000)
  await startModbusPeer(t, port)
  await until('heard', () => lastOf(intake, 7) === 7)
})

test('a slow store slows the polling of its device and of no other', async (t) => {
  const peer = await startModbusPeer(t)
  const intake = new OpenIntake()
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  intake.gate = ({ deviceId }) => (deviceId === 'unit-1' ? opened : Promise.resolve())
  const { until } = await startTransport(
    t,
    modbusTcp,
    { devices: [1, 2].map((n) => protector(peer, n)) },
    { intake },
  )
  await until('ten polls of 2', () => polls(peer, 2) === 10)
  assert.equal(polls(peer, 1), 1)
  open()
  await until('1 goes on', () => polls(peer, 1) > 3)
})
