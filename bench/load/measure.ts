import { spread } from '../percentile.ts'
import { watchCpu, writtenMb } from '../processes.ts'
import type { Target } from '../target.ts'
import type { Sent } from './messages.ts'

export interface Load {
  readonly perSecond: number
  readonly warmS: number
  readonly holdS: number
  readonly cycle: number
  /** An acknowledgement or answer that is not there this long after the last message will not come. */
  readonly patienceMs: number
}

export interface Loaded {
  readonly sent: Sent
  /** From a raising message to the platform's 2xx, in ms. */
  readonly alarmMs: Float64Array
  /** The same for raises and clears. */
  readonly changeMs: Float64Array
  readonly unanswered: number
  readonly cpu: Readonly<Record<string, number>>
  /** Of the product's event loop while it was measured. */
  readonly loopDelayP99: number
  /** The rate was sent, everything was acknowledged and answered, and no connection broke. */
  readonly isWhole: boolean
  readonly said: readonly string[]
}

/** Of the rate asked for: timers of a busy machine are late. */
const HELD = 0.98

/** Revisions that a target was sent so far: later loads on it count on from there. */
const revisionsOf = new WeakMap<Target, number>()

/** Sends at a steady rate: first to warm up, then measured. */
export async function measureLoad(target: Target, load: Load): Promise<Loaded> {
  const { perSecond, warmS, holdS, cycle, patienceMs } = load
  const warm = await target.sender.send({ perSecond, seconds: warmS, cycle, patienceMs })
  if (warm.broken > 0) {
    const troubles = (await target.troubles()).join('\n')
    throw new Error(`${warm.broken} connections broke while warming up: ${warm.reason}\n${troubles}`)
  }
  // What is answered is the delay since it was last asked.
  await target.loopDelayP99()
  const stopWatch = watchCpu(target.pids)
  const [pid = 0] = Object.values(target.pids)
  const writtenBefore = writtenMb(pid)
  const sent = await target.sender.send({ perSecond, seconds: holdS, cycle, patienceMs })
  const cpu = stopWatch()
  const writtenPerS = (writtenMb(pid) - writtenBefore) / holdS
  const loopDelayP99 = await target.loopDelayP99()
  const { changes } = sent
  const revisions = (revisionsOf.get(target) ?? 0) + warm.changes.device.length + changes.device.length
  revisionsOf.set(target, revisions)
  const answeredAt = await target.answers(revisions, patienceMs)

  const troubles = await target.troubles()
  const alarmMs: number[] = []
  const changeMs: number[] = []
  let unanswered = 0
  changes.device.forEach((device, index) => {
    const isOn = changes.isOn[index] === 1
    if (!isOn && target.answersTo === 'alarms') return
    const answered = answeredAt(device, changes.revision[index] ?? 0)
    if (answered === undefined) unanswered++
    const ms = answered === undefined ? patienceMs : answered - (changes.sentAt[index] ?? NaN)
    changeMs.push(ms)
    if (isOn) alarmMs.push(ms)
  })
  const isWhole =
    unanswered === 0 &&
    sent.acknowledged === sent.messages &&
    sent.broken === 0 &&
    sent.perSecond >= HELD * perSecond
  return {
    sent,
    alarmMs: Float64Array.from(alarmMs),
    changeMs: Float64Array.from(changeMs),
    unanswered,
    cpu,
    loopDelayP99,
    isWhole,
    said: [
      `${Math.round(sent.perSecond).toLocaleString('en')} messages/s for ${holdS} s; p50 / p99 / max: alarm → 2xx ${spread(alarmMs)} ms, acknowledgement ${spread(sent.ackMs)} ms; ${writtenPerS.toFixed(1)} MB/s written; others took ${Math.round(cpu['others'] ?? 0)} % CPU`,
      ...(isWhole
        ? []
        : [
            `not whole: ${unanswered} revisions unanswered, ${sent.messages - sent.acknowledged} messages unacknowledged, ${sent.broken} connections broken (${sent.reason}), ${sent.heldBack} held back`,
          ]),
      ...troubles,
    ],
  }
}
