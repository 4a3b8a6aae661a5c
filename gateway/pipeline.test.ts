import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { FakeClock, instant, isoTime, later, type Instant } from '../base/clock.ts'
import { codeOf, GanglionError } from '../base/errors.ts'
import { openPath, tempFolder, tinyBox, type Path, type PathOptions } from '../tests/fixtures.ts'
import { Draft } from './draft.ts'
import type { Track } from './detection.ts'
import { isStoreRefusal } from './pipeline.ts'
import type { Accepted, Arrival, Fields, Observation, PictureSource } from './ports.ts'
import { toReading } from './reading.ts'
import type { Stage } from './stage.ts'

/** A path in a folder of its own that can be stopped and started again. */
class Run {
  readonly clock = new FakeClock()
  readonly #t: TestContext
  readonly #options: Omit<PathOptions, 'clock'>
  path: Path

  private constructor(t: TestContext, options: Omit<PathOptions, 'clock'>, path: Path, clock: FakeClock) {
    this.#t = t
    this.#options = options
    this.path = path
    this.clock = clock
  }

  static async start(t: TestContext, options: Partial<PathOptions> = {}): Promise<Run> {
    const folder = tempFolder(t)
    const clock = new FakeClock()
    const all = { box: await tinyBox(folder), folder, ...options }
    const path = await openPath(t, { ...all, clock })
    await clock.turn(0)
    return new Run(t, all, path, clock)
  }

  async restart(): Promise<void> {
    await this.path.stop()
    this.path = await openPath(this.#t, { ...this.#options, clock: this.clock })
    await this.clock.turn(0)
  }

  say(deviceId: string, fields: Fields, rest: Partial<Arrival> = {}): Promise<Accepted> {
    return this.path.pipeline.accept({ deviceId, fields, ...rest })
  }

  /** Time passes, and what follows from it is stored. */
  async wait(ms: number): Promise<void> {
    await this.clock.turn(ms)
    await this.path.store.settled()
    await this.clock.turn(0)
  }

  async move(key: string, stage: Stage, version: number): Promise<void> {
    const draft = new Draft()
    const move = { key, stage, version, at: isoTime(this.clock.now()) }
    assert.equal(this.path.cases.move(draft, move), 'moved')
    await this.path.store.commit(draft)
    draft.stored()
  }

  /** What of the cases matters to most tests. */
  get cases(): readonly (readonly [string, number, number, 'stands' | 'cleared'])[] {
    return this.path
      .stored()
      .map(({ class: cls, revision, count, clearedAt }) => [
        cls,
        revision,
        count,
        clearedAt === null ? 'stands' : 'cleared',
      ])
  }
}

const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1)
  return list[0] as T // counted by the line above
}

test('an alarm becomes a case whose key is the SHA-256 of class, place and since', async (t) => {
  const run = await Run.start(t)
  const now = run.clock.now()
  assert.equal(await run.say('d1', { smoke: true }), 'taken')
  const found = only(run.path.stored())
  const key = createHash('sha256')
    .update(`smoke\nshed/d1\n${isoTime(now)}`)
    .digest('hex')
  assert.equal(found.key, key)
  assert.deepEqual(only(run.path.waiting()), found)
  const { classCode, severity, source, siteId, place, since, stage, drill, use, count, revision } = found
  assert.deepEqual(
    { classCode, severity, source, siteId, place, since, stage, drill, use, count, revision },
    {
      classCode: 'X-SMOKE',
      severity: 'life-safety',
      source: 'sensor',
      siteId: 'shed',
      place: 'shed/d1',
      since: isoTime(now),
      stage: 'raised',
      drill: false,
      use: 'lead',
      count: 1,
      revision: 1,
    },
  )
  assert.deepEqual(
    found.why.readings.map(({ deviceId, quantity, value, at }) => [deviceId, quantity, value, at]),
    [['d1', 'smoke', true, isoTime(now)]],
  )
})

test('the same alarm repeated changes nothing', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true })
  await run.wait(5000)
  assert.equal(await run.say('d1', { smoke: true }), 'taken')
  assert.deepEqual(run.cases, [['smoke', 1, 1, 'stands']])
  assert.equal(run.path.waiting().length, 1)
})

