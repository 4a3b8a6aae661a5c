import type { Measurement, Run } from '../area.ts'
import { makeBox, type BenchBox, type BoxPlan } from '../box.ts'
import { freePorts } from '../free-port.ts'
import { BenchGateway } from '../gateway.ts'
import { Sender } from '../load/sender.ts'
import { median } from '../percentile.ts'
import { rssMb } from '../processes.ts'

/** As many devices as a street of shops and sheds; 2,000 are measured beside it. */
const USUAL: BoxPlan = { smokeAlarms: 40, beams: 10 }
const LARGE: BoxPlan = { smokeAlarms: 2000 }
const IDLE_S = 10
const SHORT_IDLE_S = 2

/** From exec to the first acknowledged message, and what the process takes when nothing happens. */
export const start: Measurement = {
  rows: ['start-to-ack', 'rss-idle'],
  kind: 'figures',
  async run(run) {
    const times = run.either(7, 2)
    run.say(`${times} starts`)
    const usual = await boxOf(run, 'start', USUAL)
    const first = await startOnce(usual, 0)
    const idleS = run.either(IDLE_S, SHORT_IDLE_S)
    const again: Started[] = []
    for (let index = 0; index < times; index++)
      again.push(await startOnce(usual, index === times - 1 ? idleS : 0))
    const large = run.isShort ? undefined : await startOnce(await boxOf(run, 'start-large', LARGE), 0)
    const notes = { messages: times, devices: 50, fsyncMs: run.fsyncMs, cpu: {} }
    const spread = again.map(({ ackMs }) => ackMs.toFixed(0)).join(', ')
    return [
      {
        name: 'start-to-ack',
        value: median(again.map(({ ackMs }) => ackMs)),
        notes: {
          ...notes,
          said: [
            `median of ${spread} ms on a folder that was there; the first start on an empty one ${first.ackMs.toFixed(0)} ms${large ? `; a box of 2,000 devices ${large.ackMs.toFixed(0)} ms` : ''}`,
          ],
        },
      },
      {
        name: 'rss-idle',
        value: again.at(-1)?.idleMb ?? NaN,
        notes: { ...notes, said: [`${idleS} s after the first message`] },
      },
    ]
  },
}

interface Started {
  readonly ackMs: number
  readonly idleMb: number
}

async function boxOf(run: Run, name: string, plan: BoxPlan): Promise<BenchBox> {
  const [api = 0, mqtt = 0, platform = 0] = await freePorts(3)
  // Nobody stands at the platform's port: a box starts without it too.
  return makeBox(run.newFolder(name), plan, { api, mqtt, platform })
}

/** The sensor dials before the gateway is there, every few milliseconds, as one does that has power. */
async function startOnce(box: BenchBox, idleS: number): Promise<Started> {
  const sender = new Sender()
  const heard = sender.firstAck()
  const gateway = new BenchGateway(box)
  const [account] = box.accounts
  const [device] = box.devices
  if (!account || !device) throw new Error('a box without a device') // the plans above have some
  const opened = sender.open({
    port: box.ports.mqtt,
    accounts: [account],
    devices: [device],
    session: 'kept',
    againMs: 5,
    perSecond: 1000,
    greets: true,
  })
  const ackMs = (await heard) - gateway.startedAt
  await opened
  await new Promise((resolve) => setTimeout(resolve, idleS * 1000))
  const idleMb = rssMb(gateway.pid)
  await sender.stop()
  await gateway.stop()
  return { ackMs, idleMb }
}
