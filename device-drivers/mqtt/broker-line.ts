import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket } from 'mqtt'
import mqttPacket from 'mqtt-packet'
import { codeOf, messageOf } from '../../base/errors.ts'
import type { Broker } from '../../gateway/broker.ts'
import type { Sent } from '../../gateway/order.ts'
import type { TransportContext } from '../../gateway/ports.ts'
import { keepOpen } from '../keep-open.ts'
import { shown, textOf, toArrival } from './arrival.ts'
import { HANDED_OVER } from './order-topic.ts'
import { Receiving } from './receiving.ts'
import type { Routes } from './routes.ts'
import { Sieve, type Swallowed } from './sieve.ts'
import { SievedStream } from './sieved-stream.ts'
import { Subscriptions, type SubscribingClient } from './subscriptions.ts'

/** Zigbee2MQTT tells of all its devices in one packet, 5-10 KB each. */
const PACKET_BYTES = 4 * 1024 * 1024
const LONGEST_HEADER = 5
const UNDER_WAY = 256
const CONNECT_WAIT_MS = 10_000
const KEEP_ALIVE_S = 30
/** The broker keeps our session, and what comes meanwhile, for a week. Of MQTT 3.1.1 sessions it decides itself. */
const SESSION_KEPT_S = 7 * 86_400
/** A command that its device does not get within this is not handed to it any more. */
const ORDER_EXPIRES_S = 10
/** MQTT 5: the broker has it, and nobody wants it. */
const NO_SUBSCRIBERS = 0x10
/** A client that is told so leaves the acknowledgement to us and reads on. */
const acknowledgedLater = new Error('acknowledged once it is stored')

export interface BrokerLineContext {
  readonly name: string
  readonly broker: Broker
  readonly box: Pick<TransportContext, 'clock' | 'intake' | 'mqttStore' | 'secret' | 'boxId'>
  readonly filters: readonly string[]
  readonly routes: Routes
}

/** A connection to one external broker, made again whenever it breaks. */
export class BrokerLine {
  readonly #context: BrokerLineContext
  readonly #subject: string
  #client: mqtt.MqttClient | undefined
  readonly #subscriptions: Subscriptions