test('the end of an alarm is the next revision, and a new alarm after it the one after', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true })
  await run.wait(1000)
  await run.say('d1', { smoke: false })
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
  assert.equal(only(run.path.stored()).clearedAt, isoTime(run.clock.now()))
  await run.wait(1000)
  await run.say('d1', { smoke: true })
  assert.deepEqual(run.cases, [['smoke', 3, 2, 'stands']])
  const [first, second, third] = run.path.waiting()
  assert.deepEqual([first?.revision, second?.revision, third?.revision], [1, 2, 3])
  assert.equal(new Set([first?.key, second?.key, third?.key]).size, 1)
})

for (const stage of ['closed', 'rejected', 'withdrawn'] as const) {
  test(`an alarm after its case was ${stage} is a new case with a new key`, async (t) => {
    const run = await Run.start(t)
    await run.say('d1', { smoke: true })
    await run.say('d1', { smoke: false })
    const { key } = only(run.path.stored())
    await run.move(key, stage, 1)
    await run.wait(1000)
    await run.say('d1', { smoke: true })
    assert.deepEqual(run.cases, [
      ['smoke', 2, 1, 'cleared'],
      ['smoke', 1, 1, 'stands'],
    ])
    assert.notEqual(run.path.stored()[1]?.key, key)
  })
}

test('a device whose clock stands still gets a new key for a new case', async (t) => {
  const run = await Run.start(t)
  const time = run.clock.now()
  await run.say('d1', { smoke: true }, { time, messageId: '1' })
  await run.say('d1', { smoke: false }, { time, messageId: '2' })
  const { key } = only(run.path.stored())
  await run.move(key, 'closed', 1)
  await run.say('d1', { smoke: true }, { time, messageId: '3' })
  assert.equal(run.path.stored().length, 2)
  assert.equal(new Set(run.path.waiting().map((revision) => `${revision.key}:${revision.revision}`)).size, 3)
})

test('a pressed test button is a drill, a case of its own beside the fire', async (t) => {
  const run = await Run.start(t)
  await run.say('d2', { test: true })
  await run.say('d3', { smoke: true })
  const byDrill = run.path.stored().map(({ drill, place }) => [drill, place])
  assert.deepEqual(byDrill.sort(), [
    [false, 'shed/hall'],
    [true, 'shed/hall'],
  ])
})

test('the cases of a device marked drill are drills, and end as such', async (t) => {
  const run = await Run.start(t)
  await run.say('practice', { smoke: true })
  await run.say('practice', { smoke: false })
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
  assert.equal(only(run.path.stored()).drill, true)
})

test('two devices at one place share one case, which ends with the last of them', async (t) => {
  const run = await Run.start(t)
  await run.say('d2', { smoke: true })
  await run.say('d3', { smoke: true })
  await run.say('d2', { smoke: false })
  assert.deepEqual(run.cases, [['smoke', 1, 1, 'stands']])
  await run.say('d3', { smoke: false })
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
})

test('two rules of one class at one place share one case, which ends with the last of them', async (t) => {
  const run = await Run.start(t)
  await run.say('contact', { open: true })
  await run.say('beam', { beam: true })
  await run.wait(10_000)
  assert.deepEqual(run.cases, [['door', 2, 2, 'stands']])
  await run.say('contact', { open: false })
  assert.deepEqual(run.cases, [['door', 2, 2, 'stands']])
  await run.say('beam', { beam: false })
  await run.wait(2000)
  assert.deepEqual(run.cases, [['door', 3, 2, 'cleared']])
})

test('a standing alarm does not raise again after a restart, and clears as it would have', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true })
  await run.restart()
  await run.say('d1', { smoke: true })
  assert.deepEqual(run.cases, [['smoke', 1, 1, 'stands']])
  await run.restart()
  await run.say('d1', { smoke: false })
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
  assert.equal(run.path.waiting().length, 2)
})

test('a dwell that began before a restart counts from where it began', async (t) => {
  const run = await Run.start(t)
  const since = run.clock.now()
  await run.say('beam', { beam: true })
  await run.wait(6000)
  await run.restart()
  await run.wait(4000)
  const found = only(run.path.stored())
  assert.equal(found.since, isoTime(since))
  assert.equal(found.raisedAt, isoTime(later(since, 10_000)))
})

const publish = (packetId: number, dup: boolean, hash = 'h') => ({
  publish: { account: 'd1', packetId, dup, hash },
})

test('a redelivery after a restart changes nothing; a new message with the same packet id does', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true }, publish(7, false))
  await run.say('d1', { smoke: false }, publish(8, false, 'other'))
  await run.restart()
  assert.equal(await run.say('d1', { smoke: true }, publish(7, true)), 'seen-before')
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
  assert.equal(await run.say('d1', { smoke: true }, publish(7, false)), 'taken')
  assert.deepEqual(run.cases, [['smoke', 3, 2, 'stands']])
})

