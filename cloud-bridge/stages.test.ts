import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Stage, StageMove } from '../gateway/stage.ts'
import { openPath, tempFolder, tinyBox, type Path, type PathOptions } from '../tests/fixtures.ts'
import { ScriptedConnector } from '../tests/scripted-connector.ts'
import { StageListener } from './stages.ts'

class Line {
  readonly clock: FakeClock
  readonly connector: ScriptedConnector
  readonly troubles: string[] = []
  readonly states: string[] = []
  readonly #t: TestContext
  readonly #options: PathOptions
  #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  path: Path

  private constructor(t: TestContext, options: PathOptions, path: Path, clock: FakeClock) {
    this.#t = t
    this.#options = options
    this.path = path
    this.clock = clock
    this.connector = new ScriptedConnector(() => clock.ticks())
  }

  /** A box with two cases that the platform has. */
  static async open(t: TestContext): Promise<Line> {
    const folder = tempFolder(t)
    const clock = new FakeClock()
    const options = { box: await tinyBox(folder), folder, clock }
    const path = await openPath(t, options)
    for (const deviceId of ['d1', 'd2']) await path.pipeline.accept({ deviceId, fields: { smoke: true } })
    return new Line(t, options, path, clock)
  }

  async start(): Promise<void> {
    this.#abort = new AbortController()
    const { store, cases, outbox } = this.path
    const listener = new StageListener({
      clock: this.clock,
      store,
      cases,
      outbox,
      connector: this.connector,
      state: (subject, word) => this.states.push(`${subject} ${word}`),
      trouble: (what, example) => this.troubles.push(`${what}: ${example}`),
    })
    this.#running = listener.run(this.#abort.signal).catch(() => undefined) // the abort
    await this.rest()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.path.stop()
    this.path = await openPath(this.#t, this.#options)
    await this.start()
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#running
  }

  async rest(): Promise<void> {
    await this.clock.turn(0)
    await this.path.store.settled()
    await this.clock.turn(0)
  }

  async wait(ms: number): Promise<void> {
    await this.clock.turn(ms)
    await this.rest()
  }

  /** Answers the poll that waits. */
  async tell(cursor: string, ...moves: StageMove[]): Promise<void> {
    this.connector.polls.at(-1)?.answer({ moves, cursor })
    await this.rest()
  }

  move(index: number, stage: Stage, version: number): StageMove {
    const key = this.path.stored()[index]?.key ?? ''
    return { key, stage, version, at: '2026-03-02T00:00:00Z' }
  }

  get cursors(): readonly string[] {
    return this.connector.polls.map(({ question }) => question)
  }

  get stages(): readonly Stage[] {
    return this.path.stored().map(({ stage }) => stage)
  }

  get storedCursor(): unknown {
    return this.path.store.reader.prepare('SELECT cursor FROM cursors').pluck().get()
  }
}

test('moves are applied and the cursor kept, and a restart goes on from it', async (t) => {
  const line = await Line.open(t)
  await line.start()
  await line.tell('c1', line.move(0, 'accepted', 1), line.move(1, 'filed', 1))
  assert.deepEqual([line.stages, line.storedCursor], [['accepted', 'filed'], 'c1'])
  await line.tell('c2', line.move(0, 'closed', 2))
  await line.restart()
  assert.deepEqual(line.cursors, ['', 'c1', 'c2', 'c2'])
  assert.deepEqual(line.stages, ['closed', 'filed'])
  await line.stop()
})

test('moves and cursor are stored together or not at all', async (t) => {
  const line = await Line.open(t)
  await line.start()
  await line.tell('c1', line.move(0, 'accepted', 1))
  const commit = line.path.store.commit.bind(line.path.store)
  const refuse: typeof commit = (unit) => {
    if (unit.changes.length === 0) return commit(unit)
    assert.ok(
      unit.changes.some(([name]) => name === 'putCase') &&
        unit.changes.some(([name]) => name === 'putCursor'),
    )
    unit.undo()
    return Promise.reject(new GanglionError('store-full', 'no room'))
  }
  line.path.store.commit = refuse
  await line.tell('c2', line.move(0, 'closed', 2))
  assert.deepEqual([line.stages, line.storedCursor], [['accepted', 'raised'], 'c1'])
  assert.deepEqual(line.troubles, ['stages could not be stored: no room'])
  line.path.store.commit = commit
  assert.equal(line.cursors.length, 2)
  await line.wait(2000)
  assert.deepEqual(line.cursors, ['', 'c1', 'c1'])
  await line.tell('c2', line.move(0, 'closed', 2))
  assert.deepEqual([line.stages, line.storedCursor], [['closed', 'raised'], 'c2'])
  await line.stop()
})

test('moves that come late, twice or for cases of others do no harm', async (t) => {
  const line = await Line.open(t)
  await line.start()
  const stranger = { ...line.move(0, 'filed', 1), key: 'f'.repeat(64) }
  await line.tell('c1', line.move(0, 'closed', 5), stranger)
  await line.tell(
    'c2',
    line.move(0, 'processing', 4),
    line.move(0, 'closed', 5),
    line.move(0, 'processing', 6),
  )
  assert.deepEqual(line.stages, ['closed', 'raised'])
  assert.deepEqual(line.troubles, [`stage of a case that is not ours: ${stranger.key}`])
  await line.stop()
})

test('a platform that is away is asked again after 2 s, or when it said', async (t) => {
  const line = await Line.open(t)
  line.connector.onPoll = () => ({ is: 'away', reason: 'refused', waitMs: 7000 })
  await line.start()
  await line.wait(6999)
  assert.equal(line.cursors.length, 1)
  line.connector.onPoll = () => ({ is: 'away', reason: 'refused' })
  await line.wait(1)
  await line.wait(2000)
  assert.deepEqual(
    line.connector.polls.map(({ at }) => at),
    [0, 7000, 9000],
  )
  assert.equal(line.states.at(-1), 'stages platform away')
  await line.stop()
})

test('a platform that does not wait for moves is not asked without end', async (t) => {
  for (const cursor of ['', 'c1']) {
    const line = await Line.open(t)
    let count = 0
    line.connector.onPoll = () => ({ moves: [], cursor: cursor && `${cursor}-${count++}` })
    await line.start()
    for (let second = 0; second < 10; second++) await line.wait(1000)
    assert.deepEqual(
      line.connector.polls.map(({ at }) => at / 1000),
      [0, 2, 4, 6, 8, 10],
    )
    await line.stop()
  }
})

test('a platform that waited is asked again at once', async (t) => {
  const line = await Line.open(t)
  await line.start()
  await line.wait(25_000)
  await line.tell('')
  assert.equal(line.cursors.length, 2)
  await line.stop()
})
