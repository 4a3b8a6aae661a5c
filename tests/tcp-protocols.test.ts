import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { GanglionError } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import tcpServer from '../device-drivers/transports/tcp-server.ts'
import type { Device } from '../gateway/device.ts'
import type { Arrival } from '../gateway/ports.ts'
import type { FrameCutter } from '../wire/frame-cutter.ts'
import { DnyParser } from '../wire/dny.ts'
import { toGbTime } from '../wire/gb26875-time.ts'
import { decodeGbUnit, encodeGbUnit, type GbUnit } from '../wire/gb26875-units.ts'
import { encodeGb26875, gbCommands, GbParser, type GbFrame } from '../wire/gb26875.ts'
import { encodeJuy, JuyParser, type JuyFrame } from '../wire/juy.ts'
import { deviceOf, startTransport, transportSuite, type Running } from './transport-suite.ts'

const options = { timeout: 30_000 }
const listen = '127.0.0.1:0'
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

const SOURCE = 889
const CENTRE = 88_888
const IMEI = '861197062934387'
const JUY_LOGIN = bytes(
  '5AA5490081003836313139373036323933343338370A4A55595F42325F513830304D5F315F304A55595F42325F434F4D4D5F56312E3738393836303445383130323343303936333733311B005F',
)

const uitd = deviceOf('uitd', 'gb-uitd', { gb26875: { source: SOURCE } })
const panel = deviceOf('panel', 'gb-uitd', { gb26875: { source: SOURCE, system: 1 } })
const smoke = deviceOf('smoke', 'gb-uitd-smoke', {
  gb26875: { source: SOURCE, component: { zone: 2, point: 1 } },
})
const other = deviceOf('other', 'gb-uitd-smoke', {
  gb26875: { source: SOURCE, system: 1, component: { zone: 2, point: 7 } },
})

/** One that dialled in, and the frames that came back. */
interface Peer<F> {
  readonly socket: Socket
  readonly heard: F[]
}

function dial<F>(running: Running, parser: FrameCutter<(F & { readonly kind: 'frame' }) | Other>): Peer<F> {
  const socket = connect(running.port, '127.0.0.1')
  const heard: F[] = []
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    for (const event of parser.push(chunk)) if (event.kind === 'frame') heard.push(event)
  })
  return { socket, heard }
}

/** What a server does not send. */
interface Other {
  readonly kind: 'broken'
}

const dialGb = (running: Running): Peer<GbFrame> => dial(running, new GbParser())
const dialJuy = (running: Running): Peer<JuyFrame> => dial(running, new JuyParser())

function gbFrame(running: Running, serial: number, unit?: GbUnit): GbFrame {
  return {
    serial,
    mainVersion: 1,
    userVersion: 1,
    time: toGbTime(running.clock.now()),
    source: SOURCE,
    destination: CENTRE,
    command: gbCommands.send,
    data: unit ? encodeGbUnit(unit) : new Uint8Array(),
  }
}

function stateUnit(running: Running, state: number, point = 1): GbUnit {
  const time = toGbTime(running.clock.now())
  const component = { zone: 2, point }
  return {
    type: 2,
    objects: [
      { systemType: 1, system: 1, componentType: 42, component, state, description: '车棚1号烟感', time },
    ],
  }
}

const stateFrame = (running: Running, serial: number, state: number, point = 1): Buffer =>
  encodeGb26875(gbFrame(running, serial, stateUnit(running, state, point)))

const start = (t: TestContext, ...devices: readonly Device[]): Promise<Running> =>
  startTransport(t, tcpServer, { devices, listen })

const of = (running: Running, deviceId: string): Arrival[] =>
  running.intake.accepted.filter((arrival) => arrival.deviceId === deviceId)
const fires = (running: Running, deviceId: string): unknown[] =>
  of(running, deviceId).flatMap(({ fields }) => ('fire' in fields ? [fields['fire']] : []))

