import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { FakeClock, instant, later, type Instant } from '../base/clock.ts'
import { openPath, tempFolder, tinyBox, type Path } from '../tests/fixtures.ts'
import type { Case } from './case.ts'
import type { Box } from './config.ts'
import { readHistory } from './history/reader.ts'
import type { Recorded } from './history/recorded.ts'
import type { Observation } from './ports.ts'
import { replay, type ReplayLine } from './replay.ts'
import { toReading } from './reading.ts'

const NEVER_MS = 1e12

/** A live path on a fake clock whose log is read back and replayed. */
class Live {
  readonly clock = new FakeClock()
  readonly box: Box
  readonly #folder: string
  readonly #t: TestContext
  #path: Path | undefined

  constructor(t: TestContext, folder: string, box: Box) {
    this.#t = t
    this.#folder = folder
    this.box = box
  }

  static async start(t: TestContext): Promise<Live> {
    const folder = tempFolder(t)
    const live = new Live(t, folder, await tinyBox(folder))
    await live.begin()
    return live
  }

  get path(): Path {
    assert.ok(this.#path)
    return this.#path
  }

  async begin(): Promise<void> {
    this.#path = await openPath(this.#t, { box: this.box, folder: this.#folder, clock: this.clock })
    await this.clock.turn(0)
  }

  async wait(ms: number): Promise<void> {
    await this.clock.turn(ms)
    await this.path.store.settled()
    await this.clock.turn(0)
  }

  say(deviceId: string, fields: Record<string, unknown>, time?: Instant): Promise<unknown> {
    return this.path.pipeline.accept({ deviceId, fields, ...(time !== undefined && { time }) })
  }

  see(isThere: boolean): Promise<void> {
    return this.path.pipeline.observe(sighting(this.clock.now(), isThere))
  }

  async end(): Promise<void> {
    await this.path.stop()
  }

  recorded(): readonly Recorded[] {
    const log = new Database(join(this.#folder, 'ganglion.db'), { readonly: true })
    try {
      return [...readHistory(log, undefined, { from: instant(0), to: instant(Number.MAX_SAFE_INTEGER) })]
    } finally {
      log.close()
    }
  }

  cases(): readonly Case[] {
    const db = new Database(join(this.#folder, 'ganglion.db'), { readonly: true })
    try {
      const bodies = db.prepare('SELECT body FROM cases ORDER BY key').pluck().all() as string[] // one text column
      return bodies.map((body) => JSON.parse(body) as Case)
    } finally {
      db.close()
    }
  }
}

function sighting(at: Instant, isThere: boolean): Observation {
  const box = { x: 0.123456, y: 0.2, width: 0.31, height: 0.4 }
  const track = { label: 'bicycle', score: 0.71234, box, trackId: 3, firstSeen: at, lastSeen: at }
  return {
    deviceId: 'camera',
    at,
    readings: [toReading('vehicleInZone', 'lane', isThere, at)],
    stays: [{ zone: 'lane', tracks: isThere ? [track] : [] }],
    model: 'test',
    thresholds: { bicycle: 0.35 },
  }
}

/** The last revision of each case that a replay made. */
function lastOf(lines: readonly ReplayLine[]): readonly Case[] {
  const byKey = new Map<string, Case>()
  for (const line of lines) if ('case' in line) byKey.set(line.case.key, line.case)
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

async function replayed(live: Live): Promise<readonly ReplayLine[]> {
  const recorded = live.recorded()
  const from = recorded[0]?.at ?? live.clock.now()
  return replay(live.box, recorded, { from, to: live.clock.now(), closeAfter: NEVER_MS })
}

const second = fc.integer({ min: 0, max: 40 }).map((n) => n * 500)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('smoke' as const), fc.constantFrom('d1', 'd2', 'd3'), fc.boolean()),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('beam' as const), fc.constant('beam'), fc.boolean()) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('open' as const), fc.constant('contact'), fc.boolean()) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('leak' as const), fc.constant('meter'), fc.integer({ min: 0, max: 900 })),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('see' as const), fc.constant('camera'), fc.boolean()) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('restart' as const),
      fc.constant(''),
      fc.integer({ min: 0, max: 7_200_000 }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('jump' as const),
      fc.constant(''),
      fc.integer({ min: -5_000_000, max: 5_000_000 }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('long' as const),
      fc.constant(''),
      fc.integer({ min: 0, max: 7_200_000 }),
    ),
  },
)

