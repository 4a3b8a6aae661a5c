import { serialPair, skipWithoutPair } from '../../tests/serial-pair.ts'
import type { Measurement, Run } from '../area.ts'
import { makeBox } from '../box.ts'
import { Child } from '../child.ts'
import { freePorts } from '../free-port.ts'
import { BenchGateway } from '../gateway.ts'
import { watchCpu } from '../processes.ts'
import { BAUD, CHARACTER_MS, GAP_MS, type FromLine, type LineCount, type ToLine } from './rtu-line-main.ts'

const PROFILE = 'estation-5d'
const UNITS = 32
/** Far more often than the line can carry: the gateway asks as fast as it may. */
const EVERY = '100 ms'
const DEAD = 17

type Line = Child<ToLine, FromLine>

/** What was counted between two looks. */
interface Stretch {
  readonly ms: number
  readonly before: LineCount
  readonly after: LineCount
}

/**
 * 32 charging stations on one serial line at 9,600 baud, read by the whole gateway over a pair of pseudo-terminals: how
 * much of the time the line is at work, and how much rarer the others are read when one of them dies.
 */
export const rtuLine: Measurement = {
  rows: ['rtu-line-use', 'rtu-dead-unit'],
  kind: 'figures',
  async run(run) {
    if (skipWithoutPair !== false) throw new Error(skipWithoutPair)
    run.say(`${UNITS} units on a serial line at ${BAUD} baud`)
    return withLine(run, async ({ gateway, line }) => {
      await wait(run.either(5000, 3000))
      const stopWatch = watchCpu({ gateway: gateway.pid, units: line.pid })
      const alive = await counted(line, run.either(60_000, 10_000))
      const cpu = stopWatch()
      run.say(`unit ${DEAD} of ${UNITS} dies`)
      line.tell({ is: 'dead', unit: DEAD })
      const dead = await counted(line, run.either(60_000, 30_000))
      const common = { devices: UNITS, fsyncMs: run.fsyncMs, cpu }
      const early = dead.after.early
      const troubles = await gateway.troubles()
      return [
        {
          name: 'rtu-line-use',
          value: share(alive, workOf(alive)),
          holds: early === 0,
          notes: {
            ...common,
            messages: framesOf(alive) / 2,
            said: [
              `characters and the silence of 3.5 characters before each frame; characters alone ${share(alive, charactersOf(alive)).toFixed(1)} %`,
              `${((framesOf(alive) / 2 / alive.ms) * 1000).toFixed(1)} reads/s; ${early} requests came before the line was silent for 3.5 characters`,
              ...troubles,
            ],
          },
        },
        {
          name: 'rtu-dead-unit',
          value: Math.max(0, (1 - othersPerS(dead) / othersPerS(alive)) * 100),
          notes: {
            ...common,
            messages: framesOf(dead) / 2,
            said: [
              `answers/s of the other ${UNITS - 1}: ${othersPerS(alive).toFixed(2)} before, ${othersPerS(dead).toFixed(2)} after, counted for ${Math.round(dead.ms / 1000)} s from the moment it died`,
              ...troubles,
            ],
          },
        },
      ]
    })
  },
}

const charactersOf = ({ before, after }: Stretch): number =>
  (after.characters - before.characters) * CHARACTER_MS

const framesOf = ({ before, after }: Stretch): number => after.frames - before.frames

/** What the standard makes the line take: its characters and the silence around frames. */
const workOf = (stretch: Stretch): number => charactersOf(stretch) + framesOf(stretch) * GAP_MS

const share = ({ ms }: Stretch, workMs: number): number => (workMs / ms) * 100

function othersPerS({ ms, before, after }: Stretch): number {
  const answers = after.answered.reduce(
    (all, count, index) => (index === DEAD - 1 ? all : all + count - (before.answered[index] ?? 0)),
    0,
  )
  return (answers / ms) * 1000
}

async function counted(line: Line, spanMs: number): Promise<Stretch> {
  const before = await count(line)
  const startedAt = performance.now()
  await wait(spanMs)
  return { before, after: await count(line), ms: performance.now() - startedAt }
}

async function withLine<T>(
  run: Run,
  work: (parts: { readonly gateway: BenchGateway; readonly line: Line }) => Promise<T>,
): Promise<T> {
  const pair = await serialPair(undefined)
  const line: Line = new Child(new URL('./rtu-line-main.ts', import.meta.url))
  try {
    const serving = line.next('serving')
    line.tell({ is: 'serve', port: pair.theirs, units: UNITS })
    await serving
    const [api = 0, mqtt = 0, platform = 0] = await freePorts(3)
    const rtu = { profile: PROFILE, every: EVERY, port: pair.ours, units: UNITS }
    const box = await makeBox(run.newFolder('rtu-line'), { rtu }, { api, mqtt, platform })
    const gateway = await new BenchGateway(box, { nodeOptions: run.nodeOptions }).ready()
    try {
      return await work({ gateway, line })
    } finally {
      await gateway.stop()
    }
  } finally {
    await line.stop({ is: 'stop' })
    await pair.end()
  }
}

async function count(line: Line): Promise<LineCount> {
  const counted = line.next('counted')
  line.tell({ is: 'count' })
  return counted
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
