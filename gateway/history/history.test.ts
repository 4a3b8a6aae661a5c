import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import fastify from 'fastify'
import { FakeClock, instant, later, pause, systemClock, type Instant } from '../../base/clock.ts'
import { atEnd, openStore, tempFolder } from '../../tests/fixtures.ts'
import type { Change } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { historyFileOf } from './history-file.ts'
import { History } from './history.ts'
import { historyRoutes } from './routes.ts'

const HOUR_MS = 3_600_000

interface Desk {
  readonly store: Store
  readonly clock: FakeClock
  readonly folder: string
  readonly troubles: string[]
  history: History
}

async function newDesk(t: TestContext): Promise<Desk> {
  const folder = tempFolder(t)
  const store = await openStore(t, folder)
  const clock = new FakeClock()
  const troubles: string[] = []
  const desk = { store, clock, folder, troubles, history: newHistory(store, clock, folder, troubles) }
  atEnd(t, () => desk.history.close())
  return desk
}

const newHistory = (store: Store, clock: FakeClock, folder: string, troubles: string[]): History =>
  new History({ store, clock, folder, trouble: (what, example) => troubles.push(`${what}: ${example}`) })

const row = (deviceId: string, at: Instant, value: number | boolean, quality = 'good'): Change => {
  const quantity = typeof value === 'boolean' ? 'smoke' : 'power'
  const readings = JSON.stringify([{ quantity, part: '', value, quality, at }])
  return ['putArrival', 'shed', deviceId, at, readings, null, null, null, null]
}

/** A reading a minute from the clock's now on; the clock stands. */
async function say(desk: Desk, minutes: number): Promise<Instant> {
  const begin = desk.clock.now()
  const at = (minute: number): Instant => later(begin, minute * 60_000)
  await desk.store.put(...Array.from({ length: minutes }, (_, minute) => row('d1', at(minute), minute)))
  return begin
}

const power = { deviceId: 'd1', quantity: 'power', part: '' } as const

test('a point is found whether its rows were moved or stand in the log, and by steps', async (t) => {
  const desk = await newDesk(t)
  const begin = await say(desk, 150)
  const span = { from: begin, to: later(begin, 150 * 60_000) }
  const rows = Array.from({ length: 150 }, (_, value) => {
    return { at: begin + value * 60_000, value, quality: 'good' }
  })
  assert.deepEqual(await desk.history.query({ ...power, ...span }), { rows, isCut: false })
  await desk.clock.turn(150 * 60_000)
  const { figures } = await desk.history.tail()
  assert.ok(figures.messages >= 120, `${figures.messages} messages were moved`)
  assert.equal(desk.history.movedTo, figures.movedTo)
  assert.deepEqual(await desk.history.query({ ...power, ...span }), { rows, isCut: false })
  const later10 = { from: later(begin, 10 * 60_000), to: later(begin, 13 * 60_000) }
  assert.deepEqual(await desk.history.query({ ...power, ...later10 }), {
    rows: rows.slice(10, 13),
    isCut: false,
  })
  const steps = await desk.history.query({ ...power, ...span, every: HOUR_MS })
  assert.deepEqual(steps, {
    steps: [
      { at: begin, count: 60, bad: 0, min: 0, max: 59, avg: 29.5, last: 59 },
      { at: begin + HOUR_MS, count: 60, bad: 0, min: 60, max: 119, avg: 89.5, last: 119 },
      { at: begin + 2 * HOUR_MS, count: 30, bad: 0, min: 120, max: 149, avg: 134.5, last: 149 },
    ],
  })
  assert.deepEqual(await desk.history.query({ ...power, deviceId: 'nobody', ...span }), {
    rows: [],
    isCut: false,
  })
})

test('a step counts bad values and leaves them out; a flag counts as 0 and 1', async (t) => {
  const desk = await newDesk(t)
  const begin = desk.clock.now()
  await desk.store.put(
    row('d1', begin, true),
    row('d1', later(begin, 1), false),
    row('d1', later(begin, 2), true, 'bad'),
    row('d1', later(begin, 3), false),
    row('d1', later(begin, 4), false),
  )
  const span = { from: begin, to: later(begin, 10), every: 10 }
  assert.deepEqual(await desk.history.query({ deviceId: 'd1', quantity: 'smoke', part: '', ...span }), {
    steps: [{ at: begin, count: 5, bad: 1, min: 0, max: 1, avg: 0.25, last: false }],
  })
})

