import { join } from 'node:path'
import Database from 'better-sqlite3'
import { instant, systemClock } from '../base/clock.ts'
import { historyFileOf, prepareHistory } from '../gateway/history/history-file.ts'
import { Keeper } from '../gateway/history/keeper.ts'
import { readHistory } from '../gateway/history/reader.ts'
import { Tail } from '../gateway/history/tail.ts'
import { Store } from '../gateway/store/store.ts'

/**
 * Says one number after the other into the arrivals log of the folder of the command line, moves them to the history
 * and prunes the log as fast as it can, and prints each number that is stored, until it is killed. It goes on from
 * the number that it finds.
 */
const folder = process.argv[2] ?? ''
const store = await Store.open({ folder })
const log = new Database(join(folder, 'ganglion.db'), { readonly: true })
const newest = log.prepare('SELECT ifnull(max(seq), 0) FROM arrivals').pluck().get() as number // one integer
prepareHistory(historyFileOf(folder), newest)
const keeper = new Keeper(historyFileOf(folder), { days: 30, bytes: 2 ** 30 })
const tail = new Tail(log, keeper, 60)

let next = 0
for (const one of readHistory(log, keeper.db, { from: instant(0), to: instant(Number.MAX_SAFE_INTEGER) }))
  if (one.is === 'message') next++

for (;;) {
  const number = next++
  const at = systemClock.now()
  const readings = JSON.stringify([{ quantity: 'power', part: '', value: number, quality: 'good', at }])
  await store.put(['putArrival', 'shed', `d${number % 3}`, at, readings, null, null, null, null])
  process.stdout.write(`${number}\n`)
  tail.step()
  if (number % 41 === 0) await store.put(['pruneArrivals', keeper.movedTo])
}
