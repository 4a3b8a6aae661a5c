import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Entry } from '../gateway/outbox.ts'
import type { Away, Delivery, DeliveryAnswer } from '../gateway/ports.ts'
import type { Change } from '../gateway/store/schema.ts'
import { openPath, tempFolder, tinyBox, type Path, type PathOptions } from '../tests/fixtures.ts'
import { ScriptedConnector } from '../tests/scripted-connector.ts'
import { Deliverer, ProofCarrier, type DeliverContext } from './deliver.ts'

const taken: DeliveryAnswer = { is: 'taken' }
const away = (waitMs?: number): Away => ({
  is: 'away',
  reason: 'refused',
  ...(waitMs !== undefined && { waitMs }),
})
const allTaken = (batch: readonly Delivery[]): readonly DeliveryAnswer[] => batch.map(() => taken)

/** An outbox and what carries it to a far end of the test's making. */
class Line {
  readonly clock = new FakeClock()
  readonly connector = new ScriptedConnector(() => this.clock.ticks())
  readonly states: string[] = []
  readonly troubles: string[] = []
  readonly #t: TestContext
  readonly #options: PathOptions
  #abort = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #seq = 0
  path: Path

  private constructor(t: TestContext, options: PathOptions, path: Path, clock: FakeClock) {
    this.#t = t
    this.#options = options
    this.path = path
    this.clock = clock
  }

  static async open(t: TestContext): Promise<Line> {
    const folder = tempFolder(t)
    const clock = new FakeClock()
    const options = { box: await tinyBox(folder), folder, clock }
    return new Line(t, options, await openPath(t, options), clock)
  }

  get context(): DeliverContext {
    const { store, cases, outbox } = this.path
    return {
      clock: this.clock,
      store,
      cases,
      outbox,
      connector: this.connector,
      state: (subject, word) => {
        if (this.states.at(-1) !== `${subject} ${word}`) this.states.push(`${subject} ${word}`)
      },
      trouble: (what, example) => this.troubles.push(`${what}: ${example}`),
    }
  }

  /** Puts revisions such as `a:1` into the outbox; a key in capitals is life-safety. */
  async put(...names: string[]): Promise<void> {
    const entries = names.map((name): Entry => {
      const [key = '', revision] = name.split(':')
      const isFirstClass = key === key.toUpperCase()
      return { seq: ++this.#seq, key, revision: Number(revision), isFirstClass, body: name }
    })
    const changes = entries.map(({ seq, key, revision, isFirstClass, body = '' }): Change => {
      return ['putOutbox', seq, 'platform', 'shed', key, revision, isFirstClass ? 1 : 0, 0, body]
    })
    await this.path.store.put(...changes)
    for (const entry of entries) this.path.outbox.push(entry)
    await this.rest()
  }

  async start(Work: typeof Deliverer | typeof ProofCarrier = Deliverer): Promise<void> {
    this.#abort = new AbortController()
    this.#running = new Work(this.context).run(this.#abort.signal)
    this.#running.catch(() => undefined) // looked at by `ended`
    await this.rest()
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#running.catch(() => undefined)
    await this.path.store.settled()
  }

  ended(): Promise<unknown> {
    return this.#running
  }

  /** The gateway ends and begins again on what is stored. */
  async restart(): Promise<void> {
    await this.stop()
    await this.path.stop()
    this.path = await openPath(this.#t, this.#options)
    await this.start()
  }

  /** All that can happen without time does. */
  async rest(): Promise<void> {
    await this.clock.turn(0)
    await this.path.store.settled()
    await this.clock.turn(0)
  }

  async wait(ms: number): Promise<void> {
    await this.clock.turn(ms)
    await this.rest()
  }

  /** What was sent, request by request. */
  get sent(): readonly string[] {
    return this.connector.sends.map(({ question }) => question.map(({ body }) => body).join(' '))
  }

  get times(): readonly number[] {
    return this.connector.sends.map(({ at }) => at / 1000)
  }

  get rows(): readonly string[] {
    const rows = this.path.store.reader.prepare(
      "SELECT body || ifnull(' ' || refused, '') FROM outbox ORDER BY seq",
    )
    return rows.pluck().all() as string[] // one text column
  }
}

test('what waits together travels together, life-safety first, and is gone when it was taken', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'b:1', 'FIRE:1')
  line.connector.onSend = allTaken
  await line.start()
  assert.deepEqual(line.sent, ['FIRE:1 a:1 b:1'])
  assert.deepEqual(line.rows, [])
  assert.deepEqual(line.states, ['platform delivering'])
  await line.put('c:1')
  assert.deepEqual(line.sent.slice(1), ['c:1'])
  await line.stop()
})

