import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import type { Device } from '../../gateway/device.ts'
import { quantityOf, type QuantityId } from '../../gateway/quantity.ts'
import { toReading, type Reading, type Value } from '../../gateway/reading.ts'
import { seededRandom, type Random } from '../../simulator/random.ts'

/** One message of a device of the invented days. */
export interface DayMessage {
  readonly at: Instant
  readonly device: Device
  readonly readings: readonly Reading[]
}

export interface DayPlan {
  readonly devices: readonly Device[]
  readonly from: Instant
  readonly to: Instant
  readonly seed: number
  /** Chance that a flag rises or a number peaks at one report; by default some a day and device. */
  readonly eventChance?: number
  /** How often a device speaks. */
  readonly every: (device: Device) => Duration
}

/** How a quantity behaves: about where, how far it creeps, how finely the device tells it. */
interface Course {
  readonly about: number
  readonly creeps: number
  readonly digits: number
  /** About what it rises to for some minutes, some times a day. */
  readonly peak?: number
}

const courses: Partial<Record<QuantityId, Course>> = {
  temperature: { about: 22, creeps: 0.2, digits: 1 },
  cabinetTemperature: { about: 31, creeps: 0.2, digits: 1 },
  cableTemperature: { about: 34, creeps: 0.2, digits: 1, peak: 85 },
  portTemperature: { about: 36, creeps: 0.6, digits: 0, peak: 78 },
  portPower: { about: 180, creeps: 3, digits: 1, peak: 1250 },
  portVoltage: { about: 228, creeps: 0.4, digits: 1 },
  portCurrent: { about: 0.8, creeps: 0.02, digits: 3 },
  voltage: { about: 228, creeps: 0.4, digits: 1 },
  current: { about: 3.6, creeps: 0.05, digits: 3 },
  power: { about: 790, creeps: 6, digits: 1 },
  powerFactor: { about: 0.95, creeps: 0.004, digits: 3 },
  frequency: { about: 50, creeps: 0.01, digits: 2 },
  residualCurrent: { about: 40, creeps: 2, digits: 0, peak: 640 },
  battery: { about: 91, creeps: 0, digits: 0 },
  linkQuality: { about: 120, creeps: 4, digits: 0 },
  rssi: { about: -61, creeps: 2, digits: 0 },
}
const still: Course = { about: 0, creeps: 0, digits: 0 }

/** These only ever grow. */
const counters: Partial<Record<QuantityId, number>> = { energy: 0.01, portEnergy: 0.002, portSeconds: 30 }

const portStates = ['idle', 'charging', 'full'] as const
const CHARGING = portStates.indexOf('charging')
const flowing: ReadonlySet<QuantityId> = new Set(['portPower', 'portCurrent'])

const words: Partial<Record<QuantityId, readonly string[]>> = {
  portState: portStates,
  breakerState: ['closed'],
}

const EVENT_CHANCE = 0.002
const LONGEST_EVENT_MS = 20 * 60_000
/** Devices and lines are not on time to the millisecond. */
const JITTER_MS = 40

class Voice {
  readonly device: Device
  at: Instant
  readonly #random: Random
  readonly #every: Duration
  readonly #values: number[]
  readonly #untils: number[]
  readonly #peaks: number[]
  readonly #begin: Instant
  readonly #eventChance: number
  #told = 0

  constructor(device: Device, { from, every, eventChance = EVENT_CHANCE }: DayPlan, random: Random) {
    const interval = every(device)
    this.#eventChance = eventChance
    this.device = device
    this.#random = random
    this.#every = interval
    this.#begin = later(from, random.between(0, interval - 1))
    this.at = this.#begin
    this.#values = device.profile.points.map(({ quantity }) => (courses[quantity] ?? still).about)
    this.#untils = device.profile.points.map(() => 0)
    this.#peaks = device.profile.points.map(() => 1)
  }

  speak(): DayMessage {
    const { at, device } = this
    const readings = device.profile.points.map(({ quantity, part, lastsMs }, index) => {
      const reading = toReading(quantity, part, this.#value(quantity, part, index), at)
      return lastsMs === undefined ? reading : { ...reading, lastsMs }
    })
    this.#told++
    this.at = later(this.#begin, this.#told * this.#every + this.#random.between(0, JITTER_MS))
    return { at, device, readings }
  }

  #value(quantity: QuantityId, part: string, index: number): Value {
    const { kind } = quantityOf(quantity)
    const isEvent = this.#isEvent(index)
    if (kind === 'boolean') return isEvent && quantity !== 'test'
    if (kind === 'text') {
      const known = words[quantity] ?? ['normal']
      return known[this.#hour(part) % known.length] ?? 'normal'
    }
    // Nothing flows through a port that charges nothing.
    if (flowing.has(quantity) && this.#hour(part) % portStates.length !== CHARGING) return 0
    const grows = counters[quantity]
    const course = courses[quantity] ?? still
    if (isEvent && course.peak !== undefined) {
      const share = (this.#peaks[index] ?? 1) + this.#random.next() * 0.01
      return round(course.peak * share, course.digits)
    }
    const before = this.#values[index] ?? 0
    const next =
      grows === undefined
        ? before + (this.#random.next() - 0.5) * course.creeps + (course.about - before) * 0.02
        : before + grows * this.#random.between(0, 2)
    this.#values[index] = next
    return round(next, grows === undefined ? course.digits : 2)
  }

  /** Ports take turns, an hour each. */
  #hour(part: string): number {
    return Math.floor(this.at / 3_600_000) + Number(/\d+$/.exec(part)?.[0] ?? 0)
  }

  #isEvent(index: number): boolean {
    if (this.at < (this.#untils[index] ?? 0)) return true
    if (this.#random.next() >= this.#eventChance / this.#values.length) return false
    this.#untils[index] = this.at + this.#random.between(60_000, LONGEST_EVENT_MS)
    this.#peaks[index] = 0.6 + this.#random.next() * 0.45
    return true
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits)) + 0

/** 造数: days of a fleet in the order of arrival; the same seed gives the same days. */
export function* deviceDay(plan: DayPlan): Generator<DayMessage> {
  const { devices, from, to, seed } = plan
  const chance = seededRandom(seed)
  const voices = devices.map((device) => new Voice(device, plan, chance.fork(device.id)))
  // A minute at a time: what is said in it is put in order.
  for (let begin = from; begin < to; begin = later(begin, 60_000)) {
    const end = Math.min(later(begin, 60_000), to)
    const minute: DayMessage[] = []
    for (const voice of voices) while (voice.at < end) minute.push(voice.speak())
    yield* minute.sort((a, b) => a.at - b.at)
  }
}

const SECOND: Duration = 1000
const intervals: Readonly<Record<string, Duration>> = {
  'dny-station': 180 * SECOND,
  'arc-protector-5b': 30 * SECOND,
  'chint-ddsu666': 30 * SECOND,
  'ir-beam': 60 * SECOND,
}

export const usualEvery = ({ profile }: Device): Duration => intervals[profile.id] ?? 600 * SECOND

export const dayBegin = instant(Date.parse('2026-03-02T00:00:00+08:00'))