transportSuite('tcp (GB/T 26875.3)', {
  plug: tcpServer,
  valueOf: (fields) => fields['temperature'],
  async prepare() {
    const heat = deviceOf('device-1', 'gb-uitd-heat', {
      gb26875: { source: SOURCE, component: { zone: 2, point: 1 } },
    })
    return {
      context: { devices: [heat], listen },
      async connect(running) {
        const said = { systemType: 1, system: 1, componentType: 31, component: { zone: 2, point: 1 } }
        let acknowledged = 0
        let serial = 0
        const open = (): Socket => {
          const { socket, heard } = dialGb(running)
          socket.on(
            'data',
            () => (acknowledged += heard.splice(0).filter(({ command }) => command === 3).length),
          )
          return socket
        }
        let socket = open()
        return {
          say(value) {
            const time = toGbTime(running.clock.now())
            const objects = [{ ...said, analog: 3, value: 10 * value, time }]
            socket.write(encodeGb26875(gbFrame(running, serial++, { type: 3, objects })))
          },
          acknowledged: () => acknowledged,
          lose() {
            socket.destroy()
            socket = open()
          },
          rubbish: () => socket.write(Buffer.from('@@ and noise that is not a frame at all')),
          close: async () => void socket.destroy(),
        }
      },
    }
  },
})

transportSuite('tcp (JUY)', {
  plug: tcpServer,
  valueOf: (fields) => fields['temperature'],
  async prepare() {
    return {
      context: { devices: [deviceOf('device-1', 'juy-10', { imei: IMEI })], listen },
      async connect(running) {
        let acknowledged = 0
        const open = (): Socket => {
          const { socket, heard } = dialJuy(running)
          socket.on(
            'data',
            () => (acknowledged += heard.splice(0).filter(({ command }) => command === 0x82).length),
          )
          socket.write(JUY_LOGIN)
          return socket
        }
        let socket = open()
        return {
          say: (value) =>
            socket.write(encodeJuy({ command: 0x82, result: 0, data: Uint8Array.of(31, value, 1, 0) })),
          acknowledged: () => acknowledged,
          lose() {
            socket.destroy()
            socket = open()
          },
          rubbish: () => socket.write(Buffer.from('Z and noise that is not a frame at all')),
          close: async () => void socket.destroy(),
        }
      },
    }
  },
})

test(
  'a smoke detector behind a transmission device alarms and is confirmed under its serial',
  options,
  async (t) => {
    const running = await start(t, uitd, smoke)
    const { socket, heard } = dialGb(running)
    const sentAt = Math.floor(running.clock.now() / 1000) * 1000
    socket.write(stateFrame(running, 7, 2))
    await running.until('the confirmation', () => heard.length === 1)
    const [{ command, serial, source, destination } = assert.fail()] = heard
    assert.deepEqual(
      { command, serial, source, destination },
      { command: gbCommands.confirm, serial: 7, source: CENTRE, destination: SOURCE },
    )
    assert.deepEqual(fires(running, 'smoke'), [true])
    assert.equal(of(running, 'smoke')[0]?.time, sentAt)
    socket.destroy()
  },
)

test(
  'a retry is confirmed again under the same id; another content under the same serial is another message',
  options,
  async (t) => {
    const running = await start(t, uitd, smoke)
    const { socket, heard } = dialGb(running)
    const fire = stateFrame(running, 0xffff, 2)
    socket.write(fire)
    socket.write(fire)
    socket.write(stateFrame(running, 0xffff, 1))
    await running.until('three confirmations', () => heard.length === 3)
    assert.deepEqual(
      heard.map(({ serial }) => serial),
      [0xffff, 0xffff, 0xffff],
    )
    const ids = of(running, 'smoke').map(({ messageId, time, fields }) =>
      JSON.stringify([messageId, time, fields]),
    )
    assert.equal(ids.length, 3)
    assert.equal(ids[0], ids[1])
    assert.notEqual(ids[1], ids[2])
    socket.destroy()
  },
)

test('a clock that is wrong by years does not cost the alarm, and is set right once', options, async (t) => {
  const running = await start(t, uitd, smoke)
  const { socket, heard } = dialGb(running)
  const time = { second: 0, minute: 0, hour: 0, day: 1, month: 1, year: 0 }
  const frame = { ...gbFrame(running, 1, stateUnit(running, 2)), time }
  socket.write(encodeGb26875(frame))
  socket.write(encodeGb26875({ ...frame, serial: 2 }))
  await running.until('two confirmations and a clock', () => heard.length === 3)
  assert.deepEqual(
    heard.map(({ command }) => command),
    [gbCommands.confirm, gbCommands.control, gbCommands.confirm],
  )
  const decoded = decodeGbUnit(heard[1]?.data ?? new Uint8Array())
  assert.ok(decoded.is === 'unit' && decoded.unit.type === 90)
  assert.equal(decoded.unit.objects[0]?.time.year, 26)
  assert.deepEqual(fires(running, 'smoke'), [true, true])
  socket.destroy()
})

