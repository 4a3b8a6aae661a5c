import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'

const CONNACK = 0x20
const PUBACK = 0x40
const PUBLISH_QOS1 = 0x32
const DUP = 0x08
/** Beyond this many messages without an acknowledgement a connection takes no more. */
const MOST_OPEN = 255

export interface LinkOptions {
  readonly port: number
  readonly account: string
  readonly secret: string
  /** `kept`: it connects again when the connection breaks, and sends again what was not acknowledged. */
  readonly session: 'clean' | 'kept'
  /** How soon a kept one connects again. */
  readonly againMs: number
  /** @param tag what `publish` was given */
  onAck(tag: number): void
  onConnect(): void
  onBroken(reason: string): void
}

/** Every reply that a sensor gets is four bytes; all links read into one buffer and copy nothing. */
const inbox = Buffer.alloc(4096)

/**
 * One MQTT connection of a sensor on a raw socket: it publishes packets that were made before, and hears
 * acknowledgements. A client library would cost more than the gateway that is measured.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #unacked = new Map<number, { readonly packet: Buffer; readonly tag: number }>()
  readonly #half: number[] = []
  #socket: Socket | undefined
  #packetId = 0
  #isReady = false
  #isClosed = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Messages on their way without an acknowledgement. */
  get open(): number {
    return this.#unacked.size
  }

  get isReady(): boolean {
    return this.#isReady
  }

  dial(): void {
    const { port, account, secret, session } = this.#options
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: inbox,
        callback: (length) => {
          this.#heard(length)
          return true
        },
      },
    })
    this.#socket = socket
    let reason = 'closed by the other side'
    socket.on('error', (error) => (reason = error.message))
    socket.on('connect', () => {
      socket.write(
        mqtt.generate({
          cmd: 'connect',
          clientId: account,
          username: account,
          password: Buffer.from(secret),
          clean: session === 'clean',
          keepalive: 0,
          protocolVersion: 4,
        }),
      )
    })
    socket.on('close', () => this.#broken(reason))
  }

  /** Sends a packet of `publishTemplate`; false when too much is on its way. */
  publish(template: Template, tag: number): boolean {
    if (this.#unacked.size >= MOST_OPEN) return false
    this.#packetId = (this.#packetId % 0xffff) + 1
    const packet = Buffer.from(template.bytes)
    packet.writeUInt16BE(this.#packetId, template.idAt)
    this.#unacked.set(this.#packetId, { packet, tag })
    if (this.#isReady) this.#socket?.write(packet)
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#isReady = false
    this.#socket?.destroy()
  }

  #heard(length: number): void {
    for (let at = 0; at < length; at++) {
      this.#half.push(inbox[at] ?? 0)
      if (this.#half.length === 4) this.#reply()
    }
  }

  #reply(): void {
    const [kind, , high = 0, low = 0] = this.#half
    this.#half.length = 0
    if (kind === PUBACK) {
      const id = high * 256 + low
      const open = this.#unacked.get(id)
      this.#unacked.delete(id)
      if (open) this.#options.onAck(open.tag)
    } else if (kind === CONNACK && low === 0) {
      this.#isReady = true
      for (const { packet } of this.#unacked.values()) {
        packet[0] = PUBLISH_QOS1 | DUP
        this.#socket?.write(packet)
      }
      this.#options.onConnect()
    } else {
      this.#socket?.destroy(new Error(`the broker answered ${String(kind)} ${high} ${low}`))
    }
  }

  #broken(reason: string): void {
    this.#isReady = false
    this.#half.length = 0
    if (this.#isClosed) return
    this.#options.onBroken(reason)
    if (this.#options.session === 'kept')
      setTimeout(() => this.#isClosed || this.dial(), this.#options.againMs)
  }
}

/** A PUBLISH of QoS 1 whose packet id is still to be written. */
export interface Template {
  readonly bytes: Buffer
  readonly idAt: number
}

export function publishTemplate(topic: string, payload: string): Template {
  const bytes = mqtt.generate({
    cmd: 'publish',
    topic,
    payload,
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  })
  // Fixed header, length in one or two bytes, topic with its length; then the id.
  const lengthBytes = (bytes[1] ?? 0) < 0x80 ? 1 : 2
  return { bytes, idAt: 1 + lengthBytes + 2 + Buffer.byteLength(topic) }
}
