import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import mqtt, { type MqttClient } from 'mqtt'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { GanglionError } from '../base/errors.ts'
import mqttClient from '../device-drivers/transports/mqtt-client.ts'
import type { Broker } from '../gateway/broker.ts'
import type { Device } from '../gateway/device.ts'
import type { TransportContext } from '../gateway/ports.ts'
import { atEnd, tempFolder } from './fixtures.ts'
import { mosquitto, nats, skipWithoutMosquitto, skipWithoutNats, skipWithoutOpenssl } from './mqtt-peers.ts'
import { deviceOf, MemoryMqttStore, OpenIntake, startTransport, type Running } from './transport-suite.ts'

const timeout = 60_000
const versions = [5, '3.1.1'] as const
const up = 'ganglion/site/beam/up'
const beam = deviceOf('beam', 'ir-beam', { broker: 'city' })

const brokerAt = (port: number, more: Partial<Broker> = {}): Broker => ({
  id: 'city',
  url: `mqtt://127.0.0.1:${port}`,
  ...more,
})

interface Given {
  readonly broker: Broker
  readonly devices?: readonly Device[]
  readonly more?: Partial<TransportContext>
  readonly intake?: OpenIntake
  readonly store?: MemoryMqttStore
}

function start(t: TestContext, { broker, devices = [beam], more = {}, ...doors }: Given): Promise<Running> {
  return startTransport(t, mqttClient, { devices, brokers: [broker], ...more }, doors)
}

const isConnected = ({ intake }: Running): boolean =>
  intake.states.findLast((state) => state.startsWith('mqtt-client city')) === 'mqtt-client city connected'

/** Connected and subscribed: what was granted stands in the store. */
async function joined(running: Running): Promise<void> {
  const granted = (): number => {
    const row = running.store.rows.get('filters city')
    if (!row) return 0
    return (JSON.parse(Buffer.from(row.value).toString()) as { granted: string[] }).granted.length
  }
  await running.until('the subscription', () => isConnected(running) && granted() > 0)
}

async function speaker(t: TestContext, port: number): Promise<MqttClient> {
  const client = mqtt.connect({ host: '127.0.0.1', port, reconnectPeriod: 50 })
  client.on('error', () => undefined)
  atEnd(t, () => client.endAsync(true))
  if (!client.connected) await new Promise((resolve) => client.once('connect', resolve))
  return client
}

const numbers = ({ accepted }: OpenIntake): readonly unknown[] => accepted.map(({ fields }) => fields['n'])
const say = (client: MqttClient, n: number): Promise<unknown> =>
  client.publishAsync(up, JSON.stringify({ n }), { qos: 1 })

/** A gate that can be shut and opened. */
function gated(): { readonly intake: OpenIntake; readonly open: () => void } {
  const intake = new OpenIntake()
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  intake.gate = () => opened
  return { intake, open }
}

