import type { Measurement } from '../area.ts'
import { BareTarget } from '../bare-target.ts'
import { measureLoad } from '../load/measure.ts'
import { nodeRedLines } from '../peers/node-red.ts'
import { percentile } from '../percentile.ts'
import { withProduct } from '../product.ts'

const DEVICES = 2000
/** Ten percent alarms, each with its clear. */
const CYCLE = 10
const PER_SECOND = 30_000

/** A flood of readings: how long an alarm among them takes to the platform. */
export const readings: Measurement = {
  rows: ['readings-p99'],
  kind: 'figures',
  async run(run) {
    run.say(`product and bare script: ${PER_SECOND} messages/s`)
    const load = { perSecond: PER_SECOND, warmS: run.either(5, 1), holdS: run.either(20, 2), cycle: CYCLE }
    const target = await BareTarget.start(run, 'readings', DEVICES)
    const bare = await measureLoad(target, load).finally(() => target.stop())
    const loaded = await withProduct(
      { run, name: 'readings', plan: { smokeAlarms: DEVICES } },
      async (product) => measureLoad(await product.connect(), load),
    )
    const peers = run.withPeers ? await nodeRedLines(run, DEVICES, load) : []
    return [
      {
        name: 'readings-p99',
        value: percentile(loaded.alarmMs, 0.99),
        holds: loaded.isWhole,
        notes: {
          messages: loaded.sent.messages,
          devices: DEVICES,
          fsyncMs: run.fsyncMs,
          cpu: { ...bare.cpu, ...loaded.cpu },
          bare: percentile(bare.alarmMs, 0.99),
          said: [...loaded.said, ...bare.said.map((line) => `bare: ${line}`), ...peers],
        },
      },
    ]
  },
}
