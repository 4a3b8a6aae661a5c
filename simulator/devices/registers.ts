import { dnyPortStates } from '../../wire/dny-payload.ts'
import type { RegisterAnswer } from './modbus-server.ts'
import type { Value, Values } from './device.ts'

/**
 * The register images of the two Modbus maps, written by hand from the maps and not from the gateway's
 * profiles: a wrong scale there must not be wrong here in the same way.
 */
export interface RegisterMap {
  readonly map: 'ebike-station' | 'fire-protector'
  /** What it shows when nothing is the matter. */
  readonly quiet: Values
  /** The words of the whole image; addresses that are missing do not exist. */
  image(values: Values): ReadonlyMap<number, number>
  /** What a coil does when it is written; undefined where there is none at this address. */
  switch?(values: Values, coil: number, on: boolean): Values | undefined
}

const ILLEGAL_ADDRESS = 2

/** Words `address` … from an image; one address that does not exist refuses the whole request. */
export function readImage(
  image: ReadonlyMap<number, number>,
  address: number,
  count: number,
): RegisterAnswer {
  const words: number[] = []
  for (let i = 0; i < count; i++) {
    const word = image.get(address + i)
    if (word === undefined) return ILLEGAL_ADDRESS
    words.push(word)
  }
  return words
}

const PORTS_AT = 0x0100
const PORT_STRIDE = 8
/** Bit 0 overload, 1 over-temperature, 2 relay stuck, 3 fuse, 4 short, 5 smoke, 6 no load. */
const portFaults = ['overload', 'heat', 'relayStuck', 'fuse', 'short', 'smoke', 'noLoad'] as const

/** 充电站: common registers at 0, a block of 8 a port from 0x0100; coil n − 1 is the relay of port n. */
export function ebikeStation(ports: number): RegisterMap {
  const quiet: Record<string, Value> = { cabinetTemperature: 26, smoke: false }
  for (let n = 1; n <= ports; n++) {
    const port = `port-${n}`
    quiet[`${port}/portState`] = n === 1 ? 'charging' : 'idle'
    quiet[`${port}/portVoltage`] = n === 1 ? 220 : 0
    quiet[`${port}/portCurrent`] = n === 1 ? 0.455 : 0
    quiet[`${port}/portPower`] = n === 1 ? 100 : 0
    quiet[`${port}/portEnergy`] = n === 1 ? 0.48 : 0
    quiet[`${port}/portSeconds`] = n === 1 ? 3600 : 0
    quiet[`${port}/portTemperature`] = n === 1 ? 38 : 27
  }
  return {
    map: 'ebike-station',
    quiet,
    image(values) {
      const read = reader(values)
      const image = new Map<number, number>()
      let total = 0
      for (let n = 1; n <= ports; n++) {
        const port = `port-${n}`
        const at = PORTS_AT + PORT_STRIDE * (n - 1)
        total += read(`${port}/portPower`)
        image.set(at, portState(values[`${port}/portState`]))
        image.set(at + 1, u16(read(`${port}/portVoltage`) / 0.1))
        image.set(at + 2, u16(read(`${port}/portCurrent`) / 0.001))
        image.set(at + 3, u16(read(`${port}/portPower`) / 0.1))
        image.set(at + 4, u16(read(`${port}/portEnergy`) / 0.01))
        image.set(at + 5, u16(read(`${port}/portSeconds`)))
        image.set(at + 6, i16(read(`${port}/portTemperature`)))
        image.set(at + 7, bits(portFaults.map((fault) => values[`${port}/${fault}`] === true)))
      }
      image.set(0, ports)
      image.set(1, i16(read('cabinetTemperature')))
      image.set(2, values['smoke'] === true ? 1 : 0)
      image.set(3, u16(total))
      return image
    },
    switch(values, coil, on) {
      if (coil >= ports) return undefined
      const port = `port-${coil + 1}`
      const isCharging = values[`${port}/portState`] === 'charging'
      if (on) return isCharging ? {} : { [`${port}/portState`]: 'charging', [`${port}/portPower`]: 100 }
      if (!isCharging) return {}
      // The charger stays plugged in; nothing flows any more.
      return { [`${port}/portState`]: 'plugged', [`${port}/portPower`]: 0, [`${port}/portCurrent`]: 0 }
    },
  }
}

