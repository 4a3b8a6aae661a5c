import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { GanglionError } from '../base/errors.ts'
import mqttBroker from '../device-drivers/transports/mqtt-broker.ts'
import { RawMqtt } from './raw-mqtt.ts'
import { deviceOf, MemoryMqttStore, OpenIntake, startTransport, type Running } from './transport-suite.ts'

const devices = [
  deviceOf('beam', 'ir-beam', {}),
  deviceOf('door', 'door-contact', {}),
  deviceOf('smoke', 'heiman-hs1sa', { account: 'z2m', address: 'hall/east smoke' }),
]
const bridges = [{ id: 'z2m', codec: 'zigbee2mqtt', base: 'zigbee2mqtt' }]
const up = 'ganglion/site/beam/up'

interface Doors {
  readonly intake?: OpenIntake
  readonly store?: MemoryMqttStore
  readonly messagesPerSecond?: number
}

function start(t: TestContext, { messagesPerSecond, ...doors }: Doors = {}): Promise<Running> {
  const limits = messagesPerSecond === undefined ? {} : { messagesPerSecond }
  return startTransport(t, mqttBroker, { devices, bridges, limits, listen: '127.0.0.1:0' }, doors)
}

async function join(
  t: TestContext,
  { port, until }: Running,
  account: string,
  options: Parameters<RawMqtt['connect']>[1] = {},
): Promise<RawMqtt> {
  const client = new RawMqtt(port)
  t.after(() => client.socket.destroy())
  client.connect(account, options)
  await until(`${account} connected`, () => client.has('connack') || client.isClosed)
  return client
}

const returnCode = ({ received }: RawMqtt): number | undefined => {
  const connack = received.find((packet) => packet.cmd === 'connack')
  return connack?.cmd === 'connack' ? connack.returnCode : undefined
}

test('a wrong secret and an unknown account are refused alike', async (t) => {
  const running = await start(t)
  for (const [account, secret] of [
    ['beam', 'wrong'],
    ['nobody', 'secret of nobody'],
  ] as const) {
    const client = await join(t, running, account, { secret })
    assert.equal(returnCode(client), 4)
    await running.until('closed', () => client.isClosed)
  }
  assert.ok(running.intake.hasTrouble('not-allowed (beam)'))
  assert.ok(running.intake.hasTrouble('not-allowed (unknown)'))
})

test('a client without user name and password is refused', async (t) => {
  const running = await start(t)
  const client = new RawMqtt(running.port)
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'x',
    clean: true,
    keepalive: 0,
  })
  await running.until('closed', () => client.isClosed)
  assert.equal(returnCode(client), 4)
})

test('a device that publishes on another’s topic is cut off and nothing is taken', async (t) => {
  const running = await start(t)
  for (const topic of [
    'ganglion/site/door/up',
    'zigbee2mqtt/hall/east smoke',
    '$SYS/x',
    'ganglion/site/beam/down',
  ]) {
    const client = await join(t, running, 'beam')
    client.publish(topic, '{"contact":false}')
    await running.until('closed', () => client.isClosed)
    assert.ok(!client.has('puback'))
  }
  assert.deepEqual(running.intake.accepted, [])
  assert.ok(running.intake.hasTrouble('not-allowed (beam): publish "ganglion/site/door/up"'))
})

test('a subscription to anything but its own is refused and does not hear', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  for (const filter of ['#', 'ganglion/#', 'ganglion/site/+/down', 'zigbee2mqtt/#', '$SYS/#', up]) {
    client.received.length = 0
    client.subscribe(filter)
    await running.until('suback', () => client.has('suback'))
    const suback = client.received.find((packet) => packet.cmd === 'suback')
    assert.deepEqual(suback?.cmd === 'suback' && suback.granted, [128], filter)
  }
  client.subscribe('ganglion/site/beam/down')
  const bridge = await join(t, running, 'z2m')
  bridge.publish('zigbee2mqtt/bridge/state', '{"state":"online"}')
  await running.until('puback', () => bridge.has('puback'))
  await running.idle()
  assert.deepEqual(client.heard, [])
})

