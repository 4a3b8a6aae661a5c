import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import { ignored, type Decoded, type MqttCodec } from './codec.ts'
import { parseObject, parseTime, type JsonBounds } from './json-payload.ts'

/** `rxInfo` has an entry for each LoRaWAN gateway that heard the device. */
const bounds: JsonBounds = { deepest: 10, longestText: 4096, mostValues: 5000 }

/**
 * ChirpStack v4, JSON events: `<base>/…/device/<devEui>/event/<kind>`; the device is its EUI. Its JSON leaves out what is
 * zero or false, so those are filled in; what the device profile's codec in ChirpStack decoded stands in `object`.
 */
const chirpstack: MqttCodec = {
  decode(topic, payload): Decoded {
    if (topic.at(-2) !== 'event') return ignored
    const address = (topic.at(-3) ?? '').toLowerCase()
    const kind = topic.at(-1)
    if (kind !== 'up' && kind !== 'status' && kind !== 'join' && kind !== 'log') return ignored
    const event = parseObject(payload, bounds)
    refuseV3(event)
    if (kind === 'log') return logged(event)
    const fields = kind === 'up' ? uplink(event) : kind === 'status' ? status(event) : {}
    const id = own(event, 'deduplicationId')
    const time = parseTime(own(event, 'time'))
    const info = own(event, 'deviceInfo')
    const model = isObject(info) ? own(info, 'deviceProfileName') : undefined
    const isUndecoded = kind === 'up' && own(event, 'data') !== undefined && !isObject(own(event, 'object'))
    return {
      is: 'message',
      address,
      fields,
      ...(typeof id === 'string' && id !== '' && id.length <= 64 && { messageId: id }),
      ...(time !== undefined && { time }),
      ...(typeof model === 'string' && { model }),
      ...(isUndecoded && { complaint: 'no "object": its device profile in ChirpStack has no payload codec' }),
    }
  },

  own: { says: ['event/#'], hears: ['command/#'] },

  // Behind a bridge the application stands before the EUI, and no base topic tells which one is the device's.
  tells: (base, address, leaf) => (address === undefined ? `${base}/command/${leaf}` : undefined),
}

function uplink(event: Fields): Fields {
  return {
    fPort: own(event, 'fPort') ?? 0,
    fCnt: own(event, 'fCnt') ?? 0,
    dr: own(event, 'dr') ?? 0,
    adr: own(event, 'adr') ?? false,
    confirmed: own(event, 'confirmed') ?? false,
    ...copied(event, 'data'),
    ...copied(event, 'object'),
    ...strongest(own(event, 'rxInfo')),
  }
}

/** Of the gateways that heard it. A signal of 0 dBm does not exist, so nothing left out means it; 0 dB over noise does. */
function strongest(receptions: unknown): Fields {
  const heard = (Array.isArray(receptions) ? receptions.filter(isObject) : []).flatMap((one) => {
    const rssi = own(one, 'rssi')
    return typeof rssi === 'number' ? [{ rssi, snr: own(one, 'snr') ?? 0 }] : []
  })
  return heard.sort((a, b) => b.rssi - a.rssi)[0] ?? {}
}

/** A battery of 0 % is left out too; it is unknown only where the event says so. */
function status(event: Fields): Fields {
  const externalPowerSource = own(event, 'externalPowerSource') ?? false
  const batteryLevelUnavailable = own(event, 'batteryLevelUnavailable') ?? false
  const hasBattery = externalPowerSource === false && batteryLevelUnavailable === false
  return {
    margin: own(event, 'margin') ?? 0,
    externalPowerSource,
    batteryLevelUnavailable,
    ...(hasBattery && { batteryLevel: own(event, 'batteryLevel') ?? 0 }),
  }
}

/** An uplink whose payload codec failed comes as a log line alone. */
function logged(event: Fields): Decoded {
  if (own(event, 'level') !== 'ERROR') return ignored
  const said = ['code', 'description']
    .map((key) => own(event, key))
    .filter((text) => typeof text === 'string')
  throw new GanglionError('payload-invalid', `ChirpStack says: ${said.join(': ').slice(0, 200)}`)
}

/** Version 3 has other names and a base64 EUI: half of it would be misread in silence. */
function refuseV3(event: Fields): void {
  if (Object.hasOwn(event, 'deviceInfo')) return
  if (!['devEUI', 'applicationID', 'objectJSON'].some((key) => Object.hasOwn(event, key))) return
  throw new GanglionError('payload-invalid', 'wanted an event of ChirpStack v4; got one of v3 ("devEUI")')
}

const own = (fields: Fields, key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined)

const copied = (fields: Fields, key: string): Fields =>
  Object.hasOwn(fields, key) ? { [key]: fields[key] } : {}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export default chirpstack
