import { Type, type Static } from 'typebox'
import { Span } from '../../gateway/words.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportPlug } from '../../gateway/ports.ts'
import { rtuGapMs } from '../../wire/modbus-rtu.ts'
import { runRtuLines } from '../modbus/rtu-lines.ts'
import { writeUnit, type WritableUnit } from '../modbus/write-unit.ts'
import { serialFields, serialLine, serialText, serialTiming, type SerialSettings } from '../serial/port.ts'

const Address = Type.Object(
  {
    ...serialFields,
    unit: Type.Optional(Type.Integer({ minimum: 1, maximum: 247, description: 'default 1' })),
    every: Type.Optional({ ...Span, description: 'how often it is read; default 1 s' }),
  },
  { additionalProperties: false },
)
type Address = Static<typeof Address>

/** Most units that are sold here leave the factory so. */
const DEFAULTS = { baud: 9600, parity: 'none', stopBits: 1 } as const

/** Modbus RTU over a serial port: units on one RS485 line, read one at a time. */
const plug: TransportPlug = {
  name: 'modbus-rtu',
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
            lineOf: (device) => serialText(serialOf(device)),
            unitOf: (device) => addressOf(device).unit ?? 1,
            everyOf: (device) => addressOf(device).every ?? '1 s',
            open(device) {
              const settings = serialOf(device)
              const { baud } = settings
              return { opener: serialLine(settings), timing: serialTiming(baud, rtuGapMs(baud)) }
            },
          },
          signal,
        ),
    }
  },
}
export default plug

const addressOf = ({ address }: Device): Address => address.settings as Address // checked by the schema

const serialOf = (device: Device): SerialSettings => ({ ...DEFAULTS, ...addressOf(device) })
