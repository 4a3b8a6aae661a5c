import { join } from 'node:path'
import { later, systemClock } from '../../base/clock.ts'
import { History } from '../../gateway/history/history.ts'
import { ReplayClock } from '../../gateway/replay-clock.ts'
import { bindRules } from '../../gateway/slots.ts'
import { Store } from '../../gateway/store/store.ts'
import { WhyDesk } from '../../gateway/why-desk.ts'
import type { Measurement } from '../area.ts'
import { dayBegin } from '../cases/device-day.ts'
import { DEVICES_A_SHED, makeSheds, recordDays } from '../cases/recording.ts'

const DAY_MS = 86_400_000
const SHEDS = 4
const SEED = 11

/** 为何: the slowest answer to "why not" over all that is stored of one shed, for each class that it can raise. */
export const why: Measurement = {
  rows: ['why-ms'],
  kind: 'figures',
  async run(run) {
    const days = run.either(7, 1)
    run.say(`why: ${days} d of ${SHEDS * DEVICES_A_SHED} devices are recorded`)
    const folder = run.newFolder('why')
    const dataFolder = join(folder, 'data')
    const box = await makeSheds(join(folder, 'box'), SHEDS)
    const to = later(dayBegin, days * DAY_MS)
    await recordDays(dataFolder, { devices: [...box.devices.values()], from: dayBegin, to, seed: SEED })

    const plans = bindRules(box)
    const [site] = box.sites
    if (!site) throw new Error('a box without sites was made')
    const classes = [
      ...new Set(plans.slots.filter((slot) => slot.site === site).map((slot) => slot.class.id)),
    ]
    const store = await Store.open({ folder: dataFolder })
    const history = new History({
      store,
      clock: new ReplayClock(to),
      folder: dataFolder,
      trouble: (what, example) => run.say(`${what}: ${example}`),
    })
    try {
      const desk = new WhyDesk({ store, history, plans: () => plans })
      let slowest = { ms: 0, class: '', readings: 0 }
      let readings = 0
      for (const classId of classes) {
        const began = systemClock.ticks()
        const answer = await desk.whyNot({ site: site.id, class: classId, at: to, within: days * DAY_MS })
        const ms = systemClock.ticks() - began
        const found = answer.rules.reduce((sum, rule) => sum + rule.readings, 0)
        readings += found
        if (ms > slowest.ms) slowest = { ms, class: classId, readings: found }
      }
      return [
        {
          name: 'why-ms',
          value: slowest.ms,
          // An answer about nothing would be quick.
          holds: readings > 0,
          notes: {
            messages: readings,
            devices: SHEDS * DEVICES_A_SHED,
            fsyncMs: run.fsyncMs,
            cpu: {},
            said: [
              `${classes.length} classes asked over ${days} d; the slowest is ${slowest.class} with ${slowest.readings.toLocaleString('en')} readings`,
            ],
          },
        },
      ]
    } finally {
      await history.close()
      await store.close()
    }
  },
}
