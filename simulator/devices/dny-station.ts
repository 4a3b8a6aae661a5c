import { connect, type Socket } from 'node:net'
import { DnyParser, dnyAck, dnyCommands, encodeDny, mustAcknowledge, type DnyFrame } from '../../wire/dny.ts'
import { decodeDnyCharge, dnyOrders, encodeDnyChargeAnswer } from '../../wire/dny-orders.ts'
import {
  dnyAlarmTypes,
  dnyPortStates,
  dnyStopReasons,
  encodeDnyPayload,
  type DnyPayload,
} from '../../wire/dny-payload.ts'
import type { FaultName } from '../faults.ts'
import {
  every,
  shownValues,
  type DeviceContext,
  type SimulatedDevice,
  type Value,
  type Values,
} from './device.ts'
import { disturbedWriter } from './dny-faults.ts'

export interface DnyStationOptions {
  readonly id: string
  /** The number printed on the device; its top byte is the kind. */
  readonly physId: number
  readonly ports: number
}

const RECONNECT_MS = 1000
/** The modem says `link` when it has said nothing for so long. */
const IDLE_MS = 30_000
/** A station waits so long for an answer, then asks again under the same number. */
const ANSWER_MS = 15_000
const ICCID = '89860400000000000001'

/**
 * 充电站 that dials in: card number, register, heartbeat, power of the ports that charge, settlement when
 * one stops charging, alarm 42 at once.
 */
export function dnyStation(
  { id, physId, ports }: DnyStationOptions,
  context: DeviceContext,
): SimulatedDevice {
  const { clock, random, reportsEvery, endpoint } = context
  let values: Values = quietStation(ports)
  let changed: Record<string, Value> = {}
  let fault: FaultName | undefined
  let isReady = false
  let isStopped = false
  let isOpen = false
  let messageId = random.between(1, 1000)
  let socket: Socket | undefined
  let writeOut: ReturnType<typeof disturbedWriter> | undefined
  let cancelDial: (() => void) | undefined
  let cancelIdle: (() => void) | undefined
  /** What happened while there was no connection. */
  let pending: readonly DnyFrame[] = []
  const unanswered = new Map<number, () => void>()
  /** The number of the charge at each port. */
  const orders = new Map<number, string>()

  const write = (bytes: Uint8Array): void => {
    if (!isOpen || fault === 'device-silent') return
    writeOut?.(bytes, fault)
    cancelIdle?.()
    cancelIdle = clock.after(IDLE_MS, () => write(Buffer.from('link')))
  }
  const say = (payload: Exclude<DnyPayload, { kind: 'other' }>): void => {
    const frame = { physId, messageId: messageId++ & 0xffff, ...encodeDnyPayload(payload) }
    const isKept = frame.command === dnyCommands.alarm || frame.command === dnyCommands.settlement
    if (isOpen) send(frame)
    else if (isKept) pending = [...pending, frame]
  }
  const send = (frame: DnyFrame): void => {
    write(encodeDny(frame))
    if (!mustAcknowledge(frame.command)) return
    // One retry under the same number; a heartbeat that stays unanswered is followed by the next one.
    const cancel = clock.after(ANSWER_MS, () => {
      unanswered.delete(frame.messageId)
      write(encodeDny(frame))
    })
    unanswered.set(frame.messageId, cancel)
  }
  const sayState = (): void => {
    say({
      kind: 'heartbeat',
      heartbeat: {
        voltageV: 220,
        portStates: Array.from({ length: ports }, (_, i) => stateOf(values, i)),
        rssi: 20,
        temperatureC: numberOf(values, 'temperature') ?? 25,
      },
    })
    for (let port = 0; port < ports; port++) {
      if (isCharging(values, port)) say(powerOf(port))
    }
  }
  const powerOf = (port: number): Exclude<DnyPayload, { kind: 'other' }> =>
    portPower(values, port, {
      order: orders.get(port) ?? firstOrder(port),
      timeS: Math.floor(clock.now() / 1000),
    })
  const onFrame = (frame: DnyFrame): void => {
    if (frame.physId !== physId) return
    const cancel = unanswered.get(frame.messageId)
    if (cancel && mustAcknowledge(frame.command)) {
      cancel()
      unanswered.delete(frame.messageId)
      return
    }
    if (frame.command === dnyOrders.charge) charge(frame)
    else if (frame.command === dnyOrders.query) sayState()
    // Other commands of the server are taken and answered.
    else write(dnyAck(frame))
  }
  /** 82: a stop wants the number of the charge that is under way. */
  const charge = (frame: DnyFrame): void => {
    const asked = decodeDnyCharge(frame.data)
    const port = asked?.port ?? 0
    const order = orders.get(port) ?? firstOrder(port)
    const isOn = isCharging(values, port)
    const answer =
      !asked || port >= ports ? NO_SUCH_PORT : (asked.command === 'start') === isOn ? ALREADY_SO : DONE
    const isOther = answer === DONE && asked?.command === 'stop' && asked.order !== order
    const data = encodeDnyChargeAnswer({
      answer: isOther ? NOT_DONE : answer,
      order: asked?.order ?? '',
      port,
    })
    write(encodeDny({ ...frame, data }))
    if (!asked || isOther || answer !== DONE) return
    const name = `port-${port + 1}`
    if (asked.command === 'start') orders.set(port, asked.order)
    set(
      asked.command === 'start'
        ? { [`${name}/portState`]: 'charging', [`${name}/portPower`]: 100 }
        : { [`${name}/portState`]: 'plugged', [`${name}/portPower`]: 0, [`${name}/stopReason`]: 'server' },
    )
  }
  const dial = (): void => {
    const parser = new DnyParser()
    const line = connect({ host: endpoint.host, port: endpoint.port })
    socket = line
    line.setNoDelay(true)
    line.on('connect', () => {
      isOpen = true
      isReady = true
      writeOut = disturbedWriter(line, { random, clock })
      write(Buffer.from(ICCID))
      say({ kind: 'register', register: { firmware: 200, ports, virtualId: 0, deviceType: 1, workMode: 0 } })
      const kept = pending
      pending = []
      for (const frame of kept) send(frame)
      sayState()
    })
    line.on('data', (chunk) => {
      for (const event of parser.push(chunk)) if (event.kind === 'frame') onFrame(event)
    })
    line.on('error', () => line.destroy())
    line.on('close', () => {
      isOpen = false
      for (const cancel of unanswered.values()) cancel()
      unanswered.clear()
      cancelIdle?.()
      if (!isStopped) cancelDial = clock.after(RECONNECT_MS, dial)
    })
  }
  const set = (next: Values): void => {
    const before = values
    values = { ...values, ...next }
    changed = { ...changed, ...next }
    const alarm =
      next['alarm'] ?? (next['smoke'] === true ? 'smoke' : next['heat'] === true ? 'heat' : undefined)
    if (alarm !== undefined) say({ kind: 'alarm', alarm: { type: alarmType(alarm), source: 0, triggers: 0 } })
    for (let port = 0; port < ports; port++) {
      const order = orders.get(port) ?? firstOrder(port)
      if (isCharging(before, port) && !isCharging(values, port)) say(settlement(values, port, order))
      else if (speaksOf(next, port)) say(powerOf(port))
    }
  }
  dial()
  const stopSaying = every(clock, reportsEvery, random, () => {
    if (isOpen) sayState()
  })
  return {
    id,
    get isReady() {
      return isReady
    },
    set,
    setFault(name) {
      fault = name
      return Promise.resolve()
    },
    reannounce: () => socket?.destroy(),
    shown: () => shownValues(changed),
    stop() {
      isStopped = true
      stopSaying()
      cancelDial?.()
      socket?.destroy()
      return Promise.resolve()
    },
  }
}

