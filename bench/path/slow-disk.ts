import type { Measurement } from '../area.ts'
import { BareTarget } from '../bare-target.ts'
import { measureLoad } from '../load/measure.ts'
import { percentile } from '../percentile.ts'
import { withProduct } from '../product.ts'
import type { Notes } from '../rows.ts'

const DEVICES = 2000
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
      warmS: run.either(5, 1),
      holdS: run.either(30, 3),
      cycle: CYCLE,
    }
    run.say(`product and bare script on a slow disk: ${PER_SECOND} messages/s`)
    const loaded = await withProduct(
      { run, name: 'slow-disk', plan: { smokeAlarms: DEVICES }, wish: { commitDelayMs: SLOW_DISK_MS } },
      async (product) => measureLoad(await product.connect(), load),
    )
    const target = await BareTarget.start(run, 'slow-disk', DEVICES, SLOW_DISK_MS)
    const bare = await measureLoad(target, load).finally(() => target.stop())
    const notes: Notes = {
      messages: loaded.sent.messages,
      devices: DEVICES,
      fsyncMs: run.fsyncMs + SLOW_DISK_MS,
      cpu: { ...bare.cpu, ...loaded.cpu },
      said: [...loaded.said, ...bare.said.map((line) => `bare: ${line}`)],
    }
    const holds = loaded.isWhole
    return [
      {
        name: 'smoke-p99-slow-disk',
        value: percentile(loaded.alarmMs, 0.99),
        holds,
        notes: { ...notes, bare: percentile(bare.alarmMs, 0.99) },
      },
      { name: 'loop-delay-p99-slow-disk', value: loaded.loopDelayP99, holds, notes },
    ]
  },
}