test('a replay of what was recorded makes the very cases that the live path made', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, second), { minLength: 3, maxLength: 25 }), async (steps) => {
      const live = await Live.start(t)
      // The first message writes down when the run began.
      await live.say('d1', { smoke: false })
      for (const [[is, deviceId, value], wait] of steps) {
        if (is === 'smoke') await live.say(deviceId, { smoke: value })
        else if (is === 'beam') await live.say(deviceId, { beam: value })
        else if (is === 'open') await live.say(deviceId, { open: value }, later(live.clock.now(), -700))
        else if (is === 'leak') await live.say(deviceId, { mA: value })
        else if (is === 'see') await live.see(value)
        else if (is === 'long') await live.wait(value)
        else if (is === 'restart') {
          await live.end()
          await live.clock.turn(value)
          await live.begin()
          await live.say('d1', { smoke: false })
        } else {
          live.clock.jump(later(live.clock.now(), value))
          await live.say('d1', { smoke: false })
        }
        await live.wait(wait)
      }
      await live.end()
      const stored = live.cases()
      assert.deepEqual(lastOf(await replayed(live)), stored)
    }),
    { numRuns: 30 },
  )
})

test('a case counts as closed an hour after it has cleared, and what comes then is another one', async (t) => {
  const live = await Live.start(t)
  for (const minutes of [50, 30, 70, 0]) {
    await live.say('d1', { smoke: true })
    await live.wait(1000)
    await live.say('d1', { smoke: false })
    await live.wait(minutes * 60_000)
  }
  await live.end()
  const recorded = live.recorded()
  const lines = await replay(live.box, recorded, {
    from: recorded[0]?.at ?? instant(0),
    to: live.clock.now(),
  })
  assert.deepEqual(
    lines.filter((line) => 'case' in line && line.case.class === 'smoke').map(({ is }) => is),
    ['raised', 'cleared', 'again', 'cleared', 'again', 'cleared', 'raised', 'cleared'],
  )
})

test('a rule that breaks is said and takes nothing with it', async (t) => {
  const live = await Live.start(t)
  await live.say('d1', { smoke: true })
  await live.end()
  const [rule] = live.box.rules.filter(({ id }) => id === 'lost')
  assert.ok(rule)
  const broken = {
    ...rule,
    kind: { ...rule.kind, ready: () => () => assert.fail('it broke') },
  }
  const box = { ...live.box, rules: live.box.rules.map((one) => (one === rule ? broken : one)) }
  const recorded = live.recorded()
  const lines = await replay(box, recorded, { from: live.clock.now(), to: live.clock.now() })
  assert.ok(lines.some((line) => line.is === 'failed' && line.example === 'it broke'))
  assert.ok(lines.some((line) => line.is === 'raised' && line.case.class === 'smoke'))
})

test('a replay says the same, byte for byte, in another time zone and language', () => {
  const script = join(import.meta.dirname, '../tests/replay-day.ts')
  const run = (TZ: string, LANG: string): string =>
    execFileSync(process.execPath, [script], {
      encoding: 'utf8',
      env: { ...process.env, TZ, LANG, LC_ALL: LANG },
      maxBuffer: 2 ** 28,
    })
  const here = run('Asia/Shanghai', 'zh_CN.UTF-8')
  assert.ok(here.split('\n').length > 20, here.slice(0, 500))
  assert.equal(run('Asia/Shanghai', 'zh_CN.UTF-8'), here)
  assert.equal(run('America/New_York', 'tr_TR.UTF-8'), here)
})
