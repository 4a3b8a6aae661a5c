import { Type, type Static } from 'typebox'
import { Span } from '../../gateway/words.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportPlug } from '../../gateway/ports.ts'
import { runRtuLines } from '../modbus/rtu-lines.ts'
import { writeUnit, type WritableUnit } from '../modbus/write-unit.ts'
import { farTiming, hostFields, hostText, tcpLine } from '../serial/byte-line.ts'

const Address = Type.Object(
  {
    ...hostFields,
    unit: Type.Optional(Type.Integer({ minimum: 1, maximum: 247, description: 'default 1' })),
    every: Type.Optional({ ...Span, description: 'how often it is read; default 1 s' }),
  },
  { additionalProperties: false },
)
type Address = Static<typeof Address>

/**
 * Modbus RTU frames over TCP, as serial device servers and 4G modems in transparent mode carry them. A
 * gateway that speaks Modbus TCP may sit on the same port number; it answers none of these frames.
 */
const plug: TransportPlug = {
  name: 'modbus-rtu-tcp',
  address: Address,
  orders: ['write'],
  create(context) {
    const units = new Map<string, WritableUnit>()
    return {
      name: plug.name,
      send: (deviceId, order) => writeUnit(units.get(deviceId), order),
      run: (signal) =>
        runRtuLines(
          {
            name: plug.name,
            context,
            units,
            lineOf: (device) => hostText(addressOf(device)),
            unitOf: (device) => addressOf(device).unit ?? 1,
            everyOf: (device) => addressOf(device).every ?? '1 s',
            open(device) {
              const { host, port } = addressOf(device)
              return { opener: tcpLine(host, port, context.clock), timing: farTiming }
            },
          },
          signal,
        ),
    }
  },
}
export default plug

const addressOf = ({ address }: Device): Address => address.settings as Address // checked by the schema
