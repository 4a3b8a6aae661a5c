import type { Measurement, Run } from '../area.ts'
import { BEAM_DWELL_MS } from '../box.ts'
import { hostMs } from '../host-time.ts'
import { Sender } from '../load/sender.ts'
import { spread } from '../percentile.ts'
import { watchCpu } from '../processes.ts'
import { withProduct, type Product } from '../product.ts'
import type { Notes } from '../rows.ts'

const PER_SECOND = 50
const BEFORE_S = 2
const PROBE_MS = 2000
const ANSWER_MS = 60_000
/** Longer than a repeat would take to come, after everything is there. */
const REPEATS_MS = 3000

/** Ways of being away: a closed port, 503 without Retry-After, requests that are taken and never answered. */
const ways = ['refused', 'unavailable', 'hanging'] as const
type Way = (typeof ways)[number]

interface Outage {
  readonly way: Way
  readonly lost: number
  readonly doubled: number
  readonly repeats: number
  readonly drainMs: number
  readonly smokeMs: number
  /** The smoke alarm was answered before the backlog's last. */
  readonly isFirst: boolean
  readonly notes: Notes
}

/** The platform is away while shop fronts alarm: nothing is lost or doubled, and smoke overtakes the backlog. */
export const outage: Measurement = {
  rows: ['outage-lost', 'outage-doubled', 'outage-drain', 'outage-smoke'],
  kind: 'counts',
  async run(run) {
    run.say(`platform away for ${awayS(run)} s in ${ways.length} ways at once, ${PER_SECOND} alarms/s each`)
    const outages = await Promise.all(ways.map((way) => ofWay(run, way)))
    const notes: Notes = {
      messages: outages.reduce((sum, one) => sum + one.notes.messages, 0),
      devices: outages.reduce((sum, one) => sum + one.notes.devices, 0),
      fsyncMs: run.fsyncMs,
      cpu: outages[0]?.notes.cpu ?? {},
      said: outages.flatMap((one) => one.notes.said ?? []),
    }
    const sum = (of: 'lost' | 'doubled'): number => outages.reduce((all, one) => all + one[of], 0)
    const worst = (of: 'drainMs' | 'smokeMs'): number => Math.max(...outages.map((one) => one[of]))
    return [
      { name: 'outage-lost', value: sum('lost'), notes },
      { name: 'outage-doubled', value: sum('doubled'), notes },
      { name: 'outage-drain', value: worst('drainMs'), notes },
      {
        name: 'outage-smoke',
        value: worst('smokeMs'),
        holds: outages.every(({ isFirst }) => isFirst),
        notes,
      },
    ]
  },
}

const awayS = (run: Run): number => run.either(30, 3)

async function ofWay(run: Run, way: Way): Promise<Outage> {
  const beams = PER_SECOND * (BEFORE_S + awayS(run)) + (PER_SECOND * PROBE_MS) / 1000
  const plan = { beams, smokeAlarms: 1 }
  return withProduct({ run, name: `outage-${way}`, plan }, async (product) => {
    const smoke = await connect(product)
    const stopWatch = watchCpu(product.pids)
    const sending = product.sender.send({ perSecond: PER_SECOND, seconds: beams / PER_SECOND, cycle: 1 })
    await wait(BEFORE_S * 1000)
    await product.platform.setFault(way)
    // The box looks every two seconds: the platform comes back at any moment between.
    await wait(awayS(run) * 1000 + Math.random() * PROBE_MS)
    await product.platform.setFault(undefined)
    const backAt = hostMs()
    const smokeSentAt = await smoke.alarm(0)
    const sent = await sending
    const cpu = stopWatch()
    await product.platform.hasAll(beams + 1, ANSWER_MS)
    await wait(REPEATS_MS)
    await smoke.stop()

    const received = await product.platform.received()
    const answered = received.map(({ answeredAt }) => answeredAt ?? NaN)
    const isSmoke = received.map(({ class: cls }) => cls === 'smoke')
    const smokeAt = answered.find((_, index) => isSmoke[index]) ?? NaN
    // Sent before the platform was back: the rest of the schedule is no backlog.
    const backlog = answered.filter((at, index) => !isSmoke[index] && at > backAt - 1)
    const lastAt = Math.max(...backlog)
    const places = new Set(received.map(({ place }) => place))
    const { repeats } = await product.platform.counters()
    const lost = beams + 1 - places.size
    const waits = sent.changes.sentAt.map((at, index) => {
      const place = product.box.places[(sent.changes.device[index] ?? 0) + 1]
      const own = received.findIndex((one) => one.place === place)
      return (answered[own] ?? NaN) - at
    })
    const outageNotes: Notes = {
      messages: sent.messages + 1,
      devices: beams + 1,
      fsyncMs: run.fsyncMs,
      cpu,
      said: [
        `${way}: ${beams} alarms and one smoke alarm, ${received.length} revisions at ${places.size} places, ${repeats} sent again; drained after ${(lastAt - backAt).toFixed(0)} ms, smoke after ${(smokeAt - smokeSentAt).toFixed(0)} ms; dwell is ${BEAM_DWELL_MS} ms, message → 2xx p50 / p99 / max ${spread(waits)} ms`,
        ...(await product.troubles()).map((line) => `${way}: ${line}`),
      ],
    }
    return {
      way,
      lost,
      doubled: received.length - places.size,
      repeats,
      drainMs: lastAt - backAt,
      smokeMs: smokeAt - smokeSentAt,
      isFirst: smokeAt <= lastAt,
      notes: outageNotes,
    }
  })
}

/** The beams on the product's own sender, the smoke alarm on another; the answer is that one. */
async function connect({ box, sender }: Product): Promise<Sender> {
  const open = { port: box.ports.mqtt, session: 'clean', perSecond: 1000, greets: false } as const
  const smoke = new Sender()
  await smoke.open({ ...open, accounts: box.accounts.slice(0, 1), devices: box.devices.slice(0, 1) })
  await sender.open({
    ...open,
    accounts: box.accounts.slice(1),
    devices: box.devices.slice(1).map((device, account) => ({ ...device, account })),
  })
  return smoke
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
