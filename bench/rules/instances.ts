import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { instant, systemClock, type Clock } from '../../base/clock.ts'
import { bindRules, type Plans } from '../../gateway/slots.ts'
import { judge, showMessage } from '../../gateway/stepping.ts'
import { Wakes } from '../../gateway/wakes.ts'
import type { Measurement } from '../area.ts'
import { loadFleet, RULES_A_MODEL, sayingOf } from './fleet.ts'

const INSTANCES = 10_000
const DEVICES = INSTANCES / RULES_A_MODEL
/** So many times the instances are bound: what else comes and goes in a heap of megabytes is small beside them. */
const TIMES = 5

/** Heap of a rule at a place, with what it remembers and its wake; the box, its rules and devices are not counted. */
export const instances: Measurement = {
  rows: ['bytes-per-instance'],
  kind: 'figures',
  async run(run) {
    run.say(`${INSTANCES.toLocaleString('en')} rules at places`)
    const box = await loadFleet(run.newFolder('rules-instances'), DEVICES)
    const heapBytes = heapMeter()
    const now = instant(Date.now())
    let timers = 0
    const wakes = new Wakes<Plans['slots'][number]>(
      counting(systemClock, (change) => (timers += change)),
      () => undefined,
      () => undefined,
    )
    // Settings and conditions of a site are made ready once, with the first binding: they are the rules' own.
    const bound: Plans[] = [bindRules(box)]
    const before = await heapBytes()
    for (let times = 0; times < TIMES; times++) bound.push(bindRules(box))
    const well = await heapBytes()
    // The worst case: every place is over its limit and waits to raise.
    for (const plan of bound.slice(1).flatMap(({ byDevice }) => [...byDevice.values()])) {
      showMessage(plan, sayingOf(box, plan.device.id, 0, now, 1), undefined, (slot, seen) => {
        const step = judge(slot, seen, now)
        slot.state = step.state
        if (step.wakeAt !== undefined) wakes.set(slot, step.wakeAt)
      })
    }
    const over = await heapBytes()
    const armed = timers
    wakes.stop()
    const slots = bound.slice(1).flatMap((plans) => plans.slots)
    const waiting = slots.filter(({ state, rule }) => state !== rule.kind.start).length
    const each = (bytes: number): number => (bytes - before) / slots.length
    return [
      {
        name: 'bytes-per-instance',
        value: each(over),
        holds: armed === 1 && waiting === slots.length,
        notes: {
          messages: DEVICES * TIMES,
          devices: DEVICES,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [
            `${TIMES} × ${INSTANCES.toLocaleString('en')} places, each over its limit; ${Math.round(each(well))} bytes while all is well`,
            `${waiting.toLocaleString('en')} of them wait to raise, with ${armed} timer for all`,
          ],
        },
      },
    ]
  },
}

/** The heap once nothing more can be collected; what loading left behind goes with the turns of the event loop. */
function heapMeter(): () => Promise<number> {
  setFlagsFromString('--expose-gc')
  // The context that it is taken from is made once: it is megabytes itself.
  const collect = runInNewContext('gc') as () => void // the flag of the line before names it
  return async () => {
    let least = Infinity
    for (let same = 0; same < 3;) {
      await setTimeout(20)
      collect()
      const { heapUsed } = process.memoryUsage()
      same = heapUsed < least - 10_000 ? 0 : same + 1
      least = Math.min(least, heapUsed)
    }
    return least
  }
}

/** The same clock, telling of each timer that begins and ends. */
function counting(clock: Clock, changed: (by: 1 | -1) => void): Clock {
  return {
    now: () => clock.now(),
    ticks: () => clock.ticks(),
    after(wait, work) {
      let isOver = false
      const end = (): void => {
        if (!isOver) changed(-1)
        isOver = true
      }
      changed(1)
      const cancel = clock.after(wait, () => {
        end()
        work()
      })
      return () => {
        end()
        cancel()
      }
    },
  }
}
