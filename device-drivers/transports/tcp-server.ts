import type { Order, Sent } from '../../gateway/order.ts'
import type { Transport, TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { aborted, listen } from '../listen.ts'
import { AddressBook, tcpAddressSchema } from '../tcp-protocols/address-book.ts'
import { Connection, type ConnectionLimits } from '../tcp-protocols/connection.ts'
import { dny } from '../tcp-protocols/dny.ts'
import { gb26875 } from '../tcp-protocols/gb26875.ts'
import { juy } from '../tcp-protocols/juy.ts'
import type { TcpProtocol } from '../tcp-protocols/protocol.ts'

/** They share the port; the first whole frame of a connection tells which one it speaks. */
const protocols: readonly TcpProtocol[] = [dny, juy, gb26875]

const DEFAULT_RATE = 50
const MOST_CONNECTIONS = 2000
const bounds: Omit<ConnectionLimits, 'framesPerSecond'> = {
  // A station's modem says `link` every 30 s, its heartbeat comes every 3 minutes.
  idleMs: 600_000,
  firstMs: 60_000,
  quietMs: 5000,
  rubbishBytes: 8 * 1024,
}

/**
 * Devices that dial in over TCP. These protocols carry no secret: bind the port to the network of the
 * stations. Only devices of a site file are heard and answered.
 */
class TcpServer implements Transport {
  readonly name = 'tcp'
  readonly #context: TransportContext
  readonly #book: AddressBook
  /** Where each device was heard last: a station that reconnects leaves its old connection behind. */
  readonly #lines = new Map<string, Connection>()

  constructor(context: TransportContext) {
    this.#context = context
    this.#book = new AddressBook(context.devices, protocols)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { listen: at, clock, intake, limits } = this.#context
    if (at === undefined) {
      await aborted(signal)
      return
    }
    const lines = this.#lines
    const listening = await listen(at, MOST_CONNECTIONS, (socket) => {
      const connection = new Connection({
        socket,
        clock,
        intake,
        protocols,
        limits: { ...bounds, framesPerSecond: limits.messagesPerSecond ?? DEFAULT_RATE },
        book: this.#book,
        heard: (deviceId) => {
          if (lines.get(deviceId) === connection) return
          lines.set(deviceId, connection)
          intake.state(deviceId, 'connected', socket.remoteAddress)
        },
        signal,
      })
      socket.on('close', () => {
        for (const deviceId of connection.devices) {
          if (lines.get(deviceId) !== connection) continue
          lines.delete(deviceId)
          if (signal.aborted) continue
          intake.state(deviceId, 'away', 'connection closed')
          intake.lost(deviceId, 'connection closed')
        }
      })
      connection.start()
    })
    listening.server.on('drop', () => intake.trouble('tcp: too many connections', at))
    intake.state('tcp', 'listening', listening.address)
    await aborted(signal)
    await listening.close()
    intake.state('tcp', 'stopped')
  }

  async send(deviceId: string, order: Order, signal: AbortSignal): Promise<Sent> {
    const line = this.#lines.get(deviceId)
    const address = this.#book.addressOf(deviceId)
    if (!line || address === undefined) return { is: 'away', reason: 'it is not connected' }
    return line.tell(address, order, signal)
  }
}

const plug: TransportPlug = {
  name: 'tcp',
  uses: ['limits'],
  orders: ['frame'],
  address: tcpAddressSchema(protocols),
  create: (context) => new TcpServer(context),
}
export default plug
