import type { Measurement } from '../area.ts'
import { watchCpu } from '../processes.ts'
import { withProduct } from '../product.ts'

/** Each speaks five times a second, and waits for its acknowledgement before it speaks again. */
const DEVICES = 400
const PER_SECOND = 2000
const CYCLE = 2
const FOR_EVER_S = 3600
/** From exec: the power goes while it starts, while devices come back, and in full run. */
const EARLIEST_MS = 300
const LATEST_MS = 3000
const SHORT_LATEST_MS = 2000
const LAST_MS = 2000
const ANSWER_MS = 60_000

/** kill -9 at random moments under load: what was acknowledged is at the platform, once. */
export const kill: Measurement = {
  rows: ['kill-lost', 'kill-doubled'],
  kind: 'counts',
  async run(run) {
    const kills = run.either(50, 3)
    run.say(`${kills} × kill -9 under ${PER_SECOND} alarms/s`)
    return withProduct({ run, name: 'kill', plan: { smokeAlarms: DEVICES } }, async (product) => {
      await product.connect('kept')
      const stopWatch = watchCpu({ sender: product.sender.pid, platform: product.platform.pid })
      const sending = product.sender.send({
        perSecond: PER_SECOND,
        seconds: FOR_EVER_S,
        cycle: CYCLE,
        oneInFlight: true,
      })
      const latestMs = run.either(LATEST_MS, SHORT_LATEST_MS)
      for (let count = 0; count < kills; count++) {
        await wait(EARLIEST_MS + Math.random() * (latestMs - EARLIEST_MS))
        await product.killAndStart()
      }
      await product.gateway.ready()
      await wait(LAST_MS)
      product.sender.halt()
      const { changes, messages, acknowledged, broken } = await sending
      const cpu = stopWatch()
      const expected = changes.device.length
      await product.platform.hasAll(expected, ANSWER_MS)
      await wait(LAST_MS)
      const answeredAt = await product.answers(expected, 0)
      const found = changes.device.filter(
        (device, index) => answeredAt(device, changes.revision[index] ?? 0) !== undefined,
      ).length
      const { revisions, repeats } = await product.platform.counters()
      const notes = {
        messages,
        devices: DEVICES,
        fsyncMs: run.fsyncMs,
        cpu,
        said: [
          `${kills} kills; ${acknowledged} messages acknowledged, ${expected} of them a revision each; ${revisions} revisions at the platform, ${repeats} of them sent again; ${broken} connections broke`,
          ...(await product.troubles()),
        ],
      }
      return [
        { name: 'kill-lost', value: expected - found, holds: acknowledged === messages, notes },
        { name: 'kill-doubled', value: revisions - found, notes },
      ]
    })
  },
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