for (const version of versions) {
  const name = `mosquitto, MQTT ${version}`

  test(
    `${name}: what comes while the gateway is away waits for it, and what was not acknowledged comes again`,
    {
      skip: skipWithoutMosquitto,
      timeout,
    },
    async (t) => {
      const { port } = await mosquitto(t)
      const broker = brokerAt(port, { version })
      const store = new MemoryMqttStore()
      const shut = gated()
      const first = await start(t, { broker, store, intake: shut.intake })
      await joined(first)
      const client = await speaker(t, port)
      await say(client, 1)
      await say(client, 2)
      await first.until('one at the gate', () => shut.intake.waiting > 0)
      await first.stop()
      await say(client, 3)
      const second = await start(t, { broker, store })
      await second.until('all of them', () => second.intake.accepted.length === 3)
      assert.deepEqual(numbers(second.intake), [1, 2, 3])
      const [again] = second.intake.accepted
      assert.ok(again?.publish?.dup, 'a redelivery says so')
      assert.equal(again.publish.account, 'mqtt-client city')
    },
  )

  test(
    `${name}: a broker that is killed and comes back loses nothing`,
    {
      skip: skipWithoutMosquitto,
      timeout,
    },
    async (t) => {
      const peer = await mosquitto(t)
      const { intake, open } = gated()
      const running = await start(t, { broker: brokerAt(peer.port, { version }), intake })
      await joined(running)
      const client = await speaker(t, peer.port)
      const sent = [1, 2, 3, 4, 5].map((n) => say(client, n))
      await running.until('one at the gate', () => intake.waiting > 0)
      await peer.kill()
      await running.until('the loss', () => intake.states.includes('mqtt-client city away'))
      open()
      await peer.start()
      await running.until('the way back', () => isConnected(running))
      await Promise.all(sent)
      await say(client, 6)
      await running.until('all of them', () => new Set(numbers(intake)).size === 6)
      assert.deepEqual([...new Set(numbers(intake))].sort(), [1, 2, 3, 4, 5, 6])
      assert.ok(!intake.hasTrouble('session lost'))
    },
  )

  test(
    `${name}: a store that refuses is asked again, and the message stays unacknowledged`,
    {
      skip: skipWithoutMosquitto,
      timeout,
    },
    async (t) => {
      const { port } = await mosquitto(t)
      const broker = brokerAt(port, { version })
      const intake = new OpenIntake()
      let refusals = 0
      intake.gate = () => {
        if (++refusals > 3) return Promise.resolve()
        return Promise.reject(new GanglionError('store-full', 'the disk is full', { retry: 'later' }))
      }
      const running = await start(t, { broker, intake })
      await joined(running)
      await say(await speaker(t, port), 7)
      await running.until('it', () => intake.accepted.length === 1)
      assert.equal(refusals, 4)
      assert.equal(
        intake.states.filter((state) => state.endsWith('connected')).length,
        1,
        'on one connection',
      )
    },
  )

  test(
    `${name}: two gateways at one broker hear their own sites only`,
    {
      skip: skipWithoutMosquitto,
      timeout,
    },
    async (t) => {
      const { port } = await mosquitto(t)
      const broker = brokerAt(port, { version, topics: 'city/sheds' })
      const ofSite = (siteId: string): Device => ({ ...beam, siteId })
      const a = await start(t, { broker, devices: [ofSite('shed-a')], more: { boxId: 'a' } })
      const b = await start(t, { broker, devices: [ofSite('shed-b')], more: { boxId: 'b' } })
      await joined(a)
      await joined(b)
      const client = await speaker(t, port)
      for (const [site, n] of [
        ['shed-a', 1],
        ['shed-b', 2],
        ['shed-c', 3],
      ] as const)
        await client.publishAsync(`city/sheds/${site}/beam/up`, JSON.stringify({ n }), { qos: 1 })
      await client.publishAsync('city/sheds/shed-a/newcomer/up', '{"n":4}', { qos: 1 })
      await a.until('its own', () => a.intake.accepted.length === 1)
      await b.until('its own', () => b.intake.accepted.length === 1)
      assert.deepEqual([numbers(a.intake), numbers(b.intake)], [[1], [2]])
      await a.until('the stranger', () => a.intake.strangers.length === 1)
      assert.deepEqual(a.intake.strangers, [
        {
          transport: 'mqtt-client',
          account: 'city',
          address: 'city/sheds/shed-a/newcomer/up',
          example: '{"n":4}',
        },
      ])
      assert.deepEqual(b.intake.strangers, [])
    },
  )

  test(
    `${name}: a message that the broker kept says that it is old; the live one after it does not`,
    {
      skip: skipWithoutMosquitto,
      timeout,
    },
    async (t) => {
      const { port } = await mosquitto(t)
      const client = await speaker(t, port)
      const topic = 'shed-7/zigbee2mqtt/hall/east'
      await client.publishAsync(topic, '{"smoke":true}', { qos: 1, retain: true })
      await client.publishAsync('shed-7/zigbee2mqtt/bridge/state', '{"state":"online"}', { retain: true })
      const running = await start(t, {
        broker: brokerAt(port, { version }),
        devices: [deviceOf('smoke', 'heiman-hs1sa', { account: 'z2m', address: 'hall/east' })],
        more: {
          bridges: [
            { id: 'z2m', codec: 'zigbee2mqtt', base: 'shed-7/zigbee2mqtt', broker: 'city' },
            { id: 'embedded', codec: 'zigbee2mqtt', base: 'zigbee2mqtt' },
          ],
        },
      })
      const { intake } = running
      await running.until('the kept one', () => intake.accepted.length === 1)
      await joined(running)
      await client.publishAsync(topic, '{"smoke":false}', { qos: 1, retain: true })
      await running.until('the live one', () => intake.accepted.length === 2)
      assert.deepEqual(
        intake.accepted.map(({ deviceId, fields, retained }) => [deviceId, fields['smoke'], retained]),
        [
          ['smoke', true, true],
          ['smoke', false, undefined],
        ],
      )
      assert.ok(intake.states.includes('bridge z2m online'))
    },
  )

  test(
    `${name}: what box.yaml no longer names is taken back from the session that the broker kept`,
    {
      skip: skipWithoutMosquitto,
      timeout,
    },
    async (t) => {
      const { port } = await mosquitto(t)
      const broker = brokerAt(port, { version })
      const store = new MemoryMqttStore()
      const gone = deviceOf('gone', 'ir-beam', { broker: 'city', topic: 'old/place' })
      const first = await start(t, { broker, store, devices: [beam, gone] })
      await joined(first)
      await first.stop()
      const second = await start(t, { broker, store })
      const wanted = (): unknown => {
        const row = store.rows.get('filters city')
        return row && (JSON.parse(Buffer.from(row.value).toString()) as { asked: unknown }).asked
      }
      await second.until('it', () => JSON.stringify(wanted()) === '["ganglion/site/+/up"]')
      const client = await speaker(t, port)
      await client.publishAsync('old/place', '{"n":1}', { qos: 1 })
      await say(client, 2)
      await second.until('the other', () => second.intake.accepted.length === 1)
      assert.deepEqual(second.intake.troubles, [])
    },
  )
}

