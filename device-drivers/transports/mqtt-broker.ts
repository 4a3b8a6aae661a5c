import type { Socket } from 'node:net'
import { Aedes, type Client } from 'aedes'
import { Type } from 'typebox'
import { messageOf } from '../../base/errors.ts'
import type { Transport, TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { Id } from '../../gateway/words.ts'
import { aborted, listen } from '../listen.ts'
import { Doors } from '../mqtt/doors.ts'
import { PacketGuard } from '../mqtt/packet-guard.ts'
import { accountOf, Sessions } from '../mqtt/sessions.ts'
import { speakersOf } from '../mqtt/speaker.ts'
import { Telling, toldBy } from '../mqtt/telling.ts'
import type { Device } from '../../gateway/device.ts'
import type { Order, Sent } from '../../gateway/order.ts'

/** `via: { mqtt: {} }`: an account of its own, named by its id. `{ account, address }`: behind a bridge. */
const address = Type.Object(
  {
    account: Type.Optional(Id),
    address: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'the bridge’s name for it (friendly name)' }),
    ),
  },
  { additionalProperties: false },
)

const PACKET_BYTES = 64 * 1024
/** Zigbee2MQTT tells of all its devices in one packet, 5-10 KB each. */
const BRIDGE_PACKET_BYTES = 4 * 1024 * 1024
const CONNECT_BYTES = 8 * 1024
const CONNECT_WAIT_MS = 10_000
/** With its account before it. */
const LONGEST_CLIENT_ID = 200
const sessionLimits = { sessionsPerAccount: 8, queued: 1000, retainedBytesPerAccount: 16 * 1024 * 1024 }

/** The embedded MQTT 3.1.1 broker. A publish is acknowledged once the hub has committed what follows from it. */
class MqttBroker implements Transport {
  readonly name = 'mqtt'
  readonly #context: TransportContext
  #telling: Telling | undefined

  constructor(context: TransportContext) {
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const { listen: at, intake, mqttStore, devices } = this.#context
    const bridges = this.#context.bridges.filter(({ broker }) => broker === undefined)
    if (at === undefined) {
      await aborted(signal)
      return
    }
    const speakers = await speakersOf({ ...this.#context, bridges }, (device) => ({
      base: ownBase(device),
      isNamedByUser: false,
    }))
    const sessions = new Sessions({
      store: mqttStore,
      limits: sessionLimits,
      maySubscribe: (clientId, filter) => speakers.get(accountOf(clientId))?.maySubscribe(filter) ?? false,
      dropped: (what, example) => intake.trouble(`mqtt: ${what}`, example),
    })
    const doors = new Doors(this.#context, speakers, sessions)
    const broker = await Aedes.createBroker({
      persistence: sessions,
      // One client that does not read must not hold up the others: no common bound on what is being forwarded.
      concurrency: 0,
      connectTimeout: CONNECT_WAIT_MS,
      drainTimeout: 10_000,
      maxInflightInbound: 50,
      maxClientsIdLength: LONGEST_CLIENT_ID,
      maxTopicLevels: 20,
      preConnect: (client, packet, done) => doors.beforeConnect(client, packet, done),
      authenticate: (client, account, secret, done) => doors.authenticate(client, account, secret, done),
      authorizePublish: (client, packet, done) => doors.publish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => doors.subscribe(client, subscription, done),
      authorizeForward: (client, packet) => {
        if (!doors.mayHear(client, packet.topic)) return null
        this.#telling?.forwards(packet.topic)
        // Granted at most 1; a wildcard subscription would otherwise be sent what was published with 2.
        return packet.qos === 2 ? { ...packet, qos: 1 } : packet
      },
    })
    // aedes speaks of its own troubles by this event alone; unheard it would end the process.
    Aedes.prototype.addListener.call(broker, 'error', (error: unknown) =>
      intake.trouble('mqtt: the broker failed', messageOf(error)),
    )
    this.#telling = new Telling(broker, doors)
    broker.on('clientDisconnect', (client) => doors.left(client))
    broker.on('clientError', (client, error) => doors.failed(client, error))
    broker.on('connectionError', (client, error) => doors.failed(client, error))

    try {
      const listening = await listen(at, 2 * (devices.length + bridges.length) + 500, (socket) => {
        this.#watch(socket, doors)
        broker.handle(socket)
      })
      listening.server.on('drop', () => intake.trouble('mqtt: too many connections', at))
      intake.state('mqtt', 'listening', listening.address)
      await aborted(signal)
      // From here on nothing is heard, and wills are kept: the clients did not leave, we did.
      doors.close()
      sessions.freeze()
      await listening.close()
      intake.state('mqtt', 'stopped')
    } finally {
      this.#telling = undefined
      await new Promise<void>((resolve) => broker.close(() => resolve()))
    }
  }

  async send(deviceId: string, order: Order): Promise<Sent> {
    const device = this.#context.devices.find(({ id }) => id === deviceId)
    const telling = this.#telling
    if (!device || !telling) return { is: 'away', reason: 'the broker does not run' }
    const { account, told } = await toldBy(device, this.#context.bridges, ownBase)
    return telling.tell(account, told, order)
  }

  /** Bounds each packet by its header before the broker gathers it. */
  #watch(socket: Socket, doors: Doors): void {
    const clientOf = (): Client | undefined => (socket as { client?: Client }).client // set by aedes
    const packetBytes = (): number => (doors.isBridge(clientOf()) ? BRIDGE_PACKET_BYTES : PACKET_BYTES)
    const guard = new PacketGuard({ connectBytes: CONNECT_BYTES, packetBytes })
    const read = socket.read.bind(socket)
    // aedes pulls with read(): looking at what it is handed costs neither a stream nor a copy.
    socket.read = (size?: number): unknown => {
      const chunk = read(size) as Buffer | null // no encoding is set on this socket
      const wrong = chunk === null ? undefined : guard.check(chunk)
      if (wrong === undefined) return chunk
      const account = accountOf((clientOf() as { id?: string } | undefined)?.id ?? '')
      this.#context.intake.trouble(`mqtt: payload-too-large or no MQTT${account && ` (${account})`}`, wrong)
      socket.destroy()
      return null
    }
  }
}

const ownBase = ({ siteId, id }: Device): string => `ganglion/${siteId}/${id}`

const plug: TransportPlug = {
  name: 'mqtt',
  uses: ['bridges', 'limits'],
  address,
  orders: ['publish'],
  create: (context) => new MqttBroker(context),
}
export default plug
