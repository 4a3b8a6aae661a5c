import { GanglionError } from '../../base/errors.ts'
import type { Decoded, MqttCodec } from './codec.ts'
import { bytesOfHexText } from './hex-or-bytes.ts'

const ALARM = 0xb1
const STATE = 0xb2

const isFrame = (bytes: Uint8Array): boolean =>
  bytes.length >= 3 && (bytes[0] === ALARM || bytes[0] === STATE)

/** 拓宝 NB-IoT smoke alarms: B1 for an alarm or B2 for a state, then two bytes of flags. */
const tuobaoNb: MqttCodec = {
  decode(_topic, payload): Decoded {
    const bytes = bytesOfHexText(payload, isFrame)
    if (!isFrame(bytes))
      throw new GanglionError('payload-invalid', `wanted B1 or B2 and two bytes; got ${bytes.length} bytes`)
    const [, alarms = 0, battery = 0] = bytes
    const is = (byte: number, bit: number): boolean => (byte & (1 << bit)) !== 0
    return {
      is: 'message',
      address: '',
      fields: { heat: is(alarms, 0), fault: is(alarms, 2), fire: is(alarms, 3), batteryLow: is(battery, 1) },
    }
  },
}
export default tuobaoNb