test('a heartbeat is confirmed and shows that all behind the device are watched', options, async (t) => {
  const running = await start(t, uitd, smoke, other)
  const { socket, heard } = dialGb(running)
  socket.write(encodeGb26875(gbFrame(running, 1)))
  await running.until('signs of life', () => running.intake.accepted.length === 3)
  assert.deepEqual(
    new Set(running.intake.accepted.map(({ deviceId }) => deviceId)),
    new Set(['uitd', 'smoke', 'other']),
  )
  assert.ok(running.intake.accepted.every(({ fields }) => Object.keys(fields).length === 0))
  socket.write(encodeGb26875(gbFrame(running, 2)))
  await running.until('the second confirmation', () => heard.length === 2)
  assert.equal(of(running, 'smoke').length, 1, 'not again within seconds')
  socket.destroy()
  await running.until('the loss of all', () => running.intake.losses.length === 3)
})

test('a frame with a wrong sum is denied under its serial and the next one is taken', options, async (t) => {
  const running = await start(t, uitd, smoke)
  const { socket, heard } = dialGb(running)
  const wrong = stateFrame(running, 5, 2)
  wrong[50] = (wrong[50] ?? 0) ^ 0xff
  socket.write(Buffer.concat([wrong, stateFrame(running, 6, 2)]))
  await running.until('two answers', () => heard.length === 2)
  assert.deepEqual(
    heard.map(({ command, serial }) => [command, serial]),
    [
      [gbCommands.deny, 5],
      [gbCommands.confirm, 6],
    ],
  )
  assert.deepEqual(fires(running, 'smoke'), [true])
  assert.ok(running.intake.hasTrouble('wrong sum'))
  socket.destroy()
})

test('an unknown command, and objects that do not fit the length, are denied', options, async (t) => {
  const running = await start(t, uitd)
  const { socket, heard } = dialGb(running)
  for (const command of [0, 7, 128, gbCommands.ask, gbCommands.control])
    socket.write(encodeGb26875({ ...gbFrame(running, command), command }))
  socket.write(encodeGb26875({ ...gbFrame(running, 9), data: Uint8Array.of(2, 2, 1) }))
  await running.until('six answers', () => heard.length === 6)
  assert.ok(heard.every(({ command }) => command === gbCommands.deny))
  assert.deepEqual(running.intake.accepted, [])
  socket.destroy()
})

test('answers to our own messages are heard and not answered', options, async (t) => {
  const running = await start(t, uitd)
  const { socket, heard } = dialGb(running)
  for (const command of [gbCommands.confirm, gbCommands.deny, gbCommands.answer])
    socket.write(encodeGb26875({ ...gbFrame(running, 3), command }))
  await running.until('three signs of life', () => running.intake.accepted.length === 3)
  assert.deepEqual(heard, [])
  assert.ok(running.intake.hasTrouble('denied our message 3'))
  socket.destroy()
})

test('what the store could not take before the end is not confirmed', options, async (t) => {
  const running = await start(t, uitd, smoke)
  let refused = 0
  running.intake.gate = () => {
    refused++
    return Promise.reject(new GanglionError('store-full', 'the disk is full', { retry: 'later' }))
  }
  const { socket, heard } = dialGb(running)
  socket.write(stateFrame(running, 1, 2))
  await running.until('a refusal', () => refused > 0)
  const closed = once(socket, 'close')
  await running.stop()
  await closed
  assert.deepEqual(heard, [])
})

test('a component that no site file lists is shown as it would be written there', options, async (t) => {
  const running = await start(t, uitd)
  const { socket, heard } = dialGb(running)
  socket.write(stateFrame(running, 1, 1, 9))
  await running.until('the confirmation', () => heard.length === 1)
  assert.ok(
    running.intake.hasTrouble(
      'via: { tcp: { gb26875: { source: 889, system: 1, component: { zone: 2, point: 9 } } } }, type 42 "车棚1号烟感"',
    ),
    running.intake.troubles.join('\n'),
  )
  assert.deepEqual(fires(running, 'uitd'), [], 'its all-clear is nobody else’s')
  socket.destroy()
})