test('what can never be decoded is counted and acknowledged, or it would come for ever', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  const nested = `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`
  const poison = ['{"blocked":', '[1]', '"text"', 'null', '', nested, `{"a":"${'x'.repeat(5000)}"}`]
  for (const [index, payload] of [...poison, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])].entries()) {
    client.publish(up, payload, { messageId: index + 1 })
    await running.until(
      'puback',
      () => client.received.filter(({ cmd }) => cmd === 'puback').length === index + 1,
    )
  }
  assert.deepEqual(running.intake.accepted, [])
  assert.equal(running.intake.troubles.length, poison.length + 1)
  assert.ok(running.intake.troubles.every((trouble) => trouble.startsWith('mqtt: payload-invalid (beam)')))
  assert.ok(!client.isClosed)
})

test('id and time of a message go with it; wrong ones are counted and the reading is kept', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  client.publish(up, '{"blocked":true,"id":"a-1","time":"2026-03-02T08:00:00+08:00"}', { messageId: 7 })
  client.publish(up, '{"blocked":true,"id":["x"],"time":"yesterday"}', { messageId: 8 })
  await running.until('both', () => running.intake.accepted.length === 2)
  const [first, second] = running.intake.accepted
  assert.equal(first?.messageId, 'a-1')
  assert.equal(first.time, Date.parse('2026-03-02T00:00:00Z'))
  assert.deepEqual({ ...first.publish, hash: '' }, { account: 'beam', packetId: 7, dup: false, hash: '' })
  assert.equal(second?.messageId, undefined)
  assert.equal(second?.time, undefined)
  assert.ok(running.intake.hasTrouble('payload-invalid (beam): id:'))
})

test('a message that the store cannot take is not acknowledged; the connection ends and it comes again', async (t) => {
  const intake = new OpenIntake()
  const running = await start(t, { intake })
  intake.gate = () => Promise.reject(new GanglionError('store-full', 'the disk is full', { retry: 'later' }))
  const client = await join(t, running, 'beam')
  client.publish(up, '{"blocked":true}', { messageId: 9 })
  await running.until('closed', () => client.isClosed)
  assert.ok(!client.has('puback'))
  intake.gate = () => Promise.resolve()
  const again = await join(t, running, 'beam')
  again.publish(up, '{"blocked":true}', { messageId: 9, dup: true })
  await running.until('puback', () => again.has('puback'))
  assert.equal(intake.accepted[0]?.publish?.dup, true)
  assert.equal(intake.accepted.length, 1)
})

test('the same message has the same hash, another topic or payload another', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  for (const payload of ['{"n":1}', '{"n":1}', '{"n":2}']) client.publish(up, payload)
  await running.until('three', () => running.intake.accepted.length === 3)
  const [a, b, c] = running.intake.accepted.map(({ publish }) => publish?.hash)
  assert.equal(a, b)
  assert.notEqual(a, c)
})

test('a packet that announces more than 64 KiB is stopped at its header', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  // PUBLISH with a remaining length of 65,537 and not one byte of it.
  client.socket.write(Buffer.from([0x32, 0x81, 0x80, 0x04]))
  await running.until('closed', () => client.isClosed)
  assert.ok(running.intake.hasTrouble('payload-too-large'))
  assert.ok(running.intake.hasTrouble('65537 were announced'))
})

test('a packet of 64 KiB passes', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  const rest = 65_536 - 2 - up.length - 2
  client.publish(up, Buffer.from('{}'.padEnd(rest)))
  await running.until('puback', () => client.has('puback'))
})

test('whoever begins with something else than CONNECT is closed', async (t) => {
  const running = await start(t)
  for (const first of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00']) {
    const client = new RawMqtt(running.port)
    client.socket.write(first, 'latin1')
    await running.until('closed', () => client.isClosed)
  }
  assert.ok(running.intake.hasTrouble('wanted an MQTT CONNECT packet first'))
})