test('a redelivery is not mistaken for the message of long ago that had its packet id', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true }, publish(1, false))
  await run.say('d1', { smoke: false }, publish(2, false, 'other'))
  await run.wait(11 * 60_000)
  assert.equal(await run.say('d1', { smoke: true }, publish(1, true)), 'taken')
  assert.deepEqual(run.cases, [['smoke', 3, 2, 'stands']])
})

test('a message id seen before is acknowledged and changes nothing, for ten minutes', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true }, { messageId: 'a' })
  await run.say('d1', { smoke: false }, { messageId: 'b' })
  await run.restart()
  assert.equal(await run.say('d1', { smoke: true }, { messageId: 'a' }), 'seen-before')
  await run.wait(10 * 60_000)
  assert.equal(await run.say('d1', { smoke: true }, { messageId: 'a' }), 'seen-before')
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
  await run.wait(60_000)
  assert.equal(await run.say('d1', { smoke: true }, { messageId: 'a' }), 'taken')
  assert.deepEqual(run.cases, [['smoke', 3, 2, 'stands']])
})

test('ids are told apart by device and content', async (t) => {
  const run = await Run.start(t)
  assert.equal(await run.say('d1', { smoke: true }, { messageId: 'a' }), 'taken')
  assert.equal(await run.say('d2', { smoke: true }, { messageId: 'a' }), 'taken')
  assert.equal(await run.say('d1', { smoke: false }, { messageId: 'a' }), 'taken')
})

test('the twin of a message that came in the same turn changes nothing', async (t) => {
  const run = await Run.start(t)
  const answers = await Promise.all([
    run.say('meter', { mA: 600 }, { messageId: 'a' }),
    run.say('meter', { mA: 600 }, { messageId: 'a' }),
  ])
  assert.deepEqual(answers, ['taken', 'seen-before'])
  assert.deepEqual(run.cases, [])
  await run.say('meter', { mA: 600 }, { messageId: 'b' })
  assert.deepEqual(run.cases, [['leak', 1, 1, 'stands']])
})

test('messages without id or time are never dropped: each is a reading', async (t) => {
  const run = await Run.start(t)
  await Promise.all([run.say('meter', { mA: 600 }), run.say('meter', { mA: 600 })])
  assert.deepEqual(run.cases, [['leak', 1, 1, 'stands']])
})

test("a message's own time is believed within 24 h of arrival, else its arrival counts", async (t) => {
  const day = 24 * 3_600_000
  for (const [off, isBelieved] of [
    [-day, true],
    [day, true],
    [-day - 1, false],
    [day + 1, false],
  ] as const) {
    const run = await Run.start(t)
    const now = run.clock.now()
    await run.say('d1', { smoke: true }, { time: later(now, off) })
    assert.equal(only(run.path.stored()).since, isoTime(isBelieved ? later(now, off) : now))
    await run.path.stop()
  }
})

/** Refuses every commit until it is let go, as a broken disk does. */
function breakStore(path: Path): () => void {
  const { store } = path
  const commit = store.commit.bind(store)
  store.commit = (unit) => {
    unit.undo()
    return Promise.reject(new GanglionError('store-failed', 'broken by the test', { retry: 'later' }))
  }
  return () => (store.commit = commit)
}

test('what the store refuses is forgotten, so that the same message raises once the store recovers', async (t) => {
  const run = await Run.start(t)
  const mend = breakStore(run.path)
  for (const fields of [{ smoke: true }, { smoke: true }]) {
    await assert.rejects(run.say('d1', fields, { messageId: 'a' }), isStoreRefusal)
  }
  assert.equal(run.path.cases.ongoing, 0)
  mend()
  assert.equal(await run.say('d1', { smoke: true }, { messageId: 'a' }), 'taken')
  assert.deepEqual(run.cases, [['smoke', 1, 1, 'stands']])
  assert.equal(run.path.waiting().length, 1)
})

test('a revision that the store refuses leaves the case as it was', async (t) => {
  const run = await Run.start(t)
  await run.say('d1', { smoke: true })
  const mend = breakStore(run.path)
  await assert.rejects(run.say('d1', { smoke: false }), isStoreRefusal)
  mend()
  await run.say('d1', { smoke: true })
  assert.deepEqual(run.cases, [['smoke', 1, 1, 'stands']])
  await run.say('d1', { smoke: false })
  assert.deepEqual(run.cases, [['smoke', 2, 1, 'cleared']])
})