test(
  'mosquitto: messages by the thousand are taken in the order in which each device sent them',
  {
    skip: skipWithoutMosquitto,
    timeout,
  },
  async (t) => {
    const { port } = await mosquitto(t)
    const ids = ['a', 'b', 'c']
    const intake = new OpenIntake()
    // The store takes a while, and not always as long: nobody may overtake within a device.
    intake.gate = ({ fields }) =>
      new Promise((resolve) => (Number(fields['n']) % 3 === 0 ? setImmediate(resolve) : resolve()))
    const devices = ids.map((id) => deviceOf(id, 'ir-beam', { broker: 'city' }))
    const running = await start(t, { broker: brokerAt(port), devices, intake })
    await joined(running)
    const client = await speaker(t, port)
    for (let n = 0; n < 1000; n++)
      for (const id of ids) client.publish(`ganglion/site/${id}/up`, JSON.stringify({ n }), { qos: 1 })
    await running.until('all of them', () => intake.accepted.length === 3000)
    for (const id of ids) {
      const own = intake.accepted.filter(({ deviceId }) => deviceId === id).map(({ fields }) => fields['n'])
      assert.deepEqual(own, [...Array(1000).keys()])
    }
  },
)

test(
  'mosquitto: a message of 5 MB is left out and acknowledged, and the next one is heard',
  {
    skip: skipWithoutMosquitto,
    timeout,
  },
  async (t) => {
    const { port } = await mosquitto(t)
    // A broker of MQTT 5 is told our bound and keeps to it.
    const broker = brokerAt(port, { version: '3.1.1' })
    const store = new MemoryMqttStore()
    const first = await start(t, { broker, store })
    await joined(first)
    const client = await speaker(t, port)
    await client.publishAsync(up, Buffer.alloc(5 * 1024 * 1024, 0x20), { qos: 1 })
    await say(client, 8)
    await first.until('the next one', () => first.intake.accepted.length === 1)
    assert.ok(first.intake.hasTrouble('payload-too-large (city): "ganglion/site/beam/up"'))
    await first.idle()
    await first.stop()
    const second = await start(t, { broker, store })
    await second.until('the line', () => isConnected(second))
    await say(client, 9)
    await second.until('the next one', () => second.intake.accepted.length > 0)
    assert.deepEqual(numbers(second.intake), [9])
    assert.deepEqual(second.intake.troubles, [], 'the large one does not come again')
  },
)

