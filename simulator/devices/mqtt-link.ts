import mqtt from 'mqtt'
import type { Endpoint } from '../fault-proxy.ts'

export interface MqttLinkOptions {
  readonly endpoint: Endpoint
  readonly account: string
  readonly password: string
  /** Said by the broker when the connection breaks. */
  readonly will?: { readonly topic: string; readonly payload: string }
  /** Called each time the gateway has let it in. */
  readonly onConnect: () => void
}

/** The connection of one wire account, which comes back by itself. */
export interface MqttLink {
  readonly isConnected: boolean
  /** QoS 1: kept and sent again until the gateway has acknowledged it. */
  publish(topic: string, payload: string, retain?: boolean): void
  /** QoS 0, for rubbish: what ends the connection must not be sent again after it. */
  throwAway(topic: string, payload: Uint8Array): void
  /** Breaks the connection; it comes back at once. */
  reconnect(): void
  stop(): Promise<void>
}

const RECONNECT_MS = 1000

export function openMqttLink({ endpoint, account, password, will, onConnect }: MqttLinkOptions): MqttLink {
  const client = mqtt.connect({
    protocol: 'mqtt',
    host: endpoint.host,
    port: endpoint.port,
    protocolVersion: 4,
    clientId: account,
    username: account,
    password,
    keepalive: 30,
    connectTimeout: 5000,
    reconnectPeriod: RECONNECT_MS,
    ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
  })
  client.on('connect', onConnect)
  // A refused or broken connection is what a simulated device lives with: it dials again.
  client.on('error', () => undefined)
  const sent = (): void => undefined
  return {
    get isConnected() {
      return client.connected
    },
    publish: (topic, payload, retain = false) => client.publish(topic, payload, { qos: 1, retain }, sent),
    throwAway(topic, payload) {
      if (client.connected) client.publish(topic, Buffer.from(payload), { qos: 0 }, sent)
    },
    reconnect: () => client.reconnect(),
    stop: () => client.endAsync(true),
  }
}
