import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { Span } from '../../gateway/words.ts'
import type { Transport, TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { Line } from '../modbus/line.ts'
import { Unit } from '../modbus/unit.ts'

const Address = Type.Object(
  {
    host: Type.String({ pattern: '^[A-Za-z0-9.:_-]{1,253}$', description: 'name or IP address' }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'default 502' })),
    unit: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: 'default 1' })),
    every: Type.Optional({ ...Span, description: 'how often it is read; default 1 s' }),
  },
  { additionalProperties: false },
)
type Address = Static<typeof Address>

const DEFAULT_PORT = 502
const DEFAULT_EVERY = '1 s'

/** Modbus TCP: reads every device's registers in batches, several units behind one connection. */
class ModbusTcp implements Transport {
  readonly name = 'modbus-tcp'
  readonly #context: TransportContext

  constructor(context: TransportContext) {
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intake, devices } = this.#context
    const lines = new Map<string, { readonly line: Line; readonly units: Unit[] }>()
    for (const [index, device] of devices.entries()) {
      const {
        host,
        port = DEFAULT_PORT,
        unit = 1,
        every = DEFAULT_EVERY,
      } = device.address.settings as Address // checked by the schema
      const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
      const shared = lines.get(at) ?? this.#line(at, host, port)
      lines.set(at, shared)
      const everyMs = parseDuration(every)
      shared.units.push(
        new Unit({
          device,
          line: shared.line,
          clock,
          intake,
          unit,
          every: everyMs,
          firstAfter: (everyMs * index) / devices.length,
        }),
      )
    }
    // The first part that fails ends all of them; the supervisor starts anew.
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    const runs = [...lines.values()]
      .flatMap(({ line, units }) => [line, ...units])
      .map((part) =>
        part.run(either).catch((error: unknown) => {
          failed.abort()
          throw error
        }),
      )
    const ended = await Promise.allSettled(runs)
    const first = ended.find((end) => end.status === 'rejected')
    if (first) throw first.reason
  }

  #line(at: string, host: string, port: number): { readonly line: Line; readonly units: Unit[] } {
    const { clock, intake } = this.#context
    const units: Unit[] = []
    const line = new Line({
      host,
      port,
      clock,
      events: {
        connected: () => intake.state(`modbus-tcp ${at}`, 'connected'),
        lost: (reason) => {
          intake.trouble(`modbus-tcp: device-unreachable (${at})`, reason)
          intake.state(`modbus-tcp ${at}`, 'away', reason)
          for (const unit of units) unit.lineLost(reason)
        },
        trouble: (what, example) => intake.trouble(`modbus-tcp: ${what} (${at})`, example),
      },
    })
    return { line, units }
  }
}

const plug: TransportPlug = {
  name: 'modbus-tcp',
  address: Address,
  create: (context) => new ModbusTcp(context),
}
export default plug
