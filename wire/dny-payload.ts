import { dnyCommands } from './dny.ts'

/**
 * What DNY frames say, in plain units. Fields were appended over the years: a frame is read as far as it
 * goes, and what an older device does not send is absent. Temperatures of stations are sent +65, and 0
 * means that there is no sensor.
 */
export type DnyPayload =
  | { readonly kind: 'register'; readonly register: DnyRegister }
  | { readonly kind: 'heartbeat'; readonly heartbeat: DnyHeartbeat }
  | { readonly kind: 'port-power'; readonly portPower: DnyPortPower }
  | { readonly kind: 'settlement'; readonly settlement: DnySettlement }
  | { readonly kind: 'alarm'; readonly alarm: DnyAlarm }
  | { readonly kind: 'host-state'; readonly hostState: DnyHostState }
  | { readonly kind: 'other'; readonly command: number }

/** 设备注册 (20). */
export interface DnyRegister {
  readonly firmware?: number | undefined
  readonly ports?: number | undefined
  readonly virtualId?: number | undefined
  readonly deviceType?: number | undefined
  readonly workMode?: number | undefined
  readonly powerModule?: number | undefined
}

/** 心跳 (21), every 3 minutes. */
export interface DnyHeartbeat {
  readonly voltageV?: number | undefined
  /** The state of each port, as far as the frame goes. */
  readonly portStates: readonly number[]
  readonly rssi?: number | undefined
  readonly temperatureC?: number | undefined
}

/** 端口功率 (06), every 5 minutes while charging. */
export interface DnyPortPower {
  /** 0-based, as on the wire. */
  readonly port: number
  readonly state?: number | undefined
  readonly chargedS?: number | undefined
  readonly energyKwh?: number | undefined
  readonly online?: number | undefined
  readonly powerW?: number | undefined
  readonly powerMaxW?: number | undefined
  readonly powerMinW?: number | undefined
  readonly powerAvgW?: number | undefined
  /** 32 hex digits. */
  readonly order?: string | undefined
  readonly segmentS?: number | undefined
  readonly peakW?: number | undefined
  readonly voltageV?: number | undefined
  readonly currentA?: number | undefined
  readonly ambientC?: number | undefined
  readonly portC?: number | undefined
  /** Unix seconds of the device's own clock. */
  readonly timeS?: number | undefined
}

/** 结算 (03): charging has ended. */
export interface DnySettlement {
  readonly chargedS: number
  readonly powerMaxW?: number | undefined
  readonly energyKwh?: number | undefined
  /** 0-based, as on the wire. */
  readonly port?: number | undefined
  readonly online?: number | undefined
  readonly card?: number | undefined
  readonly stopReason?: number | undefined
  readonly order?: string | undefined
  readonly secondPowerW?: number | undefined
  readonly timeS?: number | undefined
}

/** 报警 (42): sent once, neither acknowledged nor repeated nor taken back. */
export interface DnyAlarm {
  readonly type: number
  /** A port or the address of a 485 sensor. */
  readonly source?: number | undefined
  readonly triggers?: number | undefined
}

/** 漏保主机状态 (17), every 30 minutes. Its temperatures are plain °C: the +65 is stated for stations only. */
export interface DnyHostState {
  readonly breaker: number
  readonly temperatureC?: number | undefined
  readonly voltageV?: number | undefined
  readonly currentA?: number | undefined
  readonly energyKwh?: number | undefined
  readonly moduleCurrentA?: number | undefined
  readonly moduleEnergyKwh?: number | undefined
  readonly smoke?: number | undefined
  readonly relay?: number | undefined
  /** One byte: 250 and above mean "at limit". */
  readonly leakageMa?: number | undefined
  readonly liveC?: number | undefined
  readonly neutralC?: number | undefined
  readonly lock?: number | undefined
  readonly hostKind?: number | undefined
}

export const dnyPortStates: Readonly<Record<number, string>> = {
  0x00: 'idle',
  0x01: 'charging',
  0x02: 'plugged',
  0x03: 'full',
  0x04: 'unmeasurable',
  0x05: 'float',
  0x06: 'memory-bad',
  0x07: 'socket-stuck',
  0x08: 'contact-or-fuse',
  0x09: 'relay-stuck',
  0x0a: 'hall-bad',
  0x0b: 'relay-or-fuse',
  0x0d: 'load-short',
  0x0e: 'relay',
  0x0f: 'card-chip',
  0x10: 'detector',
}

export const dnyStopReasons: Readonly<Record<number, string>> = {
  0x01: 'full',
  0x02: 'longest-time',
  0x03: 'set-time',
  0x04: 'set-energy',
  0x05: 'unplugged',
  0x06: 'overload',
  0x07: 'server',
  0x08: 'dynamic-overload',
  0x09: 'low-power',
  0x0a: 'ambient-hot',
  0x0b: 'port-hot',
  0x0c: 'over-current',
  0x0e: 'no-power',
  0x0f: 'relay-or-fuse',
  0x10: 'water',
  0x11: 'extinguisher',
  0x12: 'extinguisher',
}