test('an MQTT 5 client is refused with a word about what to set', async (t) => {
  const running = await start(t)
  const client = new RawMqtt(running.port)
  client.connect('beam', { version: 5 })
  await running.until('closed', () => client.isClosed || client.has('connack'))
  assert.ok(running.intake.hasTrouble('MQTT 5 refused: beam: set the device to MQTT 3.1.1'))
  client.socket.destroy()
})

test('an account beyond its rate is cut off; what was not taken is not acknowledged', async (t) => {
  const running = await start(t, { messagesPerSecond: 5 })
  const client = await join(t, running, 'beam')
  for (let id = 1; id <= 40; id++) client.publish(up, '{"blocked":false}', { messageId: id })
  await running.until('closed', () => client.isClosed)
  const acknowledged = client.received.filter(({ cmd }) => cmd === 'puback').length
  assert.ok(running.intake.accepted.length < 40)
  assert.ok(acknowledged <= running.intake.accepted.length)
  assert.ok(running.intake.hasTrouble('rate-exceeded (beam)'))
})

test('two accounts may use the same client id and do not throw each other out', async (t) => {
  const running = await start(t)
  const beam = await join(t, running, 'beam', { clientId: 'esp' })
  const door = await join(t, running, 'door', { clientId: 'esp' })
  beam.publish(up, '{"blocked":true}')
  door.publish('ganglion/site/door/up', '{"contact":true}')
  await running.until('both', () => beam.has('puback') && door.has('puback'))
  // The same account with the same client id takes its own place over.
  await join(t, running, 'beam', { clientId: 'esp' })
  await running.until('taken over', () => beam.isClosed)
  assert.ok(!door.isClosed)
})

test('one account holds no more than eight connections', async (t) => {
  const running = await start(t)
  const clients: RawMqtt[] = []
  for (let i = 0; i < 9; i++) clients.push(await join(t, running, 'beam', { clientId: `c${i}` }))
  await running.until('the first is closed', () => clients[0]?.isClosed === true)
  assert.equal(clients.filter(({ isClosed }) => isClosed).length, 1)
})

test('a QoS 2 message is taken once and its handshake is whole', async (t) => {
  const running = await start(t)
  const client = await join(t, running, 'beam')
  client.publish(up, '{"blocked":true}', { qos: 2, messageId: 3 })
  await running.until('pubrec', () => client.has('pubrec'))
  client.send({ cmd: 'pubrel', messageId: 3 })
  await running.until('pubcomp', () => client.has('pubcomp'))
  assert.equal(running.intake.accepted.length, 1)
})

test('a bridge speaks for the devices that the site names, by their friendly names', async (t) => {
  const running = await start(t)
  const bridge = await join(t, running, 'z2m')
  const send = async (topic: string, payload: string): Promise<void> => {
    bridge.received.length = 0
    bridge.publish(`zigbee2mqtt/${topic}`, payload)
    await running.until('puback', () => bridge.has('puback'))
  }
  await send('hall/east smoke', '{"smoke":true,"last_seen":"2026-03-02T08:00:00+08:00"}')
  await send('hall/east smoke/availability', '{"state":"offline"}')
  await send('bridge/state', '{"state":"online"}')
  await send('hall/east smoke/set', '{"state":"ON"}')
  await send('somebody', '{"smoke":true}')
  assert.deepEqual(
    running.intake.accepted.map(({ deviceId, fields }) => [deviceId, fields['smoke']]),
    [['smoke', true]],
  )
  assert.equal(running.intake.accepted[0]?.time, Date.parse('2026-03-02T00:00:00Z'))
  assert.ok(running.intake.states.includes('smoke offline'))
  assert.ok(running.intake.hasTrouble('device-unknown (z2m): "somebody"'))
})

