import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import type { Decoded, MqttCodec } from './codec.ts'
import { bytesOfHexText } from './hex-or-bytes.ts'

const CODE = /^02[0-9A-F]{2}00$/

/** 泛海三江 NB-IoT smoke alarms: six letters a message, or the hex digits of them. */
const fanhaiNb: MqttCodec = {
  decode(_topic, payload): Decoded {
    const bytes = bytesOfHexText(payload, ({ length }) => length === 6)
    const code = Buffer.from(bytes).toString('latin1').toUpperCase()
    if (!CODE.test(code))
      throw new GanglionError(
        'payload-invalid',
        `wanted six letters such as 020100; got ${bytes.length} bytes`,
      )
    const happened = codes[code]
    return {
      is: 'message',
      address: '',
      fields: happened ?? {},
      ...(happened === undefined && { complaint: `the code ${code} is not known` }),
    }
  },
}
export default fanhaiNb

/**
 * 020D00 is the key of the self-test, which is a drill; a fire that is said after it is none. 020E00 is said when power
 * comes.
 */
const codes: Readonly<Record<string, Fields>> = {
  '020000': { fire: false, test: false, fault: false, batteryLow: false },
  '020100': { fire: true, test: false },
  '020200': { fault: true },
  '020300': { batteryLow: true },
  '020400': { fire: false },
  '020500': { fault: false },
  '020600': { batteryLow: false },
  '020D00': { test: true },
  '020E00': {},
}