export type DnyAlarmType = 'power-loss' | 'water' | 'hot-melt' | 'smoke' | 'heat' | 'water-level' | 'door'

export const dnyAlarmTypes: Readonly<Record<number, DnyAlarmType>> = {
  1: 'power-loss',
  2: 'water',
  3: 'hot-melt',
  4: 'smoke',
  5: 'heat',
  6: 'water-level',
  7: 'door',
}

/** Never throws: a frame too short for its first field is `other`. */
export function decodeDnyPayload(command: number, data: Uint8Array): DnyPayload {
  const read = new Cursor(data)
  switch (command) {
    case dnyCommands.register:
      return { kind: 'register', register: readRegister(read) }
    case dnyCommands.heartbeat:
      return { kind: 'heartbeat', heartbeat: readHeartbeat(read) }
    case dnyCommands.portPower: {
      const port = read.u8()
      return port === undefined
        ? { kind: 'other', command }
        : { kind: 'port-power', portPower: readPortPower(port, read) }
    }
    case dnyCommands.settlement: {
      const chargedS = read.u16()
      return chargedS === undefined
        ? { kind: 'other', command }
        : { kind: 'settlement', settlement: readSettlement(chargedS, read) }
    }
    case dnyCommands.alarm: {
      const type = read.u8()
      return type === undefined
        ? { kind: 'other', command }
        : { kind: 'alarm', alarm: { type, source: read.u8(), triggers: read.u8() } }
    }
    case dnyCommands.hostState: {
      const breaker = read.u8()
      return breaker === undefined
        ? { kind: 'other', command }
        : { kind: 'host-state', hostState: readHostState(breaker, read) }
    }
    default:
      return { kind: 'other', command }
  }
}

// Fields are read in the order of the wire: an object literal is evaluated in the order it is written.

const readRegister = (read: Cursor): DnyRegister => ({
  firmware: read.u16(),
  ports: read.u8(),
  virtualId: read.u8(),
  deviceType: read.u8(),
  workMode: read.u8(),
  powerModule: read.u16(),
})

function readHeartbeat(read: Cursor): DnyHeartbeat {
  const voltageV = tenths(read.u16())
  const count = read.u8() ?? 0
  const portStates: number[] = []
  for (let i = 0; i < count; i++) {
    const state = read.u8()
    if (state === undefined) break
    portStates.push(state)
  }
  return { voltageV, portStates, rssi: read.u8(), temperatureC: temperature(read.u8()) }
}

const readPortPower = (port: number, read: Cursor): DnyPortPower => ({
  port,
  state: read.u8(),
  chargedS: read.u16(),
  energyKwh: hundredths(read.u16()),
  online: read.u8(),
  powerW: tenths(read.u16()),
  powerMaxW: tenths(read.u16()),
  powerMinW: tenths(read.u16()),
  powerAvgW: tenths(read.u16()),
  order: read.hex(16),
  segmentS: read.u16(),
  peakW: tenths(read.u16()),
  voltageV: tenths(read.u16()),
  currentA: thousandths(read.u16()),
  ambientC: temperature(read.u8()),
  portC: temperature(read.u8()),
  timeS: read.u32(),
})

const readSettlement = (chargedS: number, read: Cursor): DnySettlement => ({
  chargedS,
  powerMaxW: tenths(read.u16()),
  energyKwh: hundredths(read.u16()),
  port: read.u8(),
  online: read.u8(),
  card: read.u32(),
  stopReason: read.u8(),
  order: read.hex(16),
  secondPowerW: tenths(read.u16()),
  timeS: read.u32(),
})

const readHostState = (breaker: number, read: Cursor): DnyHostState => ({
  breaker,
  temperatureC: read.u8(),
  voltageV: tenths(read.u16()),
  currentA: hundredths(read.u16()),
  energyKwh: hundredths(read.u32()),
  moduleCurrentA: hundredths(read.u16()),
  moduleEnergyKwh: hundredths(read.u32()),
  smoke: read.u8(),
  relay: read.u8(),
  leakageMa: read.u8(),
  liveC: read.u8(),
  neutralC: read.u8(),
  lock: read.u8(),
  hostKind: read.u8(),
})

