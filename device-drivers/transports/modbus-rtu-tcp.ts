import { rtuPlug } from '../modbus/rtu-plug.ts'
import { farTiming, hostFields, hostText, tcpLine } from '../serial/byte-line.ts'

interface Settings {
  readonly host: string
  readonly port: number
}

/**
 * Modbus RTU frames over TCP, as serial device servers and 4G modems in transparent mode carry them. A
 * gateway that speaks Modbus TCP may sit on the same port number; it answers none of these frames.
 */
export default rtuPlug<Settings>({
  name: 'modbus-rtu-tcp',
  fields: hostFields,
  lineOf: hostText,
  open: ({ host, port }, clock) => ({ opener: tcpLine(host, port, clock), timing: farTiming }),
})