test(
  'mosquitto: with its own CA and a client certificate; another CA is refused with a clear word',
  {
    skip: skipWithoutOpenssl,
    timeout,
  },
  async (t) => {
    const folder = tempFolder(t)
    const openssl = (...words: string[]): void =>
      void execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' })
    const authority = (name: string): void =>
      openssl(
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`],
      )
    const signed = (name: string): void => {
      openssl(
        ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
        ...['-keyout', `${name}.key`, '-out', `${name}.csr`, '-addext', 'subjectAltName=IP:127.0.0.1'],
      )
      openssl(
        ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
        ...['-days', '2', '-copy_extensions', 'copy', '-out', `${name}.pem`],
      )
    }
    authority('ca')
    authority('other')
    signed('server')
    signed('box')
    const { port } = await mosquitto(t, () => [
      ...[`cafile ${folder}/ca.pem`, `certfile ${folder}/server.pem`, `keyfile ${folder}/server.key`],
      ...['require_certificate true', 'use_identity_as_username true'],
    ])
    const secret = (reference: string): string => readFileSync(join(folder, reference.slice(5)), 'utf8')
    const broker: Broker = {
      id: 'city',
      url: `mqtts://127.0.0.1:${port}`,
      ca: 'file:ca.pem',
      cert: 'file:box.pem',
      key: 'file:box.key',
    }
    const right = await start(t, { broker, more: { secret } })
    await joined(right)
    await right.stop()
    const wrongAuthority = await start(t, { broker: { ...broker, ca: 'file:other.pem' }, more: { secret } })
    await wrongAuthority.until('its trouble', () => wrongAuthority.intake.troubles.length > 0)
    assert.match(wrongAuthority.intake.troubles[0] ?? '', /certificate|UNABLE_TO_VERIFY/i)
    await wrongAuthority.stop()
    const noPem = await start(t, {
      broker,
      more: { secret: (reference) => (reference === broker.key ? 'no key' : secret(reference)) },
    })
    await noPem.until('its trouble', () => noPem.intake.troubles.length > 0)
    assert.ok(noPem.intake.hasTrouble('device-unreachable (city)'))
  },
)

test(
  'mosquitto: a wrong password is said, and the other broker is heard all the same',
  {
    skip: skipWithoutMosquitto,
    timeout,
  },
  async (t) => {
    const locked = await mosquitto(t, () => ['allow_anonymous false'])
    const { port } = await mosquitto(t)
    const running = await startTransport(t, mqttClient, {
      devices: [beam],
      brokers: [
        { id: 'locked', url: `mqtt://127.0.0.1:${locked.port}`, user: 'box', password: 'env:X' },
        brokerAt(port),
      ],
      secret: () => 'the password itself',
    })
    const { intake } = running
    await running.until('the refusal', () => intake.hasTrouble('device-unreachable (locked)'))
    await running.until('the other', () => intake.states.includes('mqtt-client city connected'))
    await running.until('its subscription', () => running.store.rows.size > 0)
    await say(await speaker(t, port), 1)
    await running.until('its message', () => intake.accepted.length === 1)
    assert.match(intake.troubles[0] ?? '', /not authorized|bad user ?name/i)
    assert.ok(!intake.troubles.join().includes('the password itself'))
  },
)

test(
  'a secret that is missing does not stop the other brokers',
  { skip: skipWithoutMosquitto, timeout },
  async (t) => {
    const { port } = await mosquitto(t)
    const running = await startTransport(t, mqttClient, {
      devices: [beam],
      brokers: [brokerAt(1, { id: 'locked', user: 'box', password: 'env:X' }), brokerAt(port)],
      secret: () => {
        throw new GanglionError('secret-missing', 'env:X: the variable is not set')
      },
    })
    const { intake } = running
    await running.until('both', () => intake.states.includes('mqtt-client city connected'))
    assert.ok(intake.hasTrouble('device-unreachable (locked): secret-missing: env:X'))
  },
)

test(
  'NATS: what comes while the gateway is away waits for it, also over a restart of NATS',
  {
    skip: skipWithoutNats,
    timeout,
  },
  async (t) => {
    const peer = await nats(t)
    const broker = brokerAt(peer.port, { version: '3.1.1' })
    const store = new MemoryMqttStore()
    const shut = gated()
    const first = await start(t, { broker, store, intake: shut.intake })
    await joined(first)
    const client = await speaker(t, peer.port)
    await say(client, 1)
    await first.until('one at the gate', () => shut.intake.waiting > 0)
    await first.stop()
    await say(client, 2)
    await client.endAsync()
    await peer.kill()
    await peer.start()
    const second = await start(t, { broker, store })
    await second.until('both', () => new Set(numbers(second.intake)).size === 2)
    await say(await speaker(t, peer.port), 3)
    await second.until('the next one', () => numbers(second.intake).includes(3))
    assert.ok(!second.intake.hasTrouble('session lost'))
  },
)

