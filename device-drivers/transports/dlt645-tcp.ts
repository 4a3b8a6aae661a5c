import { Type, type Static } from 'typebox'
import type { Device } from '../../gateway/device.ts'
import type { TransportPlug } from '../../gateway/ports.ts'
import { meterFields, runMeterLines } from '../dlt645/meter-lines.ts'
import { farTiming, hostFields, hostText, tcpLine } from '../serial/byte-line.ts'

const Address = Type.Object({ ...hostFields, ...meterFields }, { additionalProperties: false })
type Address = Static<typeof Address>

/** DL/T 645-2007 electricity meters behind a serial device server or a 4G modem (DTU) that passes bytes on. */
const plug: TransportPlug = {
  name: 'dlt645-tcp',
  address: Address,
  create: (context) => ({
    name: plug.name,
    run: (signal) =>
      runMeterLines(
        {
          name: plug.name,
          context,
          lineOf: (device) => hostText(addressOf(device)),
          settingsOf: addressOf,
          open(device) {
            const { host, port } = addressOf(device)
            return { opener: tcpLine(host, port, context.clock), timing: farTiming }
          },
        },
        signal,
      ),
  }),
}
export default plug

const addressOf = ({ address }: Device): Address => address.settings as Address // checked by the schema
