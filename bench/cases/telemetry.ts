import { join } from 'node:path'
import { later, systemClock, type Instant } from '../../base/clock.ts'
import type { Device } from '../../gateway/device.ts'
import { History } from '../../gateway/history/history.ts'
import type { HistoryQuery } from '../../gateway/history/query.ts'
import { Store } from '../../gateway/store/store.ts'
import { seededRandom, type Random } from '../../simulator/random.ts'
import type { Measurement } from '../area.ts'
import { percentile } from '../percentile.ts'
import { dayBegin } from './device-day.ts'
import { makeSheds, recordDays } from './recording.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SEED = 7
/** Some 10,000 readings a minute. */
const MANY_SHEDS = 98
const FEW_SHEDS = 2
const QUERIES = 200
const GIBIBYTE = 2 ** 30

/** 遥测: what a stored reading costs, and how long a question about one point takes. */
export const telemetry: Measurement = {
  rows: ['telemetry-bytes-per-row', 'telemetry-query-p50'],
  kind: 'figures',
  async run(run) {
    run.say('telemetry: what a stored reading costs')
    const hours = run.either(2, 0.5)
    const many = await recorded(run.newFolder('telemetry-many'), MANY_SHEDS, hours * HOUR_MS)
    const perMinute = many.readings / hours / 60
    const bytes = many.fileBytes / many.moved
    const month = (10_000 * 60 * 24 * 30 * bytes) / GIBIBYTE

    const days = run.either(30, 2)
    run.say(`telemetry: questions over ${days} days`)
    const few = await recorded(run.newFolder('telemetry-few'), FEW_SHEDS, days * DAY_MS)
    const asked = await ask(few.dataFolder, few.devices, days)
    const p50s = [...asked].map(([, times]) => percentile(times, 0.5))
    return [
      {
        name: 'telemetry-bytes-per-row',
        value: bytes,
        // 30 days of 10,000 readings a minute have to fit.
        holds: month <= 3 && many.lost === 0,
        notes: {
          messages: many.messages,
          devices: many.devices.length,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [
            `${many.moved.toLocaleString('en')} readings in ${(many.fileBytes / 1e6).toFixed(1)} MB of history.db, ${perMinute.toFixed(0)} readings/min`,
            `30 days of 10,000 readings/min: ${month.toFixed(2)} GiB`,
          ],
        },
      },
      {
        name: 'telemetry-query-p50',
        value: Math.max(...p50s),
        holds: few.lost === 0,
        notes: {
          messages: few.messages,
          devices: few.devices.length,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [...asked].map(
            ([what, times]) =>
              `${what}: p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`,
          ),
        },
      },
    ]
  },
}

async function recorded(folder: string, sheds: number, span: number) {
  const box = await makeSheds(join(folder, 'box'), sheds)
  const devices = [...box.devices.values()]
  const dataFolder = join(folder, 'data')
  const plan = { devices, from: dayBegin, to: later(dayBegin, span), seed: SEED }
  const { messages, readings } = await recordDays(dataFolder, plan)
  const store = await Store.open({ folder: dataFolder })
  const history = newHistory(store, dataFolder)
  const figures = history.figures
  await history.close()
  await store.close()
  return {
    dataFolder,
    devices,
    messages,
    readings,
    moved: figures?.readings ?? 0,
    fileBytes: figures?.bytes ?? Infinity,
    lost: figures?.lost ?? 0,
  }
}

const newHistory = (store: Store, folder: string): History =>
  new History({ store, clock: systemClock, folder, keep: { days: 3650 }, trouble: () => undefined })

/** Answer times in ms by kind of question, asked as the API does: by way of the history's thread. */
async function ask(
  dataFolder: string,
  devices: readonly Device[],
  days: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const store = await Store.open({ folder: dataFolder })
  const history = newHistory(store, dataFolder)
  const end = later(dayBegin, days * DAY_MS)
  const chance = seededRandom(SEED)
  const speaking = devices.filter(({ profile }) => profile.points.length > 5)
  const kinds: readonly (readonly [
    string,
    (from: Instant) => Pick<HistoryQuery, 'from' | 'to' | 'every'>,
  ])[] = [
    ['a day of readings', (from) => ({ from, to: later(from, DAY_MS) })],
    ['a day by 10 min', (from) => ({ from, to: later(from, DAY_MS), every: 10 * 60_000 })],
    [`${days} days by 1 h`, () => ({ from: dayBegin, to: end, every: HOUR_MS })],
  ]
  const times = new Map(kinds.map(([what]): [string, number[]] => [what, []]))
  try {
    for (let i = 0; i < QUERIES; i++) {
      for (const [what, spanFrom] of kinds) {
        const from = later(dayBegin, chance.between(0, Math.max(0, days - 1)) * DAY_MS)
        const query = { ...pointOf(speaking, chance), ...spanFrom(from) }
        const began = systemClock.ticks()
        const answer = await history.query(query)
        times.get(what)?.push(systemClock.ticks() - began)
        if (('rows' in answer ? answer.rows : answer.steps).length === 0)
          throw new Error(`${what}: nothing was found`)
      }
    }
  } finally {
    await history.close()
    await store.close()
  }
  return times
}

function pointOf(
  devices: readonly Device[],
  chance: Random,
): Pick<HistoryQuery, 'deviceId' | 'quantity' | 'part'> {
  const device = devices[chance.between(0, devices.length - 1)]
  const point = device?.profile.points[chance.between(0, device.profile.points.length - 1)]
  if (!device || !point) throw new Error('no device speaks')
  return { deviceId: device.id, quantity: point.quantity, part: point.part }
}