test('retained messages and the session of a client outlive the gateway', async (t) => {
  const store = new MemoryMqttStore()
  const before = await start(t, { store })
  const bridge = await join(t, before, 'z2m', { clientId: 'reader', clean: false })
  bridge.subscribe('zigbee2mqtt/+/note')
  await before.until('suback', () => bridge.has('suback'))
  bridge.send({ cmd: 'disconnect' })
  await before.until('gone', () => bridge.isClosed)
  const writer = await join(t, before, 'z2m', { clientId: 'writer' })
  writer.publish('zigbee2mqtt/bridge/state', 'kept', { retain: true, messageId: 1 })
  writer.publish('zigbee2mqtt/bridge/note', 'queued', { messageId: 2 })
  await before.until('stored', () => [...store.rows.keys()].some((key) => key.startsWith('queue ')))
  await before.stop()

  const after = await start(t, { store })
  const reader = await join(t, after, 'z2m', { clientId: 'reader', clean: false })
  await after.until('queued message', () => reader.heard.includes('queued'))
  reader.subscribe('zigbee2mqtt/bridge/#')
  await after.until('retained message', () => reader.heard.includes('kept'))
  const queued = reader.received.find(
    (packet) => packet.cmd === 'publish' && packet.payload.toString() === 'queued',
  )
  assert.ok(queued?.cmd === 'publish' && queued.messageId !== undefined)
  reader.send({ cmd: 'puback', messageId: queued.messageId })
  await after.until('forgotten', () => ![...store.rows.keys()].some((key) => key.startsWith('queue ')))
})

test('a retained message is stored before it is acknowledged', async (t) => {
  const store = new MemoryMqttStore()
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  const put = store.put.bind(store)
  store.put = async (...row) => {
    await opened
    await put(...row)
  }
  const running = await start(t, { store })
  const bridge = await join(t, running, 'z2m')
  bridge.publish('zigbee2mqtt/bridge/state', 'kept', { retain: true })
  await running.idle()
  assert.ok(!bridge.has('puback'))
  open()
  await running.until('puback', () => bridge.has('puback'))
})

test('a will speaks when its client breaks off, and waits when the gateway stops', async (t) => {
  const store = new MemoryMqttStore()
  const running = await start(t, { store })
  const will = {
    topic: up,
    payload: Buffer.from('{"blocked":false,"id":"will"}'),
    qos: 1 as const,
    retain: false,
  }
  const connect = (clientId: string): RawMqtt => {
    const client = new RawMqtt(running.port)
    t.after(() => client.socket.destroy())
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId,
      clean: true,
      keepalive: 0,
      username: 'beam',
      password: Buffer.from('secret of beam'),
      will,
    })
    return client
  }
  const client = connect('one')
  await running.until('connected', () => client.has('connack'))
  client.socket.resetAndDestroy()
  await running.until('the will', () => running.intake.accepted.some(({ messageId }) => messageId === 'will'))
  const other = connect('two')
  await running.until('connected', () => other.has('connack'))
  await running.stop()
  assert.equal(running.intake.accepted.length, 1)
  assert.deepEqual([...store.rows.keys()], ['will beam/two'])
})

test('a taken port is a clear error', async (t) => {
  const first = await start(t)
  const second = mqttBroker.create({
    clock: first.clock,
    intake: new OpenIntake(),
    devices,
    bridges,
    brokers: [],
    boxId: 'box',
    limits: {},
    accounts: { verify: () => false },
    pushes: [],
    mqttStore: new MemoryMqttStore(),
    ownState: () => ({}),
    secret: () => '',
    modelsCache: '',
    manifestsFolder: '',
    viewsFolder: '',
    listen: `127.0.0.1:${first.port}`,
  })
  await assert.rejects(second.run(new AbortController().signal), { code: 'listen-failed' })
})

test('a profile with a codec that does not exist is said before anything is heard', async (t) => {
  const { clock } = await start(t)
  const wrong = deviceOf('beam', 'ir-beam', {})
  const transport = mqttBroker.create({
    clock,
    intake: new OpenIntake(),
    devices: [{ ...wrong, profile: { ...wrong.profile, codec: '../codec' } }],
    bridges: [],
    brokers: [],
    boxId: 'box',
    limits: {},
    accounts: { verify: () => false },
    pushes: [],
    mqttStore: new MemoryMqttStore(),
    ownState: () => ({}),
    secret: () => '',
    modelsCache: '',
    manifestsFolder: '',
    viewsFolder: '',
    listen: '127.0.0.1:0',
  })
  await assert.rejects(transport.run(new AbortController().signal), { code: 'config-invalid' })
})