test('a wake that the store refuses is tried again every second, until it is stored', async (t) => {
  const run = await Run.start(t)
  const since = run.clock.now()
  await run.say('beam', { beam: true })
  const mend = breakStore(run.path)
  await run.clock.turn(15_000)
  mend()
  await run.wait(1000)
  const found = only(run.path.stored())
  assert.equal(found.since, isoTime(since))
  assert.equal(found.raisedAt, isoTime(later(since, 16_000)))
})

test('a message that is refused does not put off the wake that was asked for before', async (t) => {
  const run = await Run.start(t)
  await run.say('beam', { beam: true })
  await run.wait(9000)
  const mend = breakStore(run.path)
  await assert.rejects(run.say('beam', { beam: false }), isStoreRefusal)
  mend()
  await run.wait(1000)
  assert.deepEqual(run.cases, [['door', 1, 1, 'stands']])
})

test('a message of a device that is in no site is refused', async (t) => {
  const run = await Run.start(t)
  for (const id of ['nobody', '__proto__', '']) {
    await assert.rejects(run.say(id, { smoke: true }), (error) => codeOf(error) === 'device-unknown')
  }
})

test('fields that make no reading are a sign of life and no more', async (t) => {
  const run = await Run.start(t)
  for (const smoke of ['yes', 1, null, {}, [true]]) {
    assert.equal(await run.say('d1', { smoke, other: 1 }), 'taken')
  }
  assert.deepEqual(run.cases, [])
  assert.equal(run.path.lastReadings.heardTicks('d1'), run.clock.ticks())
})

test('a device that is silent for too long is a case, and its next message the end of it', async (t) => {
  const run = await Run.start(t)
  await run.say('meter', { mA: 1 })
  const heard = run.clock.now()
  await run.wait(29 * 60_000)
  await run.say('meter', { mA: 1 })
  await run.wait(29 * 60_000)
  assert.deepEqual(run.cases, [])
  await run.wait(60_000)
  const lost = run.path.stored().find(({ place }) => place === 'shed/meter')
  assert.equal(lost?.since, isoTime(later(heard, 29 * 60_000)))
  await run.say('meter', { mA: 1 })
  assert.deepEqual(run.cases, [['lost', 2, 1, 'cleared']])
})

test('the absence of the gateway is not the silence of a device', async (t) => {
  const run = await Run.start(t)
  await run.say('meter', { mA: 1 })
  await run.path.stop()
  await run.clock.turn(3_600_000)
  await run.restart()
  await run.wait(29 * 60_000)
  assert.deepEqual(run.cases, [])
  await run.wait(60_000)
  assert.ok(run.path.stored().some(({ place }) => place === 'shed/meter'))
})

test('what a device did not say before a restart is silence still, and time in which the gateway was away is not', async (t) => {
  const run = await Run.start(t)
  const heard = run.clock.now()
  await run.say('meter', { mA: 1 })
  await run.wait(20 * 60_000)
  for (let times = 0; times < 2; times++) {
    await run.path.stop()
    await run.clock.turn(3_600_000)
    await run.restart()
  }
  await run.wait(10 * 60_000 - 1000)
  assert.deepEqual(run.cases, [])
  await run.wait(1000)
  const lost = run.path.stored().find(({ place }) => place === 'shed/meter')
  assert.equal(lost?.since, isoTime(later(heard, 2 * 3_600_000)), 'as if the gateway had never been away')
  await run.restart()
  await run.wait(3_600_000)
  assert.equal(run.path.stored().filter(({ place }) => place === 'shed/meter').length, 1)
})

test('a device that was asked in vain is a case at once, until it is heard', async (t) => {
  const run = await Run.start(t)
  await run.say('meter', { mA: 1 })
  await run.wait(15_000)
  run.path.pipeline.lost('meter', 'no answer in time')
  assert.deepEqual(run.cases, [])
  run.path.pipeline.unanswered('meter', 'no answer in time')
  await run.wait(0)
  const lost = only(run.path.stored())
  assert.deepEqual([lost.place, lost.clearedAt], ['shed/meter', null])
  await run.restart()
  await run.wait(60_000)
  assert.deepEqual(run.cases, [['lost', 1, 1, 'stands']])
  await run.say('meter', { mA: 1 })
  assert.deepEqual(run.cases, [['lost', 2, 1, 'cleared']])
  await run.wait(29 * 60_000)
  assert.deepEqual(run.cases, [['lost', 2, 1, 'cleared']])
  run.path.pipeline.unanswered('nobody', 'no such device')
})

