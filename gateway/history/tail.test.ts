import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { tempFolder } from '../../tests/fixtures.ts'
import { migrations, statements } from '../store/schema.ts'
import { historyFileOf, prepareHistory } from './history-file.ts'
import { Keeper, type Keep } from './keeper.ts'
import { readHistory } from './reader.ts'
import { Tail } from './tail.ts'

const begin = Date.parse('2026-03-02T08:00:00+08:00')
const HOUR_MS = 3_600_000
const everything = { from: instant(0), to: instant(Number.MAX_SAFE_INTEGER) }
const plenty: Keep = { days: 30, bytes: 2 ** 30 }

/** The arrivals log and the history that follows it, without threads: each step is a test's own. */
class Desk {
  readonly log: Database.Database
  readonly #folder: string
  readonly #mostCells: number
  readonly #keep: Keep
  readonly #put
  keeper: Keeper
  tail: Tail
  /** The value of each message that was said, in order. */
  readonly said: number[] = []
  now = begin

  constructor(folder: string, mostCells = 20, keep = plenty) {
    this.#folder = folder
    this.#mostCells = mostCells
    this.#keep = keep
    this.log = new Database(join(folder, 'ganglion.db'))
    this.log.pragma('journal_mode = WAL')
    this.log.pragma('synchronous = OFF')
    for (const migration of migrations) this.log.exec(migration)
    this.#put = this.log.prepare(statements.putArrival)
    ;({ keeper: this.keeper, tail: this.tail } = this.#open())
  }

  #open(): { keeper: Keeper; tail: Tail } {
    const newest = this.log.prepare('SELECT ifnull(max(seq), 0) FROM arrivals').pluck().get() as number // one integer
    prepareHistory(historyFileOf(this.#folder), newest)
    const keeper = new Keeper(historyFileOf(this.#folder), this.#keep)
    return { keeper, tail: new Tail(this.log, keeper, this.#mostCells) }
  }

  say(deviceId: string, readings = 1): void {
    const value = this.said.push(this.said.length) - 1
    const all = Array.from({ length: readings }, (_, i) => {
      return { quantity: 'power', part: i === 0 ? '' : `port-${i}`, value, quality: 'good', at: this.now }
    })
    this.#put.run('shed', deviceId, this.now, JSON.stringify(all), null, null, null, null)
    this.now += 1000
  }

  tailAll(): void {
    while (this.tail.step());
    this.tail.flush(this.now)
  }

  /** As the fold of the last readings does once rows were moved. */
  prune(): void {
    this.log.prepare(statements.pruneArrivals).run(this.keeper.movedTo)
  }

  /** Power off: what was being made is gone. */
  restart(): void {
    this.keeper.close()
    ;({ keeper: this.keeper, tail: this.tail } = this.#open())
  }

  /** The values that a reader finds, in its order. */
  read(): readonly number[] {
    const history = new Database(historyFileOf(this.#folder), { readonly: true })
    try {
      return [...readHistory(this.log, history, everything)].flatMap((one) =>
        one.is === 'message' ? one.readings.slice(0, 1).map(({ value }) => Number(value)) : [],
      )
    } finally {
      history.close()
    }
  }

  close(): void {
    this.keeper.close()
    this.log.close()
  }
}

function newDesk(t: TestContext, mostCells?: number, keep?: Keep): Desk {
  const desk = new Desk(tempFolder(t), mostCells, keep)
  t.after(() => desk.close())
  return desk
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('say' as const),
      device: fc.nat({ max: 3 }),
      readings: fc.nat({ max: 4 }).map((n) => n + 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constantFrom('tail' as const, 'prune' as const, 'restart' as const, 'hour' as const),
    }),
  },
)

test('whatever is said is read back once and in order, however it was moved, pruned and restarted', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const folder = mkdtempSync(join(tmpdir(), 'ganglion-test-'))
      const desk = new Desk(folder)
      try {
        for (const one of steps) {
          if (one.is === 'say') desk.say(`d${one.device}`, one.readings)
          else if (one.is === 'tail') desk.tailAll()
          else if (one.is === 'prune') desk.prune()
          else if (one.is === 'restart') desk.restart()
          else desk.now += HOUR_MS
          assert.deepEqual(desk.read(), desk.said)
        }
        assert.equal(desk.keeper.figures().lost, 0)
      } finally {
        desk.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 40 },
  )
})

test('rows that were moved and not yet pruned are read once', (t) => {
  const desk = newDesk(t)
  for (let i = 0; i < 50; i++) desk.say('d1')
  desk.tailAll()
  assert.ok(desk.keeper.movedTo >= 40, `${desk.keeper.movedTo} rows were moved`)
  desk.restart()
  assert.deepEqual(desk.read(), desk.said)
  desk.tailAll()
  desk.prune()
  desk.restart()
  desk.tailAll()
  assert.deepEqual(desk.read(), desk.said)
})

test('rows that the log let go before they could be moved are counted', (t) => {
  const desk = newDesk(t)
  for (let i = 0; i < 30; i++) desk.say('d1')
  desk.tailAll()
  const { movedTo } = desk.keeper
  for (let i = 0; i < 30; i++) desk.say('d1')
  desk.restart()
  desk.log.prepare(statements.pruneArrivals).run(movedTo + 15)
  for (let i = 0; i < 40; i++) desk.say('d1')
  desk.tailAll()
  assert.equal(desk.keeper.figures().lost, 15)
  assert.deepEqual(
    desk.read(),
    desk.said.filter((value) => value < movedTo || value >= movedTo + 15),
  )
})

test('a log that was begun anew is followed from its first row, and what was moved before stays', (t) => {
  const desk = newDesk(t)
  for (let i = 0; i < 50; i++) desk.say('d1')
  desk.tailAll()
  const moved = desk.keeper.movedTo
  desk.log.exec('DELETE FROM arrivals')
  desk.restart()
  for (let i = 0; i < 30; i++) desk.say('d1')
  desk.tailAll()
  desk.prune()
  assert.deepEqual(
    desk.read(),
    desk.said.filter((value) => value < moved || value >= 50),
  )
})

test('what is too old goes, and times of a clock that was not set go with what follows them', (t) => {
  const desk = newDesk(t, 20, { days: 7, bytes: 2 ** 30 })
  desk.now = 1000
  for (let i = 0; i < 15; i++) desk.say('d1')
  desk.now = begin
  for (let i = 0; i < 15; i++) desk.say('d1')
  desk.now = begin + 24 * HOUR_MS
  for (let i = 0; i < 15; i++) desk.say('d1')
  desk.tailAll()
  desk.now += HOUR_MS
  desk.tailAll()
  desk.prune()
  const day = (days: number) => instant(begin + days * 24 * HOUR_MS)
  desk.keeper.trim(day(6.9))
  assert.equal(desk.read().length, 45)
  desk.keeper.trim(day(7.5))
  assert.deepEqual(desk.read(), desk.said.slice(30))
  desk.keeper.trim(day(9))
  assert.deepEqual(desk.read(), [])
})

test('what is too much goes, the oldest first, and the newest stays', (t) => {
  const desk = newDesk(t, 2000, { days: 30, bytes: 200_000 })
  for (let i = 0; i < 40_000; i++) desk.say(`d${i % 7}`, 1 + (i % 3))
  desk.tailAll()
  desk.prune()
  desk.keeper.trim(instant(desk.now))
  const { bytes, segments } = desk.keeper.figures()
  assert.ok(bytes <= 200_000, `${bytes} bytes are left`)
  assert.ok(segments >= 1)
  const left = desk.read()
  assert.deepEqual(left, desk.said.slice(-left.length))
  assert.ok(left.length > 2000 && left.length < desk.said.length)
})

test('on a full disk the oldest history gives way and is counted', (t) => {
  const desk = newDesk(t)
  for (let i = 0; i < 60; i++) desk.say('d1')
  desk.tailAll()
  desk.keeper.giveWay(false)
  assert.deepEqual(desk.read(), desk.said)
  desk.keeper.giveWay(true)
  const { gaveWay } = desk.keeper.figures()
  assert.ok(gaveWay > 0)
  assert.deepEqual(desk.read(), desk.said.slice(gaveWay))
})

test('a history that is no database any more is put aside and begun anew', (t) => {
  const folder = tempFolder(t)
  const file = historyFileOf(folder)
  writeFileSync(file, 'not a database at all, '.repeat(2000))
  assert.equal(prepareHistory(file, 0).isAnew, true)
  assert.ok(existsSync(`${file}.broken`))
  assert.equal(prepareHistory(file, 0).isAnew, false)
})
