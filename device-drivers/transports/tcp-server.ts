import { Type, type Static } from 'typebox'
import type { Transport, TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { aborted, listen } from '../listen.ts'
import { Connection, type ConnectionLimits } from '../tcp-protocols/connection.ts'
import { dny } from '../tcp-protocols/dny.ts'
import type { TcpProtocol } from '../tcp-protocols/protocol.ts'

const Address = Type.Object(
  {
    physId: Type.String({
      pattern: '^[0-9A-Fa-f]{8}$',
      description: 'the 8 hexadecimal digits printed on the station: 04AB373B',
    }),
  },
  { additionalProperties: false },
)
type Address = Static<typeof Address>

/** Protocols that share the port; JUY, GB/T 26875.3 join here. */
const protocols: readonly TcpProtocol[] = [dny]

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

  constructor(context: TransportContext) {
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const { listen: at, clock, intake, devices, limits } = this.#context
    if (at === undefined) {
      await aborted(signal)
      return
    }
    const ids = new Map(
      devices.map((device) => [
        (device.address.settings as Address).physId.toUpperCase(), // checked by the schema
        device.id,
      ]),
    )
    /** Where each device was heard last: a station that reconnects leaves its old connection behind. */
    const lines = new Map<string, Connection>()
    const listening = await listen(at, MOST_CONNECTIONS, (socket) => {
      const connection = new Connection({
        socket,
        clock,
        intake,
        protocols,
        limits: { ...bounds, framesPerSecond: limits.messagesPerSecond ?? DEFAULT_RATE },
        deviceId: (address) => ids.get(address),
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
}

const plug: TransportPlug = {
  name: 'tcp',
  address: Address,
  create: (context) => new TcpServer(context),
}
export default plug
