import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { Span } from '../../gateway/words.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { Line } from '../modbus/line.ts'
import { askUnit } from '../modbus/unit.ts'
import { writeUnit, type WritableUnit } from '../modbus/write-unit.ts'
import { runPolledLines } from '../polled-lines.ts'
import { hostText } from '../serial/byte-line.ts'

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
const plug: TransportPlug = {
  name: 'modbus-tcp',
  address: Address,
  orders: ['write'],
  create(context) {
    const units = new Map<string, WritableUnit>()
    return {
      name: plug.name,
      run: (signal) => run(context, units, signal),
      send: (deviceId, order) => writeUnit(units.get(deviceId), order),
    }
  },
}
export default plug

function run(
  context: TransportContext,
  units: Map<string, WritableUnit>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, intake } = context
  return runPolledLines(
    {
      name: plug.name,
      context,
      lineOf: (device) => hostText(addressOf(device)),
      open: ([first], events) => {
        const { host, port } = addressOf(first)
        return new Line({ host, port, clock, events })
      },
      ask(device, line, share) {
        const { unit = 1, every = DEFAULT_EVERY } = addressOf(device)
        const everyMs = parseDuration(every)
        const given = { device, line, clock, intake, unit, every: everyMs, firstAfter: everyMs * share }
        const asked = askUnit({ transport: plug.name, ...given })
        units.set(device.id, { line, unit, asked })
        return asked
      },
    },
    signal,
  )
}

function addressOf({ address }: Device): Address & { readonly port: number } {
  const settings = address.settings as Address // checked by the schema
  return { ...settings, port: settings.port ?? DEFAULT_PORT }
}