/** Encodes what a station says; a field left out ends the frame there, as older devices do. */
export function encodeDnyPayload(payload: Exclude<DnyPayload, { kind: 'other' }>): {
  readonly command: number
  readonly data: Uint8Array
} {
  const write = new Writer()
  switch (payload.kind) {
    case 'register': {
      const { firmware, ports, virtualId, deviceType, workMode, powerModule } = payload.register
      write.u16(firmware).u8(ports).u8(virtualId).u8(deviceType).u8(workMode).u16(powerModule)
      return { command: dnyCommands.register, data: write.bytes() }
    }
    case 'heartbeat': {
      const { voltageV, portStates, rssi, temperatureC } = payload.heartbeat
      write.u16(voltageV, 10).u8(portStates.length)
      for (const state of portStates) write.u8(state)
      write.u8(rssi).temperature(temperatureC)
      return { command: dnyCommands.heartbeat, data: write.bytes() }
    }
    case 'port-power': {
      const p = payload.portPower
      write.u8(p.port).u8(p.state).u16(p.chargedS).u16(p.energyKwh, 100).u8(p.online)
      write.u16(p.powerW, 10).u16(p.powerMaxW, 10).u16(p.powerMinW, 10).u16(p.powerAvgW, 10)
      write.hex(p.order, 16).u16(p.segmentS).u16(p.peakW, 10).u16(p.voltageV, 10).u16(p.currentA, 1000)
      // "No sensor" stands in the frame as 0, so these two end nothing while something follows them.
      const hasTemperatures = p.ambientC !== undefined || p.portC !== undefined || p.timeS !== undefined
      if (hasTemperatures) write.temperature(p.ambientC).temperature(p.portC)
      write.u32(p.timeS)
      return { command: dnyCommands.portPower, data: write.bytes() }
    }
    case 'settlement': {
      const s = payload.settlement
      write.u16(s.chargedS).u16(s.powerMaxW, 10).u16(s.energyKwh, 100).u8(s.port).u8(s.online)
      write.u32(s.card).u8(s.stopReason).hex(s.order, 16).u16(s.secondPowerW, 10).u32(s.timeS)
      return { command: dnyCommands.settlement, data: write.bytes() }
    }
    case 'alarm': {
      const { type, source, triggers } = payload.alarm
      return { command: dnyCommands.alarm, data: write.u8(type).u8(source).u8(triggers).bytes() }
    }
    case 'host-state': {
      const h = payload.hostState
      write.u8(h.breaker).u8(h.temperatureC).u16(h.voltageV, 10).u16(h.currentA, 100).u32(h.energyKwh, 100)
      write.u16(h.moduleCurrentA, 100).u32(h.moduleEnergyKwh, 100).u8(h.smoke).u8(h.relay).u8(h.leakageMa)
      write.u8(h.liveC).u8(h.neutralC).u8(h.lock).u8(h.hostKind)
      return { command: dnyCommands.hostState, data: write.bytes() }
    }
  }
}

const tenths = (raw: number | undefined): number | undefined => (raw === undefined ? undefined : raw / 10)
const hundredths = (raw: number | undefined): number | undefined =>
  raw === undefined ? undefined : raw / 100
const thousandths = (raw: number | undefined): number | undefined =>
  raw === undefined ? undefined : raw / 1000
const temperature = (raw: number | undefined): number | undefined =>
  raw === undefined || raw === 0 ? undefined : raw - 65

/** Reads on until the frame ends; from there on everything is absent. */
class Cursor {
  readonly #view: DataView
  #at = 0

  constructor(data: Uint8Array) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  }

  u8(): number | undefined {
    const at = this.#next(1)
    return at === undefined ? undefined : this.#view.getUint8(at)
  }

  u16(): number | undefined {
    const at = this.#next(2)
    return at === undefined ? undefined : this.#view.getUint16(at, true)
  }

  u32(): number | undefined {
    const at = this.#next(4)
    return at === undefined ? undefined : this.#view.getUint32(at, true)
  }

  hex(count: number): string | undefined {
    const at = this.#next(count)
    if (at === undefined) return undefined
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + at, count).toString('hex')
  }

  #next(count: number): number | undefined {
    const at = this.#at
    // A field cut in two is absent, and so is everything behind it.
    this.#at = at + count <= this.#view.byteLength ? at + count : Infinity
    return this.#at === Infinity ? undefined : at
  }
}

/** Writes until the first absent field. */
class Writer {
  readonly #bytes: number[] = []
  #ended = false

  u8(value: number | undefined): this {
    return this.#put(value, 1, 1)
  }

  u16(value: number | undefined, scale = 1): this {
    return this.#put(value, scale, 2)
  }

  u32(value: number | undefined, scale = 1): this {
    return this.#put(value, scale, 4)
  }

  /** Absent means "no sensor": 0. */
  temperature(celsius: number | undefined): this {
    return this.#put(celsius === undefined ? 0 : celsius + 65, 1, 1)
  }

  hex(text: string | undefined, count: number): this {
    if (text === undefined) this.#ended = true
    if (this.#ended || text === undefined) return this
    const bytes = Buffer.from(text.padEnd(2 * count, '0').slice(0, 2 * count), 'hex')
    this.#bytes.push(...bytes)
    return this
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }

  #put(value: number | undefined, scale: number, size: number): this {
    if (value === undefined) this.#ended = true
    if (this.#ended || value === undefined) return this
    const largest = 2 ** (8 * size) - 1
    let rest = Math.min(Math.max(Math.round(value * scale), 0), largest)
    for (let i = 0; i < size; i++) {
      this.#bytes.push(rest % 256)
      rest = Math.floor(rest / 256)
    }
    return this
  }
}
