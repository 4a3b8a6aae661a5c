import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { later, systemClock } from '../../base/clock.ts'
import { runBacktest } from '../../commands/rules/backtest.ts'
import { shippedRooms } from '../../commands/rooms.ts'
import type { Measurement } from '../area.ts'
import { dayBegin } from '../cases/device-day.ts'
import { DEVICES_A_SHED, makeSheds, recordDays } from '../cases/recording.ts'

const HOUR_MS = 3_600_000
const DEVICES = 200
const SEED = 7

/** 回测: a changed pack over a day of 200 devices, beside the active rules. */
export const backtestDay: Measurement = {
  rows: ['backtest-day'],
  kind: 'figures',
  async run(run) {
    const hours = run.either(24, 2)
    run.say(`backtest: ${hours} h of ${DEVICES} devices are recorded`)
    const folder = run.newFolder('backtest')
    const box = await makeSheds(join(folder, 'box'), DEVICES / DEVICES_A_SHED)
    const to = later(dayBegin, hours * HOUR_MS)
    const dataFolder = join(folder, 'data')
    await recordDays(dataFolder, { devices: [...box.devices.values()], from: dayBegin, to, seed: SEED })

    const pack = join(folder, 'tried.yaml')
    const { packs } = await shippedRooms()
    writeFileSync(pack, changed(readFileSync(join(packs, 'ebike-shed.yaml'), 'utf8')))
    run.say('backtest: the day is replayed')
    const began = systemClock.ticks()
    const result = await runBacktest({
      box: join(folder, 'box'),
      data: dataFolder,
      pack,
      as: undefined,
      siteId: undefined,
      from: dayBegin,
      to,
    })
    const tookMs = systemClock.ticks() - began
    const count = (is: string): number => result.differences.filter((one) => one.is === is).length
    return [
      {
        name: 'backtest-day',
        value: tookMs,
        // A backtest that finds no difference has looked at nothing.
        holds: result.differences.length > 0 && result.failures.length === 0,
        notes: {
          messages: result.messages,
          devices: DEVICES,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [
            `${result.readings.toLocaleString('en')} readings of ${hours} h, by the active rules and by the tried ones`,
            `${count('added')} cases added, ${count('removed')} removed, ${count('moved')} moved`,
          ],
        },
      },
    ]
  },
}

/** Another limit: some cases come sooner, and some that were none. */
function changed(pack: string): string {
  const next = pack.replace('above: 500 mA', 'above: 450 mA')
  if (next === pack) throw new Error('the shipped pack has no limit of 500 mA any more')
  return next
}
