import { Type } from 'typebox'
import { DEFAULT_TOPICS, type Broker } from '../../gateway/broker.ts'
import type { Device } from '../../gateway/device.ts'
import type { Order, Sent } from '../../gateway/order.ts'
import type { Transport, TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { Id } from '../../gateway/words.ts'
import { mqttCodec } from '../codecs/by-name.ts'
import { aborted } from '../listen.ts'
import { BrokerLine } from '../mqtt/broker-line.ts'
import { orderTopic } from '../mqtt/order-topic.ts'
import { Routes, withoutCovered } from '../mqtt/routes.ts'
import { ownFilters, speakersOf, type OwnTopic } from '../mqtt/speaker.ts'
import { toldBy } from '../mqtt/telling.ts'

/** A device by itself: `{ broker, topic }`. One behind a bridge that speaks on a broker: `{ account, address }`. */
const address = Type.Object(
  {
    broker: Type.Optional(Id),
    topic: Type.Optional(
      Type.String({
        pattern: '^[^#+/$\\0][^#+\\0]{0,200}$',
        description:
          'where it speaks, as its codec counts: JSON on this topic or on <topic>/up; Tasmota: its FullTopic such as %prefix%/plug-1. By default <topics of the broker>/<site id>/<device id>',
      }),
    ),
    account: Type.Optional(Id),
    address: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description:
          'the bridge’s name for it: friendly name, Tasmota topic, EUI in lower case; its own id by default',
      }),
    ),
  },
  { additionalProperties: false },
)

interface ViaClient {
  readonly broker?: string
  readonly topic?: string
  readonly account?: string
}

/** Connects to the external brokers of box.yaml and hears what devices and bridges say there. */
class MqttClientTransport implements Transport {
  readonly name = 'mqtt-client'
  readonly #context: TransportContext
  #lines: ReadonlyMap<string, BrokerLine> = new Map()

  constructor(context: TransportContext) {
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const lines = await Promise.all(this.#context.brokers.map((broker) => this.#lineOf(broker)))
    this.#lines = new Map(
      this.#context.brokers.map(({ id }, index) => [id, lines[index]] as const).filter(hasLine),
    )
    // The first line that fails ends all of them; the supervisor starts anew.
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    await Promise.all([
      aborted(either),
      ...lines.map((line) =>
        line.run(either).catch((error: unknown) => {
          failed.abort()
          throw error
        }),
      ),
    ])
  }

  async send(deviceId: string, order: Order): Promise<Sent> {
    const { devices, bridges, brokers } = this.#context
    const device = devices.find(({ id }) => id === deviceId)
    const via: ViaClient = device?.address.settings ?? {}
    const bridge = bridges.find(({ id }) => id === via.account)
    const broker = brokers.find(({ id }) => id === (bridge?.broker ?? via.broker))
    const line = this.#lines.get(broker?.id ?? '')
    if (!device || !broker || !line) return { is: 'away', reason: 'its broker is not connected' }
    if (order.is !== 'publish') return { is: 'refused', reason: `MQTT has no "${order.is}"` }
    const { told } = await toldBy(device, bridges, (own) => topicOf(broker, own).base)
    const topic = orderTopic(told, order.leaf)
    if (topic === undefined) return { is: 'refused', reason: 'its codec knows no topic for commands' }
    return line.tell(topic, order.payload)
  }

  async #lineOf(broker: Broker): Promise<BrokerLine> {
    const context = this.#context
    const bridges = context.bridges.filter((bridge) => bridge.broker === broker.id)
    const devices = context.devices.filter((device) => {
      const via: ViaClient = device.address.settings
      return via.account === undefined
        ? via.broker === broker.id
        : bridges.some(({ id }) => id === via.account)
    })
    const speakers = await speakersOf({ ...context, devices, bridges }, (device) => topicOf(broker, device))
    const own = devices.filter(({ address: { settings } }) => settings['account'] === undefined)
    const filters = await Promise.all(own.map((device) => subscribedFor(broker, device)))
    const ofBridges = bridges.flatMap(({ id }) => speakers.get(id)?.says ?? [])
    return new BrokerLine({
      name: this.name,
      broker,
      box: context,
      filters: withoutCovered([...filters.flat(), ...ofBridges]),
      routes: new Routes(speakers.values()),
    })
  }
}

const hasLine = (entry: readonly [string, BrokerLine | undefined]): entry is readonly [string, BrokerLine] =>
  entry[1] !== undefined

function topicOf(broker: Broker, { id, siteId, address: { settings } }: Device): OwnTopic {
  const { topic }: ViaClient = settings
  return topic === undefined
    ? { base: `${broker.topics ?? DEFAULT_TOPICS}/${siteId}/${id}`, isNamedByUser: false }
    : { base: topic, isNamedByUser: true }
}

/** One filter for all devices of a site, so that those that it does not have are seen too. */
async function subscribedFor(broker: Broker, device: Device): Promise<readonly string[]> {
  const codec = await mqttCodec(device.profile.codec)
  const topic = topicOf(broker, device)
  return ownFilters(codec, topic.isNamedByUser ? topic : topicOf(broker, { ...device, id: '+' }))
}

const plug: TransportPlug = {
  name: 'mqtt-client',
  uses: ['bridges', 'brokers', 'limits'],
  address,
  orders: ['publish'],
  create: (context) => new MqttClientTransport(context),
}
export default plug
