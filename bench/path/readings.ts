import type { Measurement } from '../area.ts'
import { bareBeside, bareFigure, loadNotes } from '../beside.ts'
import { measureLoad } from '../load/measure.ts'
import { nodeRedLines } from '../peers/node-red.ts'
import { percentile } from '../percentile.ts'
import { withProduct } from '../product.ts'

/** Ten percent alarms, each with its clear. */
const CYCLE = 10
const PER_SECOND = 30_000

/** A flood of readings: how long an alarm among them takes to the platform. */
export const readings: Measurement = {
  rows: ['readings-p99'],
  kind: 'figures',
  async run(run) {
    run.say(`a flood: ${PER_SECOND} messages/s`)
    const load = {
      perSecond: PER_SECOND,
      warmS: run.either(5, 0.5),
      holdS: run.either(20, 1.5),
      cycle: CYCLE,
      patienceMs: run.patienceMs,
    }
    const bare = await bareBeside(run, 'readings', load)
    const plan = { smokeAlarms: run.loadDevices }
    const loaded = await withProduct({ run, name: 'readings', plan }, async (product) =>
      measureLoad(await product.connect(), load),
    )
    const peers = run.withPeers ? await nodeRedLines(run, run.loadDevices, load) : []
    const notes = loadNotes(run, loaded, bare)
    return [
      {
        name: 'readings-p99',
        value: percentile(loaded.alarmMs, 0.99),
        holds: loaded.isWhole,
        notes: {
          ...notes,
          ...bareFigure(bare && percentile(bare.alarmMs, 0.99)),
          said: [...(notes.said ?? []), ...peers],
        },
      },
    ]
  },
}
