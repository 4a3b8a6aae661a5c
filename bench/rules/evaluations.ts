import { instant } from '../../base/clock.ts'
import { bindRules } from '../../gateway/slots.ts'
import { judge, showMessage } from '../../gateway/stepping.ts'
import type { Measurement } from '../area.ts'
import { loadFleet, RULES_A_MODEL, sayingOf } from './fleet.ts'

const DEVICES = 2000
/** A device is hot in two messages of so many, one after the other, and well again in the next. */
const ALARM_EVERY = 20

/** One evaluation is one step of a rule with a CEL condition, shown what the path shows it. */
export const evaluations: Measurement = {
  rows: ['evaluations-per-s'],
  kind: 'figures',
  async run(run) {
    run.say(`1,000 rules over ${DEVICES} devices`)
    const box = await loadFleet(run.newFolder('rules-evaluations'), DEVICES)
    const plans = bindRules(box)
    const rounds = run.either(60, ALARM_EVERY)
    const messages = [...plans.byDevice.values()].map((plan) => ({
      plan,
      turns: Array.from({ length: ALARM_EVERY }, (_, turn) =>
        sayingOf(box, plan.device.id, turn, instant(0), ALARM_EVERY),
      ),
    }))
    let [steps, raises, clears] = [0, 0, 0]
    const round = (turn: number): void => {
      const now = instant(Date.UTC(2026, 0, 1) + turn * 60_000)
      for (const { plan, turns } of messages) {
        const readings = (turns[turn % ALARM_EVERY] ?? []).map((reading) => ({ ...reading, at: now }))
        showMessage(plan, readings, undefined, (slot, seen) => {
          steps++
          const step = judge(slot, seen, now)
          slot.state = step.state
          if (step.raise) raises++
          if (step.clear) clears++
          if (step.wakeAt === undefined || step.wakeAt > now) return
          slot.state = judge(slot, { kind: 'wake', lastHeard: now }, now).state
        })
      }
    }
    // Compiled first, with raises and clears: a gateway is measured that has run for a while.
    for (let turn = 0; turn <= ALARM_EVERY; turn++) round(turn)
    steps = raises = clears = 0
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    for (let turn = 0; turn < rounds; turn++) round(turn)
    const wallS = (performance.now() - startedAt) / 1000
    const cpu = process.cpuUsage(cpuBefore)
    const cpuS = (cpu.user + cpu.system) / 1e6
    return [
      {
        name: 'evaluations-per-s',
        // A second core that collects garbage is paid for too.
        value: steps / Math.max(wallS, cpuS),
        notes: {
          messages: rounds * DEVICES,
          devices: DEVICES,
          fsyncMs: run.fsyncMs,
          cpu: { bench: (cpuS / wallS) * 100 },
          said: [
            `${steps.toLocaleString('en')} steps in ${wallS.toFixed(1)} s (${cpuS.toFixed(1)} s of CPU), ${RULES_A_MODEL} rules a device, ${plans.slots.length.toLocaleString('en')} places`,
            `${raises.toLocaleString('en')} raises and ${clears.toLocaleString('en')} clears among them`,
          ],
        },
      },
    ]
  },
}
