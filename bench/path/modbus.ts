import { join } from 'node:path'
import { readProfile } from '../../gateway/profile-shelf.ts'
import { shippedRooms } from '../../commands/rooms.ts'
import type { Measurement, Run } from '../area.ts'
import { makeBox, type ModbusPlace } from '../box.ts'
import { Child } from '../child.ts'
import { freePorts } from '../free-port.ts'
import { BenchGateway } from '../gateway.ts'
import type { FromUnits, ToUnits } from '../modbus-main.ts'
import { watchCpu } from '../processes.ts'

const PROFILE = 'estation-5d'
const DEVICES = 500
/** 500 devices × 30 points × 2 Hz. */
const POINTS_PER_SECOND = 30_000
const BUS_UNITS = 20
const BUS_EVERY_MS = 500

type Units = Child<ToUnits, FromUnits>

/** What polling costs: as many points a second as 500 devices with 30 points at 2 Hz have, each with its own connection. */
export const modbusCpu: Measurement = {
  rows: ['modbus-cpu'],
  kind: 'figures',
  async run(run) {
    const rooms = await shippedRooms()
    const points = readProfile(PROFILE, join(rooms.profiles, `${PROFILE}.yaml`)).get(undefined)?.points ?? []
    // The shipped station has fewer points than 30: it is asked more often in return.
    const everyMs = Math.floor((1000 * DEVICES * points.length) / POINTS_PER_SECOND)
    run.say(`${DEVICES} Modbus devices × ${points.length} points every ${everyMs} ms`)
    const ones = Array.from({ length: DEVICES }, () => 1)
    return withUnits({ run, name: 'modbus', everyMs, units: ones }, async ({ gateway, units }) => {
      await wait(run.either(5000, 1000))
      const stopWatch = watchCpu({ gateway: gateway.pid, units: units.pid })
      const before = await count(units)
      const spanS = run.either(30, 2)
      await wait(spanS * 1000)
      const cpu = stopWatch()
      const requests = sum(await count(units)) - sum(before)
      const perPoll = 2
      const polls = requests / perPoll / spanS
      const wanted = (DEVICES * 1000) / everyMs
      return [
        {
          name: 'modbus-cpu',
          value: cpu['gateway'] ?? NaN,
          holds: polls >= 0.97 * wanted,
          notes: {
            messages: requests,
            devices: DEVICES,
            fsyncMs: run.fsyncMs,
            cpu,
            said: [
              `${Math.round(polls * points.length).toLocaleString('en')} points/s: ${DEVICES} devices × ${points.length} points every ${everyMs} ms, ${Math.round(requests / spanS)} requests/s`,
              ...(await gateway.troubles()),
            ],
          },
        },
      ]
    })
  },
}

/** One dead unit of twenty behind one gateway: how much rarer the others are read. */
export const modbusDead: Measurement = {
  rows: ['modbus-dead-unit'],
  kind: 'counts',
  async run(run) {
    run.say(`${BUS_UNITS} Modbus units on one connection, one of them dead`)
    const spanMs = run.either(60_000, 4000)
    const asked = { run, name: 'modbus-dead', everyMs: BUS_EVERY_MS, units: [BUS_UNITS] }
    return withUnits(asked, async ({ gateway, units }) => {
      await wait(2000)
      const others = async (): Promise<number> => {
        const before = await count(units)
        const startedAt = performance.now()
        await wait(spanMs)
        const after = await count(units)
        const rate = (sum(after.slice(1)) - sum(before.slice(1))) / (performance.now() - startedAt)
        return rate * 1000
      }
      const alive = await others()
      units.tell({ is: 'dead', unit: 0 })
      const dead = await others()
      return [
        {
          name: 'modbus-dead-unit',
          value: Math.max(0, (1 - dead / alive) * 100),
          notes: {
            messages: Math.round(((alive + dead) * spanMs) / 1000),
            devices: BUS_UNITS,
            fsyncMs: run.fsyncMs,
            cpu: {},
            said: [
              `requests/s to the other ${BUS_UNITS - 1}: ${alive.toFixed(1)} before, ${dead.toFixed(1)} after, counted for ${spanMs / 1000} s from the moment it died`,
              ...(await gateway.troubles()),
            ],
          },
        },
      ]
    })
  },
}

async function withUnits<T>(
  asked: {
    readonly run: Run
    readonly name: string
    readonly everyMs: number
    /** How many stand behind each port. */
    readonly units: readonly number[]
  },
  work: (parts: { readonly gateway: BenchGateway; readonly units: Units }) => Promise<T>,
): Promise<T> {
  const units: Units = new Child(new URL('../modbus-main.ts', import.meta.url))
  const serving = units.next('serving')
  units.tell({ is: 'serve', units: asked.units })
  const { ports } = await serving
  const at = asked.units.flatMap((count, index): ModbusPlace[] =>
    Array.from({ length: count }, (_, unit) => ({ port: ports[index] ?? 0, unit: unit + 1 })),
  )
  const [api = 0, mqtt = 0, platform = 0] = await freePorts(3)
  const modbus = { profile: PROFILE, every: `${asked.everyMs} ms`, at }
  const box = await makeBox(asked.run.newFolder(asked.name), { modbus }, { api, mqtt, platform })
  const gateway = await new BenchGateway(box).ready()
  try {
    return await work({ gateway, units })
  } finally {
    await gateway.stop()
    await units.stop({ is: 'stop' })
  }
}

async function count(units: Units): Promise<readonly number[]> {
  const counted = units.next('counted')
  units.tell({ is: 'count' })
  return (await counted).requests
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
