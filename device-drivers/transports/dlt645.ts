import { Type, type Static } from 'typebox'
import type { Device } from '../../gateway/device.ts'
import type { TransportPlug } from '../../gateway/ports.ts'
import { meterFields, runMeterLines } from '../dlt645/meter-lines.ts'
import { serialFields, serialLine, serialText, serialTiming, type SerialSettings } from '../serial/port.ts'

const Address = Type.Object({ ...serialFields, ...meterFields }, { additionalProperties: false })
type Address = Static<typeof Address>

/** DL/T 645-2007 §4.2; some meters are set to 9,600 baud. */
const DEFAULTS = { baud: 2400, parity: 'even', stopBits: 1 } as const
/** A meter begins to answer 20 ms after the request at the earliest; it is given as long after its reply. */
const GAP_MS = 20

/** DL/T 645-2007 electricity meters on a serial port. */
const plug: TransportPlug = {
  name: 'dlt645',
  address: Address,
  create: (context) => ({
    name: plug.name,
    run: (signal) =>
      runMeterLines(
        {
          name: plug.name,
          context,
          lineOf: (device) => serialText(serialOf(device)),
          settingsOf: addressOf,
          open(device) {
            const settings = serialOf(device)
            return { opener: serialLine(settings), timing: serialTiming(settings.baud, GAP_MS) }
          },
        },
        signal,
      ),
  }),
}
export default plug

const addressOf = ({ address }: Device): Address => address.settings as Address // checked by the schema

const serialOf = (device: Device): SerialSettings => ({ ...DEFAULTS, ...addressOf(device) })