test('an account that no site has is shown as a stranger, with nothing of its secret', async (t) => {
  const running = await start(t)
  await join(t, running, 'newcomer', { secret: 'hunter2' })
  await join(t, running, 'beam', { secret: 'hunter2' })
  assert.deepEqual(running.intake.strangers, [
    { transport: 'mqtt', address: 'newcomer', example: 'it asked to come in' },
  ])
})

test('a device behind a bridge that no site has is shown with what it said, and acknowledged', async (t) => {
  const running = await start(t)
  const bridge = await join(t, running, 'z2m')
  bridge.publish('zigbee2mqtt/cellar', '{"smoke":true}')
  await running.until('puback', () => bridge.has('puback'))
  assert.deepEqual(running.intake.accepted, [])
  assert.deepEqual(running.intake.strangers, [
    { transport: 'mqtt', account: 'z2m', codec: 'zigbee2mqtt', address: 'cellar', example: '{"smoke":true}' },
  ])
})

test('the list of devices of a bridge may be large, names strangers only, and is kept for the bridge', async (t) => {
  const store = new MemoryMqttStore()
  const running = await start(t, { store })
  const bridge = await join(t, running, 'z2m')
  const named = (friendly_name: string): object => ({
    type: 'EndDevice',
    friendly_name,
    definition: { vendor: 'HEIMAN', model: 'HS1SA', exposes: 'x'.repeat(100_000) },
  })
  const list = JSON.stringify([named('hall/east smoke'), named('cellar')])
  bridge.publish('zigbee2mqtt/bridge/devices', list, { retain: true })
  await running.until('puback', () => bridge.has('puback'))
  assert.deepEqual(
    running.intake.strangers.map(({ address, vendor, model }) => [address, vendor, model]),
    [['cellar', 'HEIMAN', 'HS1SA']],
  )
  assert.ok(store.rows.has('retained zigbee2mqtt/bridge/devices'))
})

test('who has not been let in may not send what a bridge may', async (t) => {
  const running = await start(t)
  const client = new RawMqtt(running.port)
  t.after(() => client.socket.destroy())
  client.connect('z2m', { secret: 'wrong' })
  client.publish('zigbee2mqtt/x', Buffer.alloc(200 * 1024))
  await running.until('the end', () => client.isClosed)
  assert.ok(!client.has('puback'))
})

test('a Tasmota plug that is its own account speaks below its base topic, and hears its commands only', async (t) => {
  const plug = deviceOf('plug', 'ir-beam', {})
  const running = await startTransport(t, mqttBroker, {
    devices: [{ ...plug, profile: { ...plug.profile, codec: 'tasmota' } }],
    listen: '127.0.0.1:0',
  })
  const client = await join(t, running, 'plug')
  const base = 'ganglion/site/plug'
  client.publish(`${base}/tele/SENSOR`, '{"ENERGY":{"Power":56}}')
  await running.until('puback', () => client.has('puback'))
  assert.deepEqual(running.intake.accepted[0]?.fields, { ENERGY: { Power: 56 } })
  client.publish(`${base}/tele/LWT`, 'Online', { qos: 0 })
  await running.until('its state', () => running.intake.states.includes('plug online'))
  for (const [filter, granted] of [
    [`${base}/cmnd/#`, 1],
    [`${base}/tele/#`, 128],
  ] as const) {
    client.received.length = 0
    client.subscribe(filter)
    await running.until('suback', () => client.has('suback'))
    const suback = client.received.find((packet) => packet.cmd === 'suback')
    assert.deepEqual(suback?.cmd === 'suback' && suback.granted, [granted])
  }
})

test('a bridge of an external broker is no account here', async (t) => {
  const running = await startTransport(t, mqttBroker, {
    devices,
    bridges: [...bridges, { id: 'far', codec: 'zigbee2mqtt', base: 'far', broker: 'city' }],
    listen: '127.0.0.1:0',
  })
  assert.equal(returnCode(await join(t, running, 'far')), 4)
})