test('a case that the platform took is delivered', async (t) => {
  const line = await Line.open(t)
  line.connector.onSend = allTaken
  await line.start()
  await line.path.pipeline.accept({ deviceId: 'd1', fields: { smoke: true } })
  await line.rest()
  const [found] = line.path.stored()
  assert.equal(found?.stage, 'delivered')
  assert.equal(line.path.outbox.waiting, 0)
  await line.stop()
})

test('two requests are under way while all is well, and the next when one was answered', async (t) => {
  const line = await Line.open(t)
  await line.start()
  for (const name of ['a:1', 'b:1', 'c:1', 'd:1']) await line.put(name)
  assert.deepEqual(line.sent, ['a:1', 'b:1'])
  line.connector.sends[1]?.answer([taken])
  await line.rest()
  assert.deepEqual(line.sent, ['a:1', 'b:1', 'c:1 d:1'])
  await line.stop()
})

test('one revision of a case is under way at a time, in order', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'a:2', 'b:1', 'a:3')
  line.connector.onSend = allTaken
  await line.start()
  assert.deepEqual(line.sent, ['a:1 b:1', 'a:2', 'a:3'])
  await line.stop()
})

test('a platform that is away is probed every 2 s for 5 minutes, then every 30 s', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'b:1')
  line.connector.onSend = () => away()
  await line.start()
  for (let second = 0; second < 400; second++) await line.clock.turn(1000)
  const soon = Array.from({ length: 151 }, (_, index) => index * 2)
  assert.deepEqual(line.times, [...soon, 330, 360, 390])
  assert.deepEqual(line.states, ['platform away'])
  line.connector.onSend = allTaken
  await line.put('c:1')
  await line.wait(20_000)
  assert.equal(line.sent.at(-1), 'a:1 b:1 c:1')
  assert.deepEqual([line.path.outbox.waiting, line.rows], [0, []])
  assert.deepEqual(line.states, ['platform away', 'platform delivering'])
  await line.stop()
})

test('a new trouble begins with probes of 2 s again', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1')
  line.connector.onSend = () => away()
  await line.start()
  for (let second = 0; second < 330; second++) await line.clock.turn(1000)
  line.connector.onSend = allTaken
  await line.wait(30_000)
  line.connector.onSend = () => away()
  const before = line.times.length
  await line.put('b:1')
  const now = line.clock.ticks() / 1000
  await line.wait(2000)
  assert.deepEqual(line.times.slice(before), [now, now + 2])
  await line.stop()
})

test('the wait that the platform asks for is obeyed, and never shortens ours', async (t) => {
  for (const [asked, wanted] of [
    [45_000, 45],
    [500, 2],
  ] as const) {
    const line = await Line.open(t)
    await line.put('a:1')
    line.connector.onSend = () => away(asked)
    await line.start()
    for (let second = 0; second < wanted; second++) await line.clock.turn(1000)
    assert.deepEqual(line.times, [0, wanted])
    await line.stop()
  }
})

test('while a request hangs the platform is probed every 2 s; one that answers frees the others', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1')
  await line.start()
  await line.put('b:1')
  await line.put('c:1')
  await line.wait(1999)
  assert.deepEqual(line.sent, ['a:1', 'b:1'])
  await line.wait(1)
  assert.deepEqual(line.sent, ['a:1', 'b:1', 'c:1'])
  await line.put('d:1')
  assert.equal(line.sent.length, 3)
  await line.wait(2000)
  assert.deepEqual(line.sent.slice(3), ['d:1'])
  line.connector.onSend = allTaken
  line.connector.sends[3]?.answer([taken])
  await line.rest()
  const [a, b, c] = line.connector.sends
  assert.deepEqual([a?.signal.aborted, b?.signal.aborted, c?.signal.aborted], [true, true, true])
  assert.deepEqual(line.sent.slice(4).join(' ').split(' ').sort(), ['a:1', 'b:1', 'c:1'])
  assert.deepEqual([line.rows, line.states], [[], ['platform delivering']])
  await line.stop()
})

