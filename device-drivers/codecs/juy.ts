import type { Fields } from '../../gateway/ports.ts'
import {
  decodeJuyPayload,
  juyPortStates,
  juyStopReasons,
  type JuyEnd,
  type JuyHeartbeat,
  type JuyPortData,
} from '../../wire/juy-payload.ts'
import { juyCommands, type JuyFrame } from '../../wire/juy.ts'

export interface JuyFields {
  readonly fields: Fields
  /** Something in the frame that nobody here understands. */
  readonly complaint?: string
}

/** Stations have up to 20 ports; a number far beyond is a fault of the frame. */
const MOST_PORTS = 64

/** Said between stations and their operator's server; nothing in them is a reading. */
const silent: readonly number[] = [juyCommands.imei, juyCommands.localStart, 0x83, 0x84, 0x87]

/**
 * What a JUY frame says, under names that profiles use; an IMEI before the data is taken off before. Every
 * frame is a sign of life, so one without readings gives empty fields.
 */
export function decodeJuy({ command, data }: Pick<JuyFrame, 'command' | 'data'>): JuyFields {
  const payload = decodeJuyPayload(command, data)
  switch (payload.kind) {
    case 'login':
      return { fields: {} }
    case 'heartbeat':
      return { fields: heartbeat(payload.heartbeat) }
    case 'end':
      return end(payload.end)
    case 'port-data':
      return { fields: portData(payload.portData) }
    case 'other':
      if (silent.includes(command)) return { fields: {} }
      return {
        fields: {},
        complaint: `command ${command.toString(16).padStart(2, '0')} with ${data.length} bytes`,
      }
  }
}

const heartbeat = ({ rssi, temperatureC, portStates }: JuyHeartbeat): Fields => ({
  signal: rssi,
  temperature: temperatureC,
  ports: Object.fromEntries(
    portStates.slice(0, MOST_PORTS).map((state, index) => [
      index + 1,
      // An idle port delivers nothing: what was measured while it charged is over.
      { state: juyPortStates[state] ?? `state-${state}`, ...(state === 0 && { power: 0 }) },
    ]),
  ),
})

const portData = ({ voltageV, temperatureC, ports }: JuyPortData): Fields => ({
  voltage: voltageV,
  temperature: temperatureC,
  ports: Object.fromEntries(
    ports
      .filter(({ port }) => port >= 1 && port <= MOST_PORTS)
      .map(({ port, powerW, energyKwh, chargedS, portC }) => [
        port,
        { power: powerW, energy: energyKwh, seconds: chargedS, temperature: portC },
      ]),
  ),
})

/**
 * Charging has ended, so the port's power is zero from now on. That it ended for smoke or heat is the only
 * word of the station about them, and it is never taken back.
 */
function end({ port, chargedS, energyKwh, stopReason }: JuyEnd): JuyFields {
  const reason = juyStopReasons[stopReason] ?? `reason-${stopReason}`
  const beside = { ...(reason === 'smoke' && { smoke: true }), ...(reason === 'hot' && { heat: true }) }
  if (port < 1 || port > MOST_PORTS) return { fields: beside, complaint: `port ${port}` }
  const said = { power: 0, energy: energyKwh, seconds: chargedS, stopReason: reason }
  return { fields: { ...beside, ports: { [port]: said } } }
}