test('a lost line makes the last readings bad, also after a restart', async (t) => {
  const run = await Run.start(t)
  await run.say('meter', { mA: 12, t: 20 })
  run.path.pipeline.lost('meter', 'connection reset')
  const qualities = () =>
    run.path.lastReadings.of('meter').map(({ quantity, value, quality }) => [quantity, value, quality])
  const bad = [
    ['residualCurrent', 12, 'bad'],
    ['temperature', 20, 'bad'],
  ]
  assert.deepEqual(qualities(), bad)
  await run.restart()
  assert.deepEqual(qualities(), bad)
  await run.say('meter', { mA: 13 })
  assert.deepEqual(qualities(), [['residualCurrent', 13, 'good'], bad[1]])
  run.path.pipeline.lost('nobody', 'no such device')
})

test('a value that is said again is as new as its last message, also after a restart', async (t) => {
  const run = await Run.start(t)
  await run.say('meter', { mA: 12, t: 20 })
  await run.wait(5000)
  await run.say('meter', { mA: 12, t: 21 })
  const now = run.clock.now()
  const said = () => run.path.lastReadings.of('meter').map(({ value, at }) => [value, at])
  const both = [
    [12, now],
    [21, now],
  ]
  assert.deepEqual(said(), both)
  await run.restart()
  assert.deepEqual(said(), both)
})

test('a rule that breaks does not take the message with it', async (t) => {
  const run = await Run.start(t)
  // Memory that no version of the rule has written.
  await run.path.store.put(['putMemory', 'smoke', 'shed/d1', 'alarm', 'shed', '{"d1":null}'])
  await run.restart()
  assert.equal(await run.say('d1', { smoke: true }), 'taken')
  assert.ok(run.path.health.troubles().some(({ what }) => what === 'rule smoke failed'))
})

test('an onlooker that breaks keeps no case in the box', async (t) => {
  const seen: string[] = []
  const run = await Run.start(t, {
    onCase: ({ class: cls }) => {
      seen.push(cls)
      throw new Error('broken by the test')
    },
  })
  assert.equal(await run.say('d1', { smoke: true }), 'taken')
  assert.deepEqual(seen, ['smoke'])
  assert.equal(run.path.outbox.waiting, 1)
})

/** A camera that gives its pictures when the test says so. */
class Camera implements PictureSource {
  asked = 0
  readonly #answers: (() => void)[] = []

  take(): ReturnType<PictureSource['take']> {
    this.asked++
    return new Promise((resolve, reject) => {
      this.#answers.push(() => {
        const bytes = (text: string) => new TextEncoder().encode(`${text} ${this.asked}`)
        const rest = { mediaType: 'image/jpeg', takenAt: instant(1_800_000_000_000) } as const
        if (this.breaks) reject(new GanglionError('camera-stalled', 'no picture since 3 s'))
        else
          resolve([
            { ...rest, bytes: bytes('original'), role: 'original', keep: 'kept' },
            { ...rest, bytes: bytes('annotated'), role: 'annotated', keep: 'sent' },
          ])
      })
    })
  }

  breaks = false

  answer(): void {
    this.#answers.shift()?.()
  }
}

function parked(at: Instant, since: Instant): Observation {
  const box = { x: 0.2, y: 0.2, width: 0.3, height: 0.3 }
  const track: Track = { label: 'bicycle', score: 0.8, box, trackId: 1, firstSeen: since, lastSeen: at }
  const readings = [toReading('vehicleInZone', 'lane', true, at)]
  const stays = [{ zone: 'lane', tracks: [track] }]
  return { deviceId: 'camera', at, readings, stays, model: 'test', thresholds: { bicycle: 0.5 } }
}

async function seeBicycle(run: Run, seconds: number): Promise<void> {
  const since = run.clock.now()
  for (let second = 0; second <= seconds; second += 2) {
    await run.path.pipeline.observe(parked(run.clock.now(), since))
    await run.wait(second < seconds ? 2000 : 0)
  }
}