test(
  'a fire of an unlisted component is its panel’s, or else the transmission device’s',
  options,
  async (t) => {
    for (const [devices, owner] of [
      [[uitd, panel], 'panel'],
      [[uitd, smoke], 'uitd'],
    ] as const) {
      const running = await start(t, ...devices)
      const { socket } = dialGb(running)
      socket.write(stateFrame(running, 1, 2, 9))
      await running.until(`a fire of ${owner}`, () => fires(running, owner).length === 1)
      assert.deepEqual(fires(running, owner), [true])
      socket.destroy()
    }
  },
)

test(
  'a reset of the panel ends the alarms of its components, and not those of another panel',
  options,
  async (t) => {
    const far = deviceOf('far', 'gb-uitd-smoke', {
      gb26875: { source: SOURCE, system: 11, component: { zone: 2, point: 1 } },
    })
    const running = await start(t, uitd, panel, smoke, other, far)
    const { socket, heard } = dialGb(running)
    const time = toGbTime(running.clock.now())
    const reset: GbUnit = {
      type: 4,
      objects: [{ systemType: 1, system: 1, operation: 1, operator: 3, time }],
    }
    socket.write(encodeGb26875(gbFrame(running, 1, reset)))
    await running.until('the confirmation', () => heard.length === 1)
    for (const id of ['panel', 'smoke', 'other']) assert.deepEqual(fires(running, id), [false], id)
    assert.deepEqual(fires(running, 'far'), [])
    assert.deepEqual(fires(running, 'uitd'), [])
    socket.destroy()
  },
)

test('a transmission device of no site file is neither heard nor answered', options, async (t) => {
  const running = await start(t, uitd, smoke)
  const { socket, heard } = dialGb(running)
  const stranger = { ...gbFrame(running, 1, stateUnit(running, 2)), source: 890 }
  const wrong = encodeGb26875(stranger)
  wrong[50] = (wrong[50] ?? 0) ^ 0xff
  socket.write(Buffer.concat([encodeGb26875(stranger), wrong, encodeGb26875({ ...stranger, command: 9 })]))
  await running.until('three troubles', () => running.intake.troubles.length >= 3)
  await running.idle()
  assert.deepEqual(heard, [])
  assert.deepEqual(running.intake.accepted, [])
  socket.destroy()
})

test(
  'one port takes all protocols, behind noise that looks like the beginning of another',
  options,
  async (t) => {
    const station = deviceOf('station', 'dny-station', { physId: '04AB373B' })
    const charger = deviceOf('charger', 'juy-10', { imei: IMEI })
    const running = await start(t, uitd, smoke, station, charger)
    const modem = Buffer.from('89860446192080012345link')
    const gb = dialGb(running)
    gb.socket.write(Buffer.concat([modem, bytes('5A 44 5A A5 FF FF'), stateFrame(running, 1, 2)]))
    const juyPeer = dialJuy(running)
    juyPeer.socket.write(Buffer.concat([modem, Buffer.from('D@'), JUY_LOGIN]))
    const dnyPeer = dial(running, new DnyParser())
    const beat = bytes('44 4E 59 10 00 3B 37 AB 04 01 00 21 98 08 02 00 00 09 05 EE 02')
    dnyPeer.socket.write(Buffer.concat([modem, bytes('40 5A 38'), beat]))
    await running.until('an answer to each', () =>
      [gb, juyPeer, dnyPeer].every(({ heard }) => heard.length === 1),
    )
    assert.deepEqual(fires(running, 'smoke'), [true])
    assert.equal(of(running, 'station')[0]?.fields['voltage'], 220)
    assert.equal(of(running, 'charger').length, 1)
    for (const { socket } of [gb, juyPeer, dnyPeer]) socket.destroy()
  },
)

test('a JUY station logs in, is answered, and its bill is echoed and known again', options, async (t) => {
  const running = await start(t, deviceOf('charger', 'juy-10', { imei: IMEI }))
  const { socket, heard } = dialJuy(running)
  const bill = Buffer.alloc(33)
  bill.writeUInt8(4, 0)
  bill.writeUInt32LE(4711, 1)
  bill.writeUInt8(8, 17)
  const end = encodeJuy({ command: 0x85, result: 0, data: bill })
  socket.write(Buffer.concat([JUY_LOGIN, end, end]))
  await running.until('three answers', () => heard.length === 3)
  const [login, first, second] = heard.map(({ command, data }) => [
    command,
    Buffer.from(data).toString('hex'),
  ])
  assert.deepEqual(login, [0x81, '000000000000003c00'])
  assert.deepEqual(first, [0x85, '0467120000'])
  assert.deepEqual(second, first)
  const ids = of(running, 'charger').flatMap(({ messageId }) => messageId ?? [])
  assert.equal(ids.length, 2)
  assert.equal(new Set(ids).size, 1)
  assert.equal(of(running, 'charger')[1]?.fields['smoke'], true)
  socket.destroy()
})