test('a refused revision is shown and settled, and the next one of its case goes', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'a:2', 'b:1')
  line.connector.onSend = (batch) =>
    batch.map(({ body }) => (body === 'a:1' ? { is: 'refused', reason: 'no such class' } : taken))
  await line.start()
  assert.deepEqual(line.sent, ['a:1 b:1', 'a:2'])
  assert.deepEqual(line.rows, ['a:1 no such class'])
  assert.deepEqual(line.troubles, ['platform-refused: a:1 no such class'])
  assert.deepEqual([line.path.outbox.waiting, line.path.outbox.refused], [0, 1])
  await line.restart()
  assert.equal(line.path.outbox.refused, 1)
  assert.equal(line.sent.length, 2)
  await line.stop()
})

test('a revision that is wanted later comes back after 2 s and holds up only its own case', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'a:2', 'b:1')
  let isBusy = true
  line.connector.onSend = (batch) =>
    batch.map(({ key }) => (key === 'a' && isBusy ? { is: 'later', reason: 'busy' } : taken))
  await line.start()
  await line.put('c:1')
  assert.deepEqual(line.sent, ['a:1 b:1', 'c:1'])
  isBusy = false
  await line.wait(1999)
  assert.equal(line.sent.length, 2)
  await line.wait(1)
  assert.deepEqual(line.sent.slice(2), ['a:1', 'a:2'])
  assert.deepEqual(line.rows, [])
  await line.stop()
})

test('entries for which no answer came are sent again', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'b:1')
  let count = 0
  line.connector.onSend = (batch) => (count++ === 0 ? [taken] : allTaken(batch))
  await line.start()
  await line.wait(2000)
  assert.deepEqual(line.sent, ['a:1 b:1', 'b:1'])
  assert.deepEqual(line.rows, [])
  await line.stop()
})

test('nothing is lost when the connector breaks', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1', 'b:1')
  line.connector.onSend = () => {
    throw new Error('a mistake in the connector')
  }
  await line.start()
  assert.deepEqual(line.states, ['platform away'])
  line.connector.onSend = allTaken
  await line.wait(2000)
  assert.deepEqual(line.sent, ['a:1 b:1', 'a:1 b:1'])
  assert.deepEqual(line.rows, [])
  await line.stop()
})

test('a restart delivers what was left, and once more what was under way', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1')
  await line.start()
  await line.put('b:1', 'a:2')
  assert.deepEqual(line.sent, ['a:1', 'b:1'])
  await line.restart()
  assert.deepEqual(line.sent.slice(2), ['a:1 b:1'])
  line.connector.onSend = allTaken
  line.connector.sends[2]?.answer([taken, taken])
  await line.rest()
  assert.deepEqual(line.sent.slice(3), ['a:2'])
  assert.deepEqual(line.rows, [])
  await line.stop()
})

test('an answer in the moment of the stop is noted, and a stop is no trouble of the platform', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1')
  await line.start()
  await line.put('b:1')
  line.connector.endsWithAbort = false
  let hasEnded = false
  const stopped = line.stop().then(() => (hasEnded = true))
  await line.rest()
  assert.equal(hasEnded, false, 'it ended before its requests')
  line.connector.sends[0]?.answer([taken])
  line.connector.sends[1]?.answer(away())
  await stopped
  assert.deepEqual(line.rows, ['b:1'])
  assert.deepEqual(line.states, ['platform delivering'])
})

test('what could not be noted is shown, and delivered once more at the next start', async (t) => {
  const line = await Line.open(t)
  await line.put('a:1')
  const commit = line.path.store.commit.bind(line.path.store)
  line.path.store.commit = (unit) => {
    if (unit.changes.length === 0) return commit(unit)
    unit.undo()
    return Promise.reject(new GanglionError('store-full', 'no room'))
  }
  line.connector.onSend = allTaken
  await line.start()
  assert.deepEqual([line.sent, line.troubles], [['a:1'], ['delivery could not be noted: no room']])
  line.path.store.commit = commit
  await line.restart()
  assert.deepEqual([line.sent, line.rows], [['a:1', 'a:1'], []])
  await line.stop()
})