/** Files are written behind the fake clock: real turns pass until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2))
}

test('a case with pictures waits in the box until they are stored, and leaves with them', async (t) => {
  const pictures = new Camera()
  const run = await Run.start(t, { pictures })
  await seeBicycle(run, 8)
  assert.equal(pictures.asked, 1)
  const held = only(run.path.stored())
  assert.deepEqual([held.source, held.place, held.proof], ['camera', 'shed/lane', []])
  assert.deepEqual(
    held.why.detections.map(({ label, score, threshold, margin }) => [label, score, threshold, margin]),
    [['bicycle', 0.8, 0.5, 0.3]],
  )
  assert.deepEqual([run.path.waiting(), run.path.outbox.waiting], [[], 0])
  pictures.answer()
  await until(() => run.path.outbox.waiting > 0)
  const sent = only(run.path.waiting())
  assert.equal(sent.proofMissing, null)
  assert.deepEqual(
    sent.proof.map(({ keep, role, mediaType, deviceId }) => [keep, role, mediaType, deviceId]),
    [
      ['kept', 'original', 'image/jpeg', 'camera'],
      ['sent', 'annotated', 'image/jpeg', 'camera'],
    ],
  )
  for (const { sha256, size } of sent.proof) {
    const bytes = readFileSync(run.path.evidence.pathOf(sha256))
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
    assert.equal(bytes.length, size)
  }
  const annotated = sent.proof[1]?.sha256
  assert.equal(run.path.outbox.nextUpload()?.sha256, annotated)
  assert.equal(run.path.outbox.uploads, 1)
  assert.deepEqual(only(run.path.stored()).proof, sent.proof)
})

test('what happens to a case while it waits for its pictures leaves behind it, in order', async (t) => {
  const pictures = new Camera()
  const run = await Run.start(t, { pictures })
  await seeBicycle(run, 8)
  await run.path.pipeline.observe({
    ...parked(run.clock.now(), run.clock.now()),
    readings: [toReading('vehicleInZone', 'lane', false, run.clock.now())],
    stays: [],
  })
  await run.wait(4000)
  assert.deepEqual(run.cases, [['parking', 2, 1, 'cleared']])
  assert.equal(run.path.outbox.waiting, 0)
  pictures.answer()
  await until(() => run.path.outbox.waiting === 2)
  assert.deepEqual(
    run.path.waiting().map(({ revision, proof }) => [revision, proof.length]),
    [
      [1, 2],
      [2, 2],
    ],
  )
})

for (const how of ['breaks', 'says nothing for 5 s'] as const) {
  test(`a camera that ${how} keeps no case in the box: it says that the proof is missing`, async (t) => {
    const pictures = new Camera()
    pictures.breaks = how === 'breaks'
    const run = await Run.start(t, { pictures })
    await seeBicycle(run, 8)
    if (how === 'breaks') pictures.answer()
    else await run.wait(5000)
    await until(() => run.path.outbox.waiting > 0)
    const sent = only(run.path.waiting())
    assert.deepEqual(sent.proof, [])
    assert.match(sent.proofMissing ?? '', how === 'breaks' ? /no picture since 3 s/ : /within 5000 ms/)
  })
}

test('a case whose pictures a stopped gateway still owed leaves with the next start, and says so', async (t) => {
  const run = await Run.start(t, { pictures: new Camera() })
  await seeBicycle(run, 8)
  await run.restart()
  await run.wait(0)
  const sent = only(run.path.waiting())
  assert.match(sent.proofMissing ?? '', /stopped before the picture/)
  assert.equal(run.path.outbox.waiting, 1)
})

test('a revision that was held for pictures leaves also when its case was closed meanwhile', async (t) => {
  const pictures = new Camera()
  const run = await Run.start(t, { pictures })
  await seeBicycle(run, 8)
  const { key } = only(run.path.stored())
  await run.move(key, 'closed', 1)
  await run.restart()
  await run.wait(0)
  assert.equal(only(run.path.waiting()).key, key)
  assert.equal(only(run.path.stored()).stage, 'closed')
})

test('evidence is written before the case may leave', async (t) => {
  const pictures = new Camera()
  const run = await Run.start(t, { pictures })
  await seeBicycle(run, 8)
  let wasThere: boolean | undefined
  run.path.outbox.onWork(() => {
    wasThere = only(run.path.stored()).proof.every(({ sha256 }) =>
      existsSync(run.path.evidence.pathOf(sha256)),
    )
  })
  pictures.answer()
  await until(() => wasThere !== undefined)
  assert.equal(wasThere, true)
  assert.equal(only(run.path.stored()).proof.length, 2)
})
