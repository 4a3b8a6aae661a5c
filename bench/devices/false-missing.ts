import { parseDuration } from '../../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../../base/clock.ts'
import { AskedDevice } from '../../device-drivers/asked-device.ts'
import { availabilityOf, silenceOf } from '../../gateway/availability.ts'
import type { Device } from '../../gateway/device.ts'
import type { Intake } from '../../gateway/ports.ts'
import { ReplayClock } from '../../gateway/replay-clock.ts'
import type { RuleContext, Step } from '../../gateway/rule.ts'
import absence from '../../rules/kinds/absence.ts'
import { seededRandom, type Random } from '../../simulator/random.ts'
import type { Measurement } from '../area.ts'

const DAY_MS = 86_400_000
const SEED = 20_260_601
/** Of a hundred messages, or of a hundred polls and their answers, five are lost. */
const LOST_SHARE = 0.05
/** No device keeps time: a message comes up to a fifth of its interval after it is due. */
const MOST_LATE = 0.2
const INTERVALS = ['30 s', '60 s', '5 min', '30 min', '90 min', '6 h', '24 h'] as const
const ASKED_EVERY = '60 s'

interface Outcome {
  readonly what: string
  readonly deviceDays: number
  readonly alarms: number
  /** How long after its last message one that fell silent was missing. */
  readonly foundAfter: Duration
}

/**
 * Devices that live and whose messages are lost at random, in virtual time: by the rule that speaks in the gateway, with
 * the time of silence that a profile has by default, and for those that can be asked by what asks them. One more device
 * of each kind falls silent, to show that the rule does speak.
 */
export const falseMissing: Measurement = {
  rows: ['false-missing'],
  kind: 'counts',
  async run(run) {
    const days = run.either(100_000, 10_000)
    const askedDays = run.either(1000, 40)
    run.say(`false-missing: ${days.toLocaleString('en')} device-days of each interval`)
    const random = seededRandom(SEED)
    const outcomes = INTERVALS.map((every) => speaking(parseDuration(every), days, random))
    run.say(`false-missing: ${askedDays} device-days of being asked`)
    outcomes.push(await asked(parseDuration(ASKED_EVERY), askedDays, random))
    const alarms = sum(outcomes.map((one) => one.alarms))
    const deviceDays = sum(outcomes.map((one) => one.deviceDays))
    return [
      {
        name: 'false-missing',
        value: (alarms / deviceDays) * 10_000,
        holds: outcomes.every(({ foundAfter }) => Number.isFinite(foundAfter)),
        notes: {
          messages: Math.round(deviceDays),
          devices: INTERVALS.length + 1,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [
            `false alarms in ${Math.round(deviceDays).toLocaleString('en')} device-days of virtual time, for 10,000; 5 % of messages lost, each up to a fifth of its interval late, seed ${SEED}`,
            ...outcomes.map(lineOf),
          ],
        },
      },
    ]
  },
}

const lineOf = ({ what, deviceDays, alarms, foundAfter }: Outcome): string =>
  `${what}: ${alarms} in ${Math.round(deviceDays).toLocaleString('en')} device-days; one that fell silent was missing after ${spanOf(foundAfter)}`

const spanOf = (span: Duration): string =>
  span < 3_600_000 ? `${(span / 60_000).toFixed(1)} min` : `${(span / 3_600_000).toFixed(1)} h`

type AbsenceStep = (...shown: Parameters<ReturnType<typeof absence.ready>>) => Step<object>

/** The rule as the path binds it: it asks its context for nothing else. */
const ruleFor = (silentAfter: Duration): AbsenceStep => absence.ready({}, { silentAfter } as RuleContext)

/** A device that speaks by itself, for so many days. */
function speaking(every: Duration, days: number, random: Random): Outcome {
  const availability = availabilityOf(undefined, { reportsEvery: every, isPolled: false })
  const step = ruleFor(silenceOf(availability))
  let state: object = absence.start
  let alarms = 0
  let lastHeard = instant(0)
  let wakeAt = step(absence.start, { kind: 'wake', lastHeard }, lastHeard).wakeAt ?? lastHeard
  /** Wakes up to then. */
  const wakeUntil = (until: Instant): Instant | undefined => {
    while (wakeAt <= until) {
      const now = wakeAt
      const next = step(state, { kind: 'wake', lastHeard }, now)
      state = next.state
      wakeAt = next.wakeAt ?? instant(Infinity)
      if (next.raise) return now
    }
    return undefined
  }
  const count = Math.floor((days * DAY_MS) / every)
  for (let number = 1; number <= count; number++) {
    if (random.next() < LOST_SHARE) continue
    const at = instant(Math.round((number + random.next() * MOST_LATE) * every))
    if (wakeUntil(at) !== undefined) alarms++
    const next = step(state, { kind: 'heard', deviceId: 'it' }, at)
    state = next.state
    lastHeard = at
    wakeAt = next.wakeAt ?? wakeAt
  }
  const found = wakeUntil(later(lastHeard, 100 * every + DAY_MS))
  return {
    what: `every ${spanOf(every)}, missing after ${availability.missed}`,
    deviceDays: (count * every) / DAY_MS,
    alarms,
    foundAfter: found === undefined ? Infinity : found - lastHeard,
  }
}

/** A device that is asked: it is missing when it did not answer again and again. */
async function asked(every: Duration, days: number, random: Random): Promise<Outcome> {
  const clock = new ReplayClock(instant(0))
  const availability = availabilityOf(undefined, { reportsEvery: every, isPolled: true })
  const silentAfter = silenceOf(availability)
  let [alarms, isDead, isMissing, heardAt, foundAt] = [0, false, false, 0, Infinity]
  const intake: Pick<Intake, 'accept' | 'lost' | 'unanswered' | 'state'> = {
    accept() {
      // The rule would have spoken of the silence alone.
      if (!isMissing && clock.ticks() - heardAt >= silentAfter) alarms++
      isMissing = false
      heardAt = clock.ticks()
      return Promise.resolve('taken')
    },
    lost: () => undefined,
    state: () => undefined,
    unanswered() {
      isMissing = true
      if (isDead) foundAt = clock.ticks()
      else alarms++
    },
  }
  const device = new AskedDevice({
    // It looks at no more of them.
    device: { id: 'it', profile: { availability } } as Device,
    intake: intake as Intake,
    clock,
    every,
    firstAfter: 0,
    isConnected: () => true,
    ask: () =>
      Promise.resolve(
        isDead || random.next() < LOST_SHARE
          ? { is: 'missed', reason: 'no answer in time' }
          : { is: 'read', fields: {} },
      ),
  })
  const abort = new AbortController()
  const running = device.run(abort.signal)
  await turnedTo(clock, instant(days * DAY_MS))
  isDead = true
  await turnedTo(clock, instant((days + 1) * DAY_MS))
  abort.abort()
  await running
  return {
    what: `asked every ${spanOf(every)}, missing after ${availability.missed}`,
    deviceDays: days,
    alarms,
    foundAfter: foundAt - heardAt,
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** Between two timers all that waits for a promise goes on. */
async function turnedTo(clock: ReplayClock, until: Instant): Promise<void> {
  do await settled()
  while (clock.step(until))
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
