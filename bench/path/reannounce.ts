import type { Measurement } from '../area.ts'
import { Sender } from '../load/sender.ts'
import { watchCpu } from '../processes.ts'
import { withProduct } from '../product.ts'
import { SLOW_DISK_MS } from './slow-disk.ts'

const LIVE_EVERY_MS = 400
const ANSWER_MS = 15_000

/** After a power cut everything comes back at once, on a slow disk; meanwhile a detector that had power alarms. */
export const reannounce: Measurement = {
  rows: ['reannounce-lost', 'reannounce-smoke'],
  kind: 'counts',
  async run(run) {
    const devices = run.either(5000, 1000)
    const overS = run.either(10, 2)
    const live = Math.floor((overS * 1000) / LIVE_EVERY_MS)
    run.say(`${devices} devices re-announce within ${overS} s`)
    return withProduct(
      {
        run,
        name: 'reannounce',
        plan: { smokeAlarms: devices + live },
        wish: { commitDelayMs: SLOW_DISK_MS },
      },
      async (product) => {
        const { box } = product
        const open = { port: box.ports.mqtt, session: 'clean', perSecond: devices / overS } as const
        const alive = new Sender()
        await alive.open({
          ...open,
          accounts: box.accounts.slice(devices),
          devices: box.devices.slice(devices).map((device, account) => ({ ...device, account })),
          greets: false,
        })
        const startedAt = Date.now()
        const stopWatch = watchCpu(product.pids)
        const back = product.sender.open({
          ...open,
          accounts: box.accounts.slice(0, devices),
          devices: box.devices.slice(0, devices),
          greets: true,
        })
        const sentAt: number[] = []
        for (let index = 0; index < live; index++) {
          sentAt.push(await alive.alarm(index))
          await new Promise((resolve) => setTimeout(resolve, LIVE_EVERY_MS))
        }
        const opened = await back
        const cpu = stopWatch()
        const answeredAt = await product.answers(live, ANSWER_MS)
        await alive.stop()
        const waits = sentAt.map((at, index) => (answeredAt(devices + index, 1) ?? at + ANSWER_MS) - at)
        const troubles = await product.troubles()
        await product.killAndStart()
        await product.gateway.ready()
        const kept = await product.gateway.heardSince(
          box.places.map((place) => place.slice(place.indexOf('/') + 1)),
          startedAt,
        )
        const notes = {
          messages: devices + live,
          devices: devices + live,
          fsyncMs: run.fsyncMs + SLOW_DISK_MS,
          cpu,
          said: [
            `${opened.acknowledged} of ${devices} announcements acknowledged within ${opened.tookMs.toFixed(0)} ms of the first connection; ${live} live alarms`,
            `counted after a kill -9 and a start`,
            ...troubles,
          ],
        }
        const lost = devices + live - kept + (devices - opened.acknowledged)
        return [
          { name: 'reannounce-lost', value: lost, notes },
          { name: 'reannounce-smoke', value: Math.max(...waits), notes },
        ]
      },
    )
  },
}