/** A broker that says what it is told to. */
async function scripted(
  t: TestContext,
  answer: (packet: Packet, send: (packet: Packet) => void) => void,
): Promise<{ readonly port: number; readonly received: Packet[] }> {
  const received: Packet[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const parser = mqttPacket.parser({ protocolVersion: 5 })
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => parser.parse(chunk))
    parser.on('packet', (packet) => {
      received.push(packet)
      answer(packet, (reply) => socket.write(mqttPacket.generate(reply, { protocolVersion: 5 })))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, received } // it listens on TCP
}

test('a broker that points to another one is not followed', { timeout }, async (t) => {
  const other = await scripted(t, () => undefined)
  const properties = { serverReference: `127.0.0.1:${other.port}` }
  let isFirst = true
  const { port } = await scripted(t, (packet, send) => {
    if (packet.cmd !== 'connect') return
    if (isFirst) send({ cmd: 'connack', reasonCode: 0x9c, sessionPresent: false, properties })
    else {
      send({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
      send({ cmd: 'disconnect', reasonCode: 0x9d, properties })
    }
    isFirst = false
  })
  const running = await start(t, { broker: brokerAt(port) })
  await running.until('the first word', () => running.intake.hasTrouble('Use another server'))
  await running.until('the second', () => isConnected(running))
  await running.idle()
  assert.deepEqual(other.received, [])
})

test('the session is ours for a week, and no subscription is shared', { timeout }, async (t) => {
  const { port, received } = await scripted(t, (packet, send) => {
    if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
    if (packet.cmd === 'subscribe')
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => 1) })
  })
  const running = await start(t, { broker: brokerAt(port) })
  await joined(running)
  const [hello, subscribe] = received
  assert.ok(hello?.cmd === 'connect' && subscribe?.cmd === 'subscribe')
  assert.equal(hello.clean, false)
  assert.equal(hello.clientId, 'ganglion.box.city')
  assert.equal(hello.properties?.sessionExpiryInterval, 604_800)
  assert.deepEqual(
    subscribe.subscriptions.map(({ topic, qos }) => [topic, qos]),
    [['ganglion/site/+/up', 1]],
  )
})

test('acknowledgements go out in the order in which the messages came', { timeout }, async (t) => {
  const publish = (messageId: number, id: string): Packet => ({
    ...{ cmd: 'publish', topic: `ganglion/site/${id}/up`, payload: JSON.stringify({ n: messageId }) },
    ...{ qos: 1, dup: false, retain: false, messageId },
  })
  const { port, received } = await scripted(t, (packet, send) => {
    if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
    if (packet.cmd !== 'subscribe') return
    send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => 1) })
    for (const [index, id] of ['a', 'b', 'c'].entries()) send(publish(index + 1, id))
  })
  const intake = new OpenIntake()
  let open = (): void => undefined
  const first = new Promise<void>((resolve) => (open = resolve))
  intake.gate = ({ deviceId }) => (deviceId === 'a' ? first : Promise.resolve())
  const devices = ['a', 'b', 'c'].map((id) => deviceOf(id, 'ir-beam', { broker: 'city' }))
  const running = await start(t, { broker: brokerAt(port), devices, intake })
  await running.until('the later ones', () => intake.accepted.length === 2)
  await running.idle()
  const acknowledged = (): unknown[] =>
    received.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId] : []))
  assert.deepEqual(acknowledged(), [])
  open()
  await running.until('all', () => acknowledged().length === 3)
  assert.deepEqual(acknowledged(), [1, 2, 3])
})

test('a refused subscription is said, and the granted ones stand', { timeout }, async (t) => {
  const { port } = await scripted(t, (packet, send) => {
    if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
    if (packet.cmd !== 'subscribe') return
    const granted = packet.subscriptions.map(({ topic }) => (topic.startsWith('ganglion') ? 1 : 0x87))
    send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted })
  })
  const denied = deviceOf('denied', 'ir-beam', { broker: 'city', topic: 'not/ours' })
  const running = await start(t, { broker: brokerAt(port), devices: [beam, denied] })
  await joined(running)
  assert.ok(
    running.intake.hasTrouble('not-allowed (city): the broker refused the subscription to "not/ours"'),
  )
  assert.ok(isConnected(running))
})

test('a broker that answers no MQTT is left and tried again', { timeout }, async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => undefined)
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  const running = await start(t, { broker: brokerAt((server.address() as AddressInfo).port) }) // it listens on TCP
  await running.until('another try', () => connections > 1)
  assert.ok(running.intake.hasTrouble('wanted an MQTT CONNACK packet first'))
})
