import { connect, type Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'

/** An MQTT client that sends exactly what it is told to and keeps what comes back. */
export class RawMqtt {
  readonly received: Packet[] = []
  readonly socket: Socket
  isClosed = false

  constructor(port: number) {
    const parser = mqttPacket.parser()
    parser.on('packet', (packet) => this.received.push(packet))
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => parser.parse(chunk))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => (this.isClosed = true))
  }

  send(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet))
  }

  connect(
    account: string,
    options: { clientId?: string; clean?: boolean; secret?: string; version?: 3 | 4 | 5 } = {},
  ): void {
    const { clientId = 'raw', clean = true, secret = `secret of ${account}`, version = 4 } = options
    this.send({
      cmd: 'connect',
      protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: version,
      clientId,
      clean,
      username: account,
      password: Buffer.from(secret),
      keepalive: 0,
    })
  }

  publish(
    topic: string,
    payload: string | Buffer,
    options: { qos?: 0 | 1 | 2; messageId?: number; dup?: boolean; retain?: boolean } = {},
  ): void {
    const { qos = 1, messageId = 1, dup = false, retain = false } = options
    this.send({ cmd: 'publish', topic, payload, qos, messageId, dup, retain })
  }

  subscribe(topic: string, qos: 0 | 1 | 2 = 1): void {
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] })
  }

  has(cmd: Packet['cmd']): boolean {
    return this.received.some((packet) => packet.cmd === cmd)
  }

  /** The payloads that were handed to it. */
  get heard(): readonly string[] {
    return this.received.flatMap((packet) => (packet.cmd === 'publish' ? [packet.payload.toString()] : []))
  }
}