  constructor(context: BrokerLineContext) {
    this.#context = context
    const { name, broker, box, filters } = context
    this.#subject = `${name} ${broker.id}`
    this.#subscriptions = new Subscriptions({
      key: broker.id,
      store: box.mqttStore,
      filters,
      trouble: (what, example) => this.#trouble(what, example),
    })
  }

  /** @throws what the hub throws that trying again does not mend */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intake } = this.#context.box
    await keepOpen(
      {
        clock,
        hold: () => this.#hold(signal),
        lost: (reason) => {
          this.#trouble('device-unreachable', reason)
          intake.state(this.#subject, 'away', reason)
        },
      },
      signal,
    )
    intake.state(this.#subject, 'stopped')
  }

  /** Tells somebody something, now or not at all. */
  async tell(topic: string, payload: string): Promise<Sent> {
    const client = this.#client
    const { broker } = this.#context
    if (!client?.connected) return { is: 'away', reason: `the broker ${broker.id} is not connected` }
    try {
      const isFive = broker.version !== '3.1.1'
      const ack = await client.publishAsync(topic, payload, {
        qos: isFive ? 1 : 0,
        ...(isFive && { properties: { messageExpiryInterval: ORDER_EXPIRES_S } }),
      })
      if (ack?.cmd === 'puback' && ack.reasonCode === NO_SUBSCRIBERS)
        return { is: 'away', reason: `nobody has subscribed to ${topic}` }
      return { is: 'taken', note: HANDED_OVER }
    } catch (error) {
      return { is: 'silent', reason: messageOf(error) }
    }
  }

  /** One connection from its beginning to its end; answers why it ended. */
  #hold(signal: AbortSignal): Promise<string> {
    const { clock, intake } = this.#context.box
    let stream: SievedStream
    let options: IClientOptions
    const acknowledge = (messageId: number): void => {
      if (!stream.destroyed) stream.write(mqttPacket.generate({ cmd: 'puback', messageId }, options))
    }
    try {
      options = this.#options()
      const sieve = new Sieve(PACKET_BYTES, (large) => this.#leaveOut(large, acknowledge))
      stream = new SievedStream(this.#connect(), sieve)
    } catch (error) {
      // A secret that is missing or no PEM: it may be there at the next try, and the other brokers go on.
      return Promise.resolve(`${codeOf(error)}: ${messageOf(error)}`)
    }
    return new Promise((resolve, reject) => {
      const over = new AbortController()
      let reason = 'the broker closed the connection'
      const failed = (error: unknown): void => {
        client.end(true)
        reject(error instanceof Error ? error : new Error(messageOf(error)))
      }
      const receiving = new Receiving({
        clock,
        intake,
        limit: UNDER_WAY,
        signal: over.signal,
        acknowledge,
        failed,
      })
      const client = new mqtt.MqttClient(() => stream, options)
      client.handleMessage = (packet, done) => {
        try {
          this.#take(receiving, packet, () => done(acknowledgedLater))
        } catch (error) {
          failed(error)
        }
      }
      client.on('connect', (connack) => {
        this.#client = client
        this.#join(client, connack).catch((error: unknown) => {
          reason = messageOf(error)
          client.end(true)
        })
      })
      client.on('error', (error) => (reason = `${codeOf(error)}: ${messageOf(error)}`))
      client.on('disconnect', ({ reasonCode = 0 }) => {
        const word = mqtt.ReasonCodes[reasonCode as keyof typeof mqtt.ReasonCodes] as string | undefined // any number may come
        reason = `the broker said: ${word ?? `reason ${reasonCode}`}`
      })
      const stop = (): void => void client.end(true)
      signal.addEventListener('abort', stop, { once: true })
      stream.once('close', () => {
        signal.removeEventListener('abort', stop)
        this.#client = undefined
        over.abort()
        client.end(true)
        resolve(reason)
      })
      if (signal.aborted) stop()
    })
  }

  async #join(client: SubscribingClient, { sessionPresent }: IConnackPacket): Promise<void> {
    const { intake } = this.#context.box
    intake.state(this.#subject, 'connected', sessionPresent ? 'session kept' : 'new session')
    await this.#subscriptions.settle(client, sessionPresent)
  }

  #take(receiving: Receiving, packet: IPublishPacket, next: () => void): void {
    const { name, broker, box, routes } = this.#context
    const { topic, qos, dup, retain, messageId } = packet
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    // Subscribed with 1 at most, so a broker that sends 2 breaks the protocol; mqtt.js has it half acknowledged.
    if (qos === 2)
      throw new Error(`the broker sent a message of QoS 2, which was not asked for: ${shown(topic)}`)
    const said = { topic, payload, qos, dup, messageId, isRetained: retain }
    const packetId = qos === 0 ? undefined : messageId
    const speaker = routes.speakerOf(topic)
    if (!speaker) {
      this.#trouble('device-unknown', shown(topic))
      box.intake.stranger({ transport: name, account: broker.id, address: topic, example: textOf(said) })
    }
    const listener = { wire: name, intake: box.intake, session: `${name} ${broker.id}` }
    receiving.take(speaker && toArrival(listener, speaker, said), packetId, next)
  }

  #leaveOut({ topic, bytes, packetId }: Swallowed, acknowledge: (packetId: number) => void): void {
    this.#trouble('payload-too-large', `${shown(topic)}: ${bytes} bytes; wanted ${PACKET_BYTES} at most`)
    if (packetId !== undefined) acknowledge(packetId)
  }

  #options(): IClientOptions {
    const { broker, box } = this.#context
    const isFive = broker.version !== '3.1.1'
    return {
      protocolVersion: isFive ? 5 : 4,
      // Neither letter of it stands in an id, so that no two boxes and brokers make the same.
      clientId: `ganglion.${box.boxId}.${broker.id}`,
      clean: false,
      keepalive: KEEP_ALIVE_S,
      connectTimeout: CONNECT_WAIT_MS,
      // `keepOpen` connects again, by the box's clock.
      reconnectPeriod: 0,
      resubscribe: false,
      ...(broker.user !== undefined && { username: broker.user }),
      ...(broker.password !== undefined && { password: box.secret(broker.password) }),
      ...(isFive && {
        properties: {
          sessionExpiryInterval: SESSION_KEPT_S,
          receiveMaximum: UNDER_WAY,
          maximumPacketSize: PACKET_BYTES + LONGEST_HEADER,
        },
      }),
    }
  }

  /** Straight to the address of box.yaml: what the broker refers to is not followed. */
  #connect(): Socket {
    const { broker, box } = this.#context
    const url = new URL(broker.url)
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (url.protocol === 'mqtt:') return connectTcp({ host, port: Number(url.port || 1883), noDelay: true })
    return connectTls({
      host,
      port: Number(url.port || 8883),
      minVersion: 'TLSv1.2',
      ...(isIP(host) === 0 && { servername: host }),
      ...(broker.ca !== undefined && { ca: box.secret(broker.ca) }),
      ...(broker.cert !== undefined && { cert: box.secret(broker.cert) }),
      ...(broker.key !== undefined && { key: box.secret(broker.key) }),
    })
  }

  #trouble(what: string, example: string): void {
    const { name, broker, box } = this.#context
    box.intake.trouble(`${name}: ${what} (${broker.id})`, example)
  }
}