const CHANNELS = 4
const NO_RESIDUAL_SENSOR = 0xffff
const TEMPERATURE_OPEN = 0x7fff
const breakerStates: readonly Value[] = ['open', 'closed', 'tripped', 'locked']

/**
 * 电气火灾探测器: four residual currents, four temperatures, arcs. A channel is named by its part
 * (`channel-2/residualCurrent`), the first one also by the bare quantity; a channel without a value has no sensor.
 */
export const fireProtector: RegisterMap = {
  map: 'fire-protector',
  quiet: {
    breakerState: 'closed',
    residualCurrent: 35,
    cableTemperature: 31.5,
    arcCount: 0,
    arcEvents: 0,
    voltage: 228.4,
    current: 3.56,
    power: 787.2,
    energy: 1234.56,
  },
  image(values) {
    const read = reader(values)
    const image = new Map<number, number>()
    const residual = channels(values, 'residualCurrent')
    const temperature = channels(values, 'cableTemperature')
    const arcs = read('arcCount')
    image.set(
      0x0000,
      bits([
        residual.some((value) => value !== undefined && value >= RESIDUAL_LIMIT_MA),
        temperature.some((value) => value !== undefined && value >= TEMPERATURE_LIMIT_C),
        arcs >= ARC_LIMIT,
      ]),
    )
    image.set(0x0001, Math.max(0, breakerStates.indexOf(values['breakerState'] ?? 'closed')))
    for (let i = 0; i < CHANNELS; i++) {
      const [leakage, celsius] = [residual[i], temperature[i]]
      image.set(0x0002 + i, leakage === undefined ? NO_RESIDUAL_SENSOR : u16(leakage))
      image.set(0x0006 + i, celsius === undefined ? TEMPERATURE_OPEN : i16(celsius / 0.1))
    }
    image.set(0x000a, u16(arcs))
    image.set(0x000b, u16(read('arcEvents')))
    // One phase is wired: the others show 0.
    image
      .set(0x000c, u16(read('voltage') / 0.1))
      .set(0x000d, 0)
      .set(0x000e, 0)
    image
      .set(0x000f, u16(read('current') / 0.01))
      .set(0x0010, 0)
      .set(0x0011, 0)
    u32(image, 0x0012, read('power') / 0.1)
    u32(image, 0x0014, read('energy') / 0.01)
    image
      .set(0x0020, RESIDUAL_LIMIT_MA)
      .set(0x0021, TEMPERATURE_LIMIT_C * 10)
      .set(0x0022, ARC_LIMIT)
    image.set(0x0023, 0)
    return image
  },
}

const RESIDUAL_LIMIT_MA = 300
const TEMPERATURE_LIMIT_C = 70
const ARC_LIMIT = 14

/** The values of a quantity by channel: `channel-1/…` to `channel-4/…`, the bare name for the first. */
function channels(values: Values, quantity: string): (number | undefined)[] {
  return Array.from({ length: CHANNELS }, (_, i) => {
    const value = values[`channel-${i + 1}/${quantity}`] ?? (i === 0 ? values[quantity] : undefined)
    return typeof value === 'number' ? value : undefined
  })
}

const reader =
  (values: Values) =>
  (key: string): number => {
    const value = values[key]
    return typeof value === 'number' ? value : 0
  }

const stateNumbers = new Map<Value, number>(
  Object.entries(dnyPortStates).map(([number, name]) => [name, Number(number)]),
)
const portState = (name: Value | undefined): number => stateNumbers.get(name ?? 'idle') ?? 0

const u16 = (value: number): number => Math.min(Math.max(Math.round(value), 0), 0xffff)
const i16 = (value: number): number => Math.min(Math.max(Math.round(value), -0x8000), 0x7fff) & 0xffff
const bits = (flags: readonly boolean[]): number =>
  flags.reduce((word, flag, i) => word | (flag ? 1 << i : 0), 0)

/** High word first. */
function u32(image: Map<number, number>, at: number, value: number): void {
  const whole = Math.min(Math.max(Math.round(value), 0), 0xffff_ffff)
  image.set(at, Math.floor(whole / 0x10000)).set(at + 1, whole % 0x10000)
}