test(
  'a JUY station that can is asked to send its IMEI along, and is answered with it',
  options,
  async (t) => {
    const running = await start(t, deviceOf('charger', 'juy-10', { imei: IMEI }))
    const { socket, heard } = dialJuy(running)
    const login = Buffer.from(JUY_LOGIN.subarray(6, -1))
    login.writeUInt8(0x64, 68)
    const beat = Uint8Array.of(20, 33, 2, 0, 1)
    const withImei = Buffer.concat([Buffer.from(IMEI), beat])
    socket.write(
      Buffer.concat([
        encodeJuy({ command: 0x81, result: 0, data: login }),
        // Sent before it heard the answer.
        encodeJuy({ command: 0x82, result: 0, data: beat }),
        encodeJuy({ command: 0x82, result: 0, data: withImei }),
        encodeJuy({ command: 0x82, result: 0, data: Buffer.concat([Buffer.from('123456789012345'), beat]) }),
      ]),
    )
    await running.until('three answers', () => heard.length === 3)
    assert.equal(heard[0]?.data.at(-1), 0xf0)
    assert.equal(heard[1]?.data.length, 1)
    assert.deepEqual(Buffer.from(heard[2]?.data ?? []), Buffer.concat([Buffer.from(IMEI), Buffer.of(0)]))
    await running.until('the refusal', () => running.intake.hasTrouble('a frame of 123456789012345'))
    assert.deepEqual(
      of(running, 'charger').map(({ fields }) => fields['temperature']),
      [undefined, 33, 33],
    )
    socket.destroy()
  },
)

test(
  'a JUY station that was not asked for its IMEI is taken at its word, even if that looks like one',
  options,
  async (t) => {
    const running = await start(t, deviceOf('charger', 'juy-10', { imei: IMEI }))
    const { socket, heard } = dialJuy(running)
    // 49, 49 °C and 48 ports in a state that nobody knows: the characters of an IMEI.
    const beat = Buffer.concat([Buffer.from('110'), Buffer.alloc(48, '0')])
    socket.write(Buffer.concat([JUY_LOGIN, encodeJuy({ command: 0x82, result: 0, data: beat })]))
    await running.until('two answers', () => heard.length === 2)
    const [, arrival] = of(running, 'charger')
    assert.equal(arrival?.fields['temperature'], 49)
    assert.equal('messageId' in arrival, false, 'two heartbeats that say the same are two')
  },
)

test('a JUY station is nobody before it has logged in', options, async (t) => {
  const running = await start(t, deviceOf('charger', 'juy-10', { imei: IMEI }))
  const { socket, heard } = dialJuy(running)
  socket.write(encodeJuy({ command: 0x82, result: 0, data: Uint8Array.of(20, 33, 1, 0) }))
  await running.until('a trouble', () => running.intake.hasTrouble('has not logged in'))
  assert.deepEqual([heard, running.intake.accepted], [[], []])
  socket.destroy()
})

test('a site file names one device on the port in one way', () => {
  const check = checker(tcpServer.address)
  for (const good of [
    { physId: '04AB373B' },
    { imei: IMEI },
    { gb26875: { source: SOURCE } },
    { gb26875: { source: SOURCE, system: 0 } },
    { gb26875: { source: 2 ** 48 - 1, component: { zone: 65_535, point: 0 } } },
  ])
    assert.equal(check(good).ok, true, JSON.stringify(good))
  for (const bad of [
    {},
    { physId: '04AB373B', imei: IMEI },
    { imei: '86119706293438' },
    { gb26875: { source: -1 } },
    { gb26875: { source: 2 ** 48 } },
    { gb26875: { source: 1, component: { zone: 1 } } },
    { gb26875: { source: 1, zone: 1, point: 1 } },
  ])
    assert.equal(check(bad).ok, false, JSON.stringify(bad))
})
