import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import type { Decoded, MqttCodec } from './codec.ts'
import { bytesOfHexText } from './hex-or-bytes.ts'

/** Both lengths have the same beginning. */
const lengths: readonly number[] = [87, 118]

/**
 * 海曼 NB-IoT smoke alarms, transparent over CTWing: 87 or 118 bytes, or the hex digits of them. Readings stand at fixed
 * places; the last byte of the short form says what happened.
 */
const heimanNb: MqttCodec = {
  decode(_topic, payload): Decoded {
    const bytes = bytesOfHexText(payload, ({ length }) => lengths.includes(length))
    if (!lengths.includes(bytes.length))
      throw new GanglionError('payload-invalid', `wanted 87 or 118 bytes; got ${bytes.length}`)
    const [smokeLevel, temperature, humidity, battery, alarm = 0] = [55, 59, 63, 67, 85].map(
      (at) => bytes[at],
    )
    const happened = alarms[alarm]
    return {
      is: 'message',
      address: '',
      fields: { smokeLevel, temperature, humidity, battery, alarm, ...happened },
      ...(happened === undefined && { complaint: `alarm ${alarm}: wanted 0 to 20` }),
    }
  },
}
export default heimanNb

/** By the alarm byte. 13 and 14 are a self-test, which is a drill; 19 and 20 come before the alarm itself. */
const alarms: readonly Fields[] = [
  { smoke: false, heat: false, test: false },
  { smoke: true },
  { smoke: false },
  { heat: true },
  { heat: false },
  { batteryLow: true },
  { batteryLow: false },
  { moduleBatteryLow: true },
  { moduleBatteryLow: false },
  { smokeSensorFault: true },
  { smokeSensorFault: false },
  { climateSensorFault: true },
  { climateSensorFault: false },
  { test: true },
  { test: false },
  { removed: true },
  { removed: false },
  { boardLost: true },
  { boardLost: false },
  { smokePreAlarm: true },
  { heatPreAlarm: true },
]