test('after a restart the history goes on where it stood', async (t) => {
  const desk = await newDesk(t)
  const begin = await say(desk, 70)
  await desk.clock.turn(70 * 60_000)
  await desk.history.tail()
  const { movedTo } = desk.history
  assert.ok(movedTo >= 60)
  await desk.history.close()
  desk.history = newHistory(desk.store, desk.clock, desk.folder, desk.troubles)
  assert.equal(desk.history.movedTo, movedTo)
  assert.equal(desk.history.figures?.messages, 60)
  const answer = await desk.history.query({ ...power, from: begin, to: later(begin, 70 * 60_000) })
  assert.equal('rows' in answer && answer.rows.length, 70)
  assert.deepEqual(desk.troubles, [])
})

test('an hour that is over is moved by itself, and the thread goes when nobody asks', async (t) => {
  const desk = await newDesk(t)
  await say(desk, 50)
  await desk.clock.turn(59 * 60_000)
  assert.equal(desk.history.movedTo, 0)
  await desk.clock.turn(2 * 60_000)
  await until(() => desk.history.movedTo === 50)
  await desk.clock.turn(10 * 60_000)
  // Asked again, another thread begins.
  const answer = await desk.history.query({ ...power, from: instant(0), to: desk.clock.now() })
  assert.equal('rows' in answer && answer.rows.length, 50)
})

test('a thread that dies is said, and the next question begins another', async (t) => {
  const desk = await newDesk(t)
  const begin = await say(desk, 5)
  // No file of the log, no thread.
  const elsewhere = tempFolder(t)
  const store = { reader: desk.store.reader, file: `${elsewhere}/none.db`, isFull: false } as unknown as Store // what History reads of it
  const broken = newHistory(store, desk.clock, elsewhere, desk.troubles)
  await assert.rejects(
    broken.query({ ...power, from: begin, to: desk.clock.now() }),
    /store-failed|thread failed/,
  )
  await broken.close()
  await desk.history.query({ ...power, from: begin, to: desk.clock.now() })
  assert.ok(existsSync(historyFileOf(desk.folder)))
})

test('the route answers a point by rows or steps, and refuses what has no bounds', async (t) => {
  const desk = await newDesk(t)
  const begin = await say(desk, 30)
  const app = fastify()
  historyRoutes({ history: desk.history, clock: desk.clock, deviceIds: ['d1'] })(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  atEnd(t, () => app.close())
  const get = async (path: string): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${url}/api/devices/${path}`)
    return { status: answer.status, body: await answer.json() }
  }
  const iso = (minutes: number): string => new Date(begin + minutes * 60_000).toISOString()
  const rows = await get(`d1/history?quantity=power&from=${iso(0)}&to=${iso(3)}`)
  assert.deepEqual(rows.body, {
    deviceId: 'd1',
    quantity: 'power',
    part: '',
    unit: 'W',
    from: iso(0),
    to: iso(3),
    rows: [0, 1, 2].map((value) => ({ at: iso(value), value, quality: 'good' })),
    isCut: false,
  })
  const steps = await get(`d1/history?quantity=power&from=${iso(0)}&to=${iso(30)}&every=15min`)
  assert.deepEqual((steps.body as { steps: unknown }).steps, [
    { at: iso(0), count: 15, bad: 0, min: 0, max: 14, avg: 7, last: 14 },
    { at: iso(15), count: 15, bad: 0, min: 15, max: 29, avg: 22, last: 29 },
  ])
  for (const [path, status] of [
    ['nobody/history?quantity=power', 404],
    ['d1/history', 400],
    ['d1/history?quantity=nonsense', 400],
    ['d1/history?quantity=power&from=yesterday', 400],
    [`d1/history?quantity=power&from=${iso(3)}&to=${iso(0)}`, 400],
    ['d1/history?quantity=power&every=1ms', 400],
    ['d1/history?quantity=power&every=0s', 400],
    ['d1/history?quantity=power&more=1', 400],
  ] as const) {
    assert.equal((await get(path)).status, status, path)
  }
})

async function until(isSo: () => boolean): Promise<void> {
  const began = systemClock.ticks()
  while (!isSo()) {
    assert.ok(systemClock.ticks() - began < 20_000, 'it does not come')
    await pause(systemClock, 5)
  }
}
