import type { Measurement, Run } from '../area.ts'
import { BareTarget } from '../bare-target.ts'
import { measureLoad, type Load, type Loaded } from '../load/measure.ts'
import { nodeRedLines } from '../peers/node-red.ts'
import { percentile } from '../percentile.ts'
import { rssMb } from '../processes.ts'
import { withProduct } from '../product.ts'
import type { Measured, Notes } from '../rows.ts'

/** One alarm, one clear, eight that change nothing. */
const CYCLE = 10
const SMOKE_PER_SECOND = 10_000
const ACK_PER_SECOND = 5000
const RSS_EVERY_MS = 200

interface Both {
  readonly smoke: Loaded
  readonly ack: Loaded
}

/** From an alarm's message to the platform's answer, and to its acknowledgement; the bare script in the same run. */
export const smoke: Measurement = {
  rows: [
    'smoke-p50',
    'smoke-p99',
    'smoke-p50-vs-bare',
    'smoke-p99-vs-bare',
    'ack-p50',
    'ack-p99',
    'rss-load',
  ],
  kind: 'figures',
  async run(run) {
    const bare = await ofBare(run)
    const { product, rss } = await ofProduct(run)
    const peers = run.withPeers ? await nodeRedLines(run, run.loadDevices, smokeLoad(run)) : []
    const notes = (of: keyof Both): Notes => ({
      messages: product[of].sent.messages,
      devices: run.loadDevices,
      fsyncMs: run.fsyncMs,
      cpu: { ...bare[of].cpu, ...product[of].cpu },
      said: [
        ...product[of].said,
        ...bare[of].said.map((line) => `bare: ${line}`),
        ...(of === 'smoke' ? peers : []),
      ],
    })
    const rows = (part: number): readonly Measured[] => {
      const name = `p${part * 100}`
      const own = percentile(product.smoke.alarmMs, part)
      const bareOwn = percentile(bare.smoke.alarmMs, part)
      const holds = product.smoke.isWhole
      const acked = percentile(product.ack.sent.ackMs, part)
      const bareAcked = percentile(bare.ack.sent.ackMs, part)
      return [
        { name: `smoke-${name}`, value: own, holds, notes: { ...notes('smoke'), bare: bareOwn } },
        { name: `smoke-${name}-vs-bare`, value: own / bareOwn, holds, notes: notes('smoke') },
        {
          name: `ack-${name}`,
          value: acked,
          holds: product.ack.isWhole,
          notes: { ...notes('ack'), bare: bareAcked },
        },
      ]
    }
    return [...rows(0.5), ...rows(0.99), { name: 'rss-load', value: rss, notes: notes('smoke') }]
  },
}

const smokeLoad = (run: Run): Load => ({
  perSecond: SMOKE_PER_SECOND,
  warmS: run.either(10, 1.5),
  holdS: run.either(30, 2),
  cycle: CYCLE,
  patienceMs: run.patienceMs,
})

const ackLoad = (run: Run): Load => ({
  perSecond: ACK_PER_SECOND,
  warmS: run.either(3, 0.5),
  holdS: run.either(20, 1),
  cycle: CYCLE,
  patienceMs: run.patienceMs,
})

async function ofBare(run: Run): Promise<Both> {
  run.say(`bare script: ${run.loadDevices} devices`)
  const target = await BareTarget.start(run, 'smoke', run.loadDevices)
  try {
    return {
      smoke: await measureLoad(target, smokeLoad(run)),
      ack: await measureLoad(target, ackLoad(run)),
    }
  } finally {
    await target.stop()
  }
}

async function ofProduct(run: Run): Promise<{ readonly product: Both; readonly rss: number }> {
  run.say(`product: ${run.loadDevices} devices at ${SMOKE_PER_SECOND} and ${ACK_PER_SECOND} messages/s`)
  return withProduct({ run, name: 'smoke', plan: { smokeAlarms: run.loadDevices } }, async (product) => {
    await product.connect()
    let rss = 0
    const timer = setInterval(() => (rss = Math.max(rss, rssMb(product.gateway.pid))), RSS_EVERY_MS)
    try {
      const smoked = await measureLoad(product, smokeLoad(run))
      const acked = await measureLoad(product, ackLoad(run))
      return { product: { smoke: smoked, ack: acked }, rss }
    } finally {
      clearInterval(timer)
    }
  })
}
