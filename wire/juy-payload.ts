import { IMEI_LENGTH, juyCommands } from './juy.ts'

/** What JUY frames say, in plain units; the IMEI in front of the data is taken off before. */
export type JuyPayload =
  | { readonly kind: 'login'; readonly login: JuyLogin }
  | { readonly kind: 'heartbeat'; readonly heartbeat: JuyHeartbeat }
  | { readonly kind: 'end'; readonly end: JuyEnd }
  | { readonly kind: 'port-data'; readonly portData: JuyPortData }
  | { readonly kind: 'other'; readonly command: number }

/** 设备登陆 (81): sent again and again until it is answered. */
export interface JuyLogin {
  readonly imei: string
  readonly ports: number
  readonly hardware: string
  readonly software: string
  readonly iccid: string
  /** 0–32 is the signal; from 64 (hex) on it is the version of a protocol that can carry the IMEI. */
  readonly signalOrVersion: number
  readonly reason: number
}

/** 心跳 (82). */
export interface JuyHeartbeat {
  readonly rssi: number
  readonly temperatureC: number
  readonly portStates: readonly number[]
}

/** 提交结束状态 (85): sent three times unless it is answered. */
export interface JuyEnd {
  /** From 1, as it is labelled. */
  readonly port: number
  readonly order: number
  readonly chargedS: number
  readonly energyKwh: number
  readonly stopReason: number
  readonly powerW: number
}

/** 充电端口数据 (88): the ports that are in use. */
export interface JuyPortData {
  readonly voltageV: number
  readonly temperatureC: number
  readonly ports: readonly JuyPort[]
}

export interface JuyPort {
  /** From 1, as it is labelled. */
  readonly port: number
  readonly powerW: number
  readonly chargedS: number
  readonly energyKwh: number
  readonly portC: number
}

export const juyPortStates: Readonly<Record<number, string>> = {
  0: 'idle',
  1: 'charging',
  2: 'fuse',
  3: 'relay-stuck',
  4: 'disabled',
}

export const juyStopReasons: Readonly<Record<number, string>> = {
  0: 'full',
  1: 'set-time',
  2: 'money',
  3: 'manual',
  4: 'set-energy',
  5: 'overload',
  6: 'unplugged',
  7: 'hot',
  8: 'smoke',
  9: 'smart',
}

/** From this on the station can be asked, by F0 in the answer, to send its IMEI along. */
export const IMEI_VERSION = 0x64

const LOGIN_LENGTH = 70
/** Port, order, seconds, energy, money, reason, power; card and price steps follow. */
const END_LENGTH = 20
const PORTS_AT = 4
const PORT_LENGTH = 17

/** Never throws: a frame too short for what it claims is `other`. */
export function decodeJuyPayload(command: number, data: Uint8Array): JuyPayload {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  switch (command) {
    case juyCommands.login:
      if (bytes.length !== LOGIN_LENGTH || imeiOf(bytes) === undefined) break
      return { kind: 'login', login: login(bytes) }
    case juyCommands.heartbeat: {
      const count = bytes[2]
      if (count === undefined || bytes.length !== 3 + count) break
      const [rssi = 0, temperatureC = 0] = bytes
      return { kind: 'heartbeat', heartbeat: { rssi, temperatureC, portStates: [...bytes.subarray(3)] } }
    }
    case juyCommands.end:
      if (bytes.length < END_LENGTH) break
      return { kind: 'end', end: end(bytes) }
    case juyCommands.portData:
      if (bytes.length < PORTS_AT || bytes.length !== PORTS_AT + (bytes[0] ?? 0) * PORT_LENGTH) break
      return { kind: 'port-data', portData: portData(bytes) }
  }
  return { kind: 'other', command }
}

/** The 15 digits that a login, or a frame after F0, begins with. */
export function imeiOf(data: Uint8Array): string | undefined {
  const text = Buffer.from(data.subarray(0, IMEI_LENGTH)).toString('latin1')
  return /^\d{15}$/.test(text) ? text : undefined
}

function login(bytes: Buffer): JuyLogin {
  const text = (from: number, length: number): string =>
    bytes.toString('latin1', from, from + length).replace(/\0+$/, '')
  return {
    imei: text(0, IMEI_LENGTH),
    ports: bytes.readUInt8(15),
    hardware: text(16, 16),
    software: text(32, 16),
    iccid: text(48, 20),
    signalOrVersion: bytes.readUInt8(68),
    reason: bytes.readUInt8(69),
  }
}

const end = (bytes: Buffer): JuyEnd => ({
  port: bytes.readUInt8(0),
  order: bytes.readUInt32LE(1),
  chargedS: bytes.readUInt32LE(5),
  energyKwh: bytes.readUInt32LE(9) / 100,
  stopReason: bytes.readUInt8(17),
  powerW: bytes.readUInt16LE(18),
})

const portData = (bytes: Buffer): JuyPortData => ({
  voltageV: bytes.readUInt16LE(1) / 10,
  temperatureC: bytes.readUInt8(3),
  ports: Array.from({ length: bytes.readUInt8(0) }, (_, index) => {
    const at = PORTS_AT + index * PORT_LENGTH
    return {
      port: bytes.readUInt8(at),
      powerW: bytes.readUInt16LE(at + 4),
      chargedS: bytes.readUInt32LE(at + 6),
      energyKwh: bytes.readUInt32LE(at + 12) / 100,
      portC: bytes.readUInt8(at + 16),
    }
  }),
})