function quietStation(ports: number): Values {
  const values: Record<string, Value> = { temperature: 25 }
  for (let port = 0; port < ports; port++) {
    const name = `port-${port + 1}`
    values[`${name}/portState`] = port === 0 ? 'charging' : 'idle'
    values[`${name}/portPower`] = port === 0 ? 100 : 0
    values[`${name}/portTemperature`] = port === 0 ? 36 : 27
    values[`${name}/portEnergy`] = port === 0 ? 0.48 : 0
    values[`${name}/portSeconds`] = port === 0 ? 3600 : 0
  }
  return values
}

const numberOf = (values: Values, key: string): number | undefined => {
  const value = values[key]
  return typeof value === 'number' ? value : undefined
}

const numbersByName = (table: Readonly<Record<number, string>>): ReadonlyMap<Value, number> =>
  new Map(Object.entries(table).map(([number, name]) => [name, Number(number)]))
const stateNumbers = numbersByName(dnyPortStates)
const stopNumbers = numbersByName(dnyStopReasons)
const alarmNumbers = numbersByName(dnyAlarmTypes)

/** Of a charge that began before the gateway was there. */
const firstOrder = (port: number): string => `20260302${String(port).padStart(24, '0')}`

const DONE = 0
const NOT_DONE = 1
const ALREADY_SO = 2
const NO_SUCH_PORT = 4
const CHARGING = 1
const UNPLUGGED = 5

const stateOf = (values: Values, port: number): number =>
  stateNumbers.get(values[`port-${port + 1}/portState`] ?? 'idle') ?? 0
const isCharging = (values: Values, port: number): boolean => stateOf(values, port) === CHARGING
const alarmType = (name: Value): number => alarmNumbers.get(name) ?? 0
const speaksOf = (values: Values, port: number): boolean =>
  Object.keys(values).some((key) => key.startsWith(`port-${port + 1}/`))

function portPower(
  values: Values,
  port: number,
  { order, timeS }: { readonly order: string; readonly timeS: number },
): Exclude<DnyPayload, { kind: 'other' }> {
  const read = (quantity: string): number => numberOf(values, `port-${port + 1}/${quantity}`) ?? 0
  const powerW = read('portPower')
  return {
    kind: 'port-power',
    portPower: {
      port,
      state: stateOf(values, port),
      chargedS: read('portSeconds'),
      energyKwh: read('portEnergy'),
      online: 1,
      powerW,
      powerMaxW: powerW,
      powerMinW: powerW,
      powerAvgW: powerW,
      order,
      segmentS: 0,
      peakW: powerW,
      voltageV: 220,
      currentA: powerW / 220,
      ambientC: numberOf(values, 'temperature') ?? 25,
      portC: read('portTemperature'),
      timeS,
    },
  }
}

function settlement(values: Values, port: number, order: string): Exclude<DnyPayload, { kind: 'other' }> {
  const read = (quantity: string): number => numberOf(values, `port-${port + 1}/${quantity}`) ?? 0
  return {
    kind: 'settlement',
    settlement: {
      chargedS: read('portSeconds'),
      powerMaxW: read('portPower'),
      energyKwh: read('portEnergy'),
      port,
      online: 1,
      card: 0,
      stopReason: stopNumbers.get(values[`port-${port + 1}/stopReason`] ?? 'unplugged') ?? UNPLUGGED,
      order,
      secondPowerW: 0,
      timeS: 0,
    },
  }
}
