import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { shippedRooms } from '../../commands/rooms.ts'
import { loadBox, type Box } from '../../gateway/config.ts'
import { Draft } from '../../gateway/draft.ts'
import { History } from '../../gateway/history/history.ts'
import { LastReadings } from '../../gateway/last-readings.ts'
import { ReplayClock } from '../../gateway/replay-clock.ts'
import { Store } from '../../gateway/store/store.ts'
import { deviceDay, usualEvery, type DayPlan } from './device-day.ts'

/** The devices of one invented shed. */
const shedDevices = [
  'dny-station',
  'arc-protector-5b',
  'chint-ddsu666',
  'heiman-hs1sa',
  'door-contact',
] as const
export const DEVICES_A_SHED = shedDevices.length
const UNITS_A_SITE = 2

/** A box folder of so many sheds, each with a station, a protector, a meter, a smoke alarm and a door. */
export async function makeSheds(folder: string, sheds: number): Promise<Box> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'box.yaml'),
    stringify({
      id: 'recorded',
      name: { zh: '录制盒', en: 'Recorded box' },
      listen: { api: '127.0.0.1:0' },
      catalogue: 'demo',
      packs: ['ebike-shed', 'fire'],
      connectors: [],
    }),
  )
  for (let shed = 0; shed < sheds; shed++) writeFileSync(join(folder, `shed-${shed}.yaml`), shedFile(shed))
  return loadBox(folder, await shippedRooms())
}

function shedFile(shed: number): string {
  const via = [
    { tcp: { physId: (0x04000000 + shed).toString(16).toUpperCase().padStart(8, '0') } },
    ...Array.from({ length: UNITS_A_SITE }, (_, unit) => ({
      'modbus-tcp': {
        host: '127.0.0.1',
        port: 1502,
        unit: 1 + ((shed * UNITS_A_SITE + unit) % 240),
        every: '30 s',
      },
    })),
    { mqtt: {} },
    { mqtt: {} },
  ]
  return stringify({
    name: { zh: '录制棚', en: 'Recorded shed' },
    kind: 'ebike-shed',
    address: '演示市示范区和平街道一号社区青松路1号（测试）',
    gridCode: '99010100100101',
    position: { lng: 123.5, lat: 29.5, crs: 'WGS84' },
    trialDays: 0,
    devices: shedDevices.map((profile, index) => ({ id: `${profile}-${shed}`, profile, via: via[index] })),
  })
}

/** At most so many messages wait for their commit. */
const COMMITS_AT_ONCE = 500

export interface Recorded {
  readonly messages: number
  readonly readings: number
}

/** Writes days of a fleet by way of the real store, last readings and history, as fast as they take it. */
export async function recordDays(dataFolder: string, plan: Omit<DayPlan, 'every'>): Promise<Recorded> {
  const clock = new ReplayClock(plan.from)
  const store = await Store.open({ folder: dataFolder, sync: 'off' })
  let failed: string | undefined
  const history = new History({
    store,
    clock,
    folder: dataFolder,
    trouble: (what, example) => (failed = `${what}: ${example}`),
  })
  const lastReadings = new LastReadings(store, clock, plan.devices, () => history.movedTo)
  let messages = 0
  let readings = 0
  try {
    let commits: Promise<void>[] = []
    for (const message of deviceDay({ ...plan, every: usualEvery })) {
      while (clock.step(message.at));
      const draft = new Draft()
      lastReadings.heard(draft, message.device.id, message.readings, message.at)
      commits.push(store.commit(draft))
      messages++
      readings += message.readings.length
      if (commits.length < COMMITS_AT_ONCE) continue
      await Promise.all(commits)
      commits = []
      // The log must not run ahead of those who follow it by more than it would in life.
      if (messages % (40 * COMMITS_AT_ONCE) === 0) await history.tail()
    }
    await Promise.all(commits)
    while (clock.step(plan.to));
    await history.tail()
    if (failed !== undefined) throw new Error(failed)
  } finally {
    await lastReadings.close()
    await history.close()
    await store.close()
  }
  return { messages, readings }
}
