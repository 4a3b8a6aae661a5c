import type { Measurement } from '../area.ts'
import { bareBeside, bareFigure, loadNotes } from '../beside.ts'
import { measureLoad } from '../load/measure.ts'
import { percentile } from '../percentile.ts'
import { withProduct } from '../product.ts'

const CYCLE = 10
const PER_SECOND = 1000
/** What an eMMC adds to each commit. */
export const SLOW_DISK_MS = 20

/** Every commit made 20 ms slower: alarms wait for the disk, the event loop does not. */
export const slowDisk: Measurement = {
  rows: ['smoke-p99-slow-disk', 'loop-delay-p99-slow-disk'],
  kind: 'figures',
  async run(run) {
    const load = {
      perSecond: PER_SECOND,
      warmS: run.either(5, 0.5),
      holdS: run.either(30, 2),
      cycle: CYCLE,
      patienceMs: run.patienceMs,
    }
    run.say(`a slow disk: ${PER_SECOND} messages/s`)
    const bare = await bareBeside(run, 'slow-disk', load, SLOW_DISK_MS)
    const plan = { smokeAlarms: run.loadDevices }
    const loaded = await withProduct(
      { run, name: 'slow-disk', plan, wish: { commitDelayMs: SLOW_DISK_MS } },
      async (product) => measureLoad(await product.connect(), load),
    )
    const notes = { ...loadNotes(run, loaded, bare), fsyncMs: run.fsyncMs + SLOW_DISK_MS }
    const holds = loaded.isWhole
    return [
      {
        name: 'smoke-p99-slow-disk',
        value: percentile(loaded.alarmMs, 0.99),
        holds,
        notes: { ...notes, ...bareFigure(bare && percentile(bare.alarmMs, 0.99)) },
      },
      { name: 'loop-delay-p99-slow-disk', value: loaded.loopDelayP99, holds, notes },
    ]
  },
}