const fate = fc.constantFrom('taken', 'taken', 'later', 'away', 'throw', 'short', 'hang' as const)

test('whatever the platform does, each revision is taken once, in order, and none is lost', async (t) => {
  const line = await Line.open(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fate, { maxLength: 12, size: 'max' }),
      fc.array(fc.nat(4), { minLength: 1, maxLength: 25, size: 'max' }),
      async (fates, cases) => {
        run++
        const got: string[] = []
        const left = [...fates]
        line.connector.onSend = (batch) => {
          const next = left.shift() ?? 'taken'
          if (next === 'throw') throw new Error('broken')
          if (next === 'away') return away()
          const answers = batch.map((_, index): DeliveryAnswer => {
            return next === 'later' && index % 2 === 0 ? { is: 'later', reason: 'busy' } : taken
          })
          const said = next === 'short' ? answers.slice(1) : answers
          batch.forEach(({ body }, index) => said[index]?.is === 'taken' && got.push(body))
          return said
        }
        const revisions = new Map<string, number>()
        const names = cases.map((which) => {
          const key = `case${run}-${which}`
          revisions.set(key, (revisions.get(key) ?? 0) + 1)
          return `${key}:${revisions.get(key) ?? 0}`
        })
        await line.put(...names.slice(0, names.length / 2))
        await line.start()
        await line.put(...names.slice(names.length / 2))
        for (let second = 0; second < 40 && line.path.outbox.waiting > 0; second++) await line.wait(1000)
        await line.stop()
        assert.deepEqual([...got].sort(), [...names].sort())
        for (const key of revisions.keys()) {
          const own = got
            .filter((name) => name.startsWith(`${key}:`))
            .map((name) => Number(name.split(':')[1]))
          assert.deepEqual(
            own,
            Array.from({ length: own.length }, (_, index) => index + 1),
          )
        }
        assert.deepEqual(line.rows, [])
      },
    ),
    { numRuns: 40 },
  )
})

async function putProof(line: Line, ...letters: string[]): Promise<void> {
  for (const letter of letters) {
    await line.path.store.put(
      ['putUpload', 'platform', letter, 'shed', 'key'],
      ['putEvidence', letter, 'shed', 'key', 1, 'image/jpeg', 'sent', 0],
    )
    line.path.outbox.addUpload({ sha256: letter, size: 1, mediaType: 'image/jpeg', path: letter })
  }
  await line.rest()
}

const proofs = (line: Line): readonly string[] => line.connector.proofs.map(({ question }) => question.sha256)

test('proof files go one after the other, and are gone when they were taken or refused', async (t) => {
  const line = await Line.open(t)
  line.connector.onProof = ({ sha256 }) => (sha256 === 'b' ? { is: 'refused', reason: 'too large' } : taken)
  await line.start(ProofCarrier)
  await putProof(line, 'a', 'b', 'c')
  assert.deepEqual(proofs(line), ['a', 'b', 'c'])
  assert.deepEqual(line.troubles, ['platform-refused: proof b: too large'])
  assert.equal(line.path.outbox.uploads, 0)
  await line.restart()
  assert.equal(line.path.outbox.uploads, 0)
  await line.stop()
})

test('a proof file that is wanted later holds up no other', async (t) => {
  const line = await Line.open(t)
  await putProof(line, 'a', 'b')
  line.connector.onProof = ({ sha256 }) => (sha256 === 'a' ? { is: 'later', reason: 'busy' } : taken)
  await line.start(ProofCarrier)
  await line.wait(2000)
  assert.deepEqual(proofs(line), ['a', 'b', 'a'])
  await line.stop()
})

test('proof waits for a platform that is away as cases do, and a broken connector is supervised', async (t) => {
  const line = await Line.open(t)
  await putProof(line, 'a')
  line.connector.onProof = () => away(9000)
  await line.start(ProofCarrier)
  await line.wait(8999)
  assert.deepEqual(proofs(line), ['a'])
  line.connector.onProof = () => {
    throw new Error('broken')
  }
  await line.wait(1)
  assert.deepEqual(proofs(line), ['a', 'a'])
  await assert.rejects(line.ended(), /broken/)
  assert.equal(line.path.outbox.uploads, 1)
  assert.deepEqual(line.states, ['proof platform away'])
})
