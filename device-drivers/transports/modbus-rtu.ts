import { rtuGapMs } from '../../wire/modbus-rtu.ts'
import { rtuPlug } from '../modbus/rtu-plug.ts'
import { serialFields, serialLine, serialText, serialTiming, type SerialSettings } from '../serial/port.ts'

/** Most units that are sold here leave the factory so. */
const DEFAULTS = { baud: 9600, parity: 'none', stopBits: 1 } as const

type Settings = Pick<SerialSettings, 'port'> & Partial<SerialSettings>

/** Modbus RTU over a serial port: units on one RS485 line. */
export default rtuPlug<Settings>({
  name: 'modbus-rtu',
  fields: serialFields,
  lineOf: (settings) => serialText({ ...DEFAULTS, ...settings }),
  open(settings) {
    const serial = { ...DEFAULTS, ...settings }
    return { opener: serialLine(serial), timing: serialTiming(serial.baud, rtuGapMs(serial.baud)) }
  },
})
