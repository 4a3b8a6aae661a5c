import type { Fields } from '../../gateway/ports.ts'
import {
  decodeDnyPayload,
  dnyAlarmTypes,
  dnyPortStates,
  dnyStopReasons,
  type DnyAlarm,
  type DnyHeartbeat,
  type DnyHostState,
  type DnyPortPower,
  type DnySettlement,
} from '../../wire/dny-payload.ts'
import { dnyOrders } from '../../wire/dny-orders.ts'
import type { DnyFrame } from '../../wire/dny.ts'

export interface DnyFields {
  readonly fields: Fields
  /** Something in the frame that nobody here understands. */
  readonly complaint?: string
}

/** Stations have up to 16 ports; a number far beyond is a fault of the frame. */
const MOST_PORTS = 64
/** Answers to commands of the server; nothing in them is a reading. */
const silent: readonly number[] = Object.values(dnyOrders)

/**
 * What a DNY frame says, under names that profiles use. Ports are counted from 1, as they are labelled.
 * Every frame is a sign of life, so one without readings gives empty fields.
 */
export function decodeDny(frame: Pick<DnyFrame, 'command' | 'data'>): DnyFields {
  const payload = decodeDnyPayload(frame.command, frame.data)
  switch (payload.kind) {
    case 'register':
      return { fields: {} }
    case 'heartbeat':
      return { fields: heartbeat(payload.heartbeat) }
    case 'port-power':
      return port(payload.portPower.port, portPower(payload.portPower), {
        temperature: payload.portPower.ambientC,
      })
    case 'settlement':
      return port(payload.settlement.port, settlement(payload.settlement), {})
    case 'alarm':
      return alarm(payload.alarm)
    case 'host-state':
      return { fields: hostState(payload.hostState) }
    case 'other':
      if (silent.includes(frame.command)) return { fields: {} }
      return {
        fields: {},
        complaint: `command ${payload.command.toString(16).padStart(2, '0')} with ${frame.data.length} bytes`,
      }
  }
}

function heartbeat({ voltageV, portStates, rssi, temperatureC }: DnyHeartbeat): Fields {
  const ports = Object.fromEntries(
    portStates.slice(0, MOST_PORTS).map((state, index) => [
      index + 1,
      // An idle port delivers nothing: what was measured while it charged is over.
      { state: stateName(state), ...(state === 0 && { power: 0, current: 0 }) },
    ]),
  )
  return { voltage: voltageV, signal: rssi, temperature: temperatureC, ports }
}

const portPower = (said: DnyPortPower): Fields => ({
  state: said.state === undefined ? undefined : stateName(said.state),
  power: said.powerW,
  voltage: said.voltageV,
  current: said.currentA,
  energy: said.energyKwh,
  seconds: said.chargedS,
  temperature: said.portC,
})

/** Charging has ended, so the port's power is zero from now on. */
const settlement = (said: DnySettlement): Fields => ({
  power: 0,
  current: 0,
  energy: said.energyKwh,
  seconds: said.chargedS,
  stopReason:
    said.stopReason === undefined
      ? undefined
      : (dnyStopReasons[said.stopReason] ?? `reason-${said.stopReason}`),
})

function port(number: number | undefined, said: Fields, beside: Fields): DnyFields {
  if (number === undefined) return { fields: beside }
  if (number >= MOST_PORTS) return { fields: beside, complaint: `port ${number}` }
  return { fields: { ...beside, ports: { [number + 1]: said } } }
}

/** The field that each kind of alarm sets. A melted heat sensor is heat, a water level is water. */
const alarmFields = {
  'power-loss': 'powerLoss',
  water: 'water',
  'hot-melt': 'heat',
  smoke: 'smoke',
  heat: 'heat',
  'water-level': 'water',
  door: 'door',
} as const

/** An alarm is sent once and never taken back, so it only ever says `true`. */
function alarm({ type, source, triggers }: DnyAlarm): DnyFields {
  const beside = { source, triggers }
  const name = dnyAlarmTypes[type]
  if (name === undefined) return { fields: beside, complaint: `alarm of type ${type}` }
  return { fields: { ...beside, [alarmFields[name]]: true } }
}

const hostState = (said: DnyHostState): Fields => ({
  breaker: said.breaker,
  temperature: said.temperatureC,
  voltage: said.voltageV,
  current: said.currentA,
  energy: said.energyKwh,
  smoke: said.smoke === undefined ? undefined : said.smoke !== 0,
  relay: said.relay,
  leakage: said.leakageMa,
  live: said.liveC,
  neutral: said.neutralC,
})

const stateName = (state: number): string => dnyPortStates[state] ?? `state-${state}`
