import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { FakeClock, isoTime } from '../base/clock.ts'
import {
  boxYaml,
  openPath,
  siteYaml,
  tempFolder,
  testRooms,
  writeFiles,
  type Path,
} from '../tests/fixtures.ts'
import { HoldingRig, type RigWish } from '../tests/holding-rig.ts'
import { loadBox, type Box } from './config.ts'

const texts = 'title: { zh: 题, en: Title }, why: { zh: 因, en: Why }'
const packOf = (...rules: readonly string[]): string =>
  `name: { zh: 试, en: Test }\nrules:\n${rules.map((rule) => `  ${rule}, source: default, ${texts} }\n`).join('')}`

const smoke = 'smoke: { version: 1, kind: alarm, class: smoke, settings: { quantity: smoke, test: test }'
const open = 'open: { version: 1, kind: alarm, class: door, settings: { quantity: doorOpen }'
const leak =
  'leak: { version: 1, kind: threshold, class: leak, settings: { quantity: residualCurrent, above: 500 mA, clearBelow: 300 mA, polls: 1 }'
const lost = 'lost: { version: 1, kind: absence, class: lost, settings: {}'

interface Files {
  readonly site?: string
  readonly pack?: string
}

class Running {
  readonly path: Path
  readonly clock: FakeClock
  readonly #boxOf: (files: Files) => Promise<Box>

  private constructor(path: Path, clock: FakeClock, boxOf: (files: Files) => Promise<Box>) {
    this.path = path
    this.clock = clock
    this.#boxOf = boxOf
  }

  static async start(t: TestContext, files: Files = {}): Promise<Running> {
    const folder = tempFolder(t)
    const boxOf = ({ site = siteYaml, pack = packOf(smoke, open, leak) }: Files): Promise<Box> => {
      writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': site })
      return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms'), { 'packs/test.yaml': pack }))
    }
    const clock = new FakeClock()
    return new Running(await openPath(t, { box: await boxOf(files), folder, clock }), clock, boxOf)
  }

  async reload(files: Files): Promise<void> {
    await this.path.reload(await this.#boxOf(files))
    await this.turn(0)
  }

  async say(deviceId: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    await this.path.pipeline.accept({ deviceId, fields })
  }

  async turn(span: number): Promise<void> {
    await this.clock.turn(span)
    await this.path.store.settled()
    await this.clock.turn(0)
  }

  /** `smoke shed/d1 ×1 stands` */
  get cases(): readonly string[] {
    return this.path
      .stored()
      .map(
        (one) => `${one.class} ${one.place} ×${one.count} ${one.clearedAt === null ? 'stands' : 'cleared'}`,
      )
  }

  rows(sql: string): readonly unknown[] {
    return this.path.store.reader.prepare(sql).pluck().all()
  }
}

const withoutLine = (text: string, part: string): string =>
  text
    .split('\n')
    .filter((line) => !line.includes(part))
    .join('\n')

test('a smoke that stands across a reload is one case and clears later', async (t) => {
  const running = await Running.start(t)
  await running.say('d1', { smoke: true })
  await running.reload({ site: withoutLine(siteYaml, 'id: contact'), pack: packOf(smoke, leak) })
  await running.say('d1', { smoke: true })
  assert.deepEqual(running.cases, ['smoke shed/d1 ×1 stands'])
  await running.say('d1', { smoke: false })
  assert.deepEqual(running.cases, ['smoke shed/d1 ×1 cleared'])
})

test('a changed number counts from the next reading, and what was remembered goes on', async (t) => {
  const running = await Running.start(t)
  await running.say('meter', { mA: 400 })
  assert.deepEqual(running.cases, [])
  await running.reload({ pack: packOf(leak.replace('500 mA', '350 mA')) })
  await running.say('meter', { mA: 400 })
  await running.reload({ pack: packOf(leak.replace('version: 1', 'version: 2')) })
  await running.say('meter', { mA: 400 })
  assert.deepEqual(running.cases, ['leak shed/meter ×1 stands'])
  await running.say('meter', { mA: 200 })
  assert.deepEqual(running.cases, ['leak shed/meter ×1 cleared'])
})

for (const [what, rule] of [
  ['another kind', open.replace('alarm', 'dwell').replace('doorOpen', 'doorOpen, for: 10 s')],
  ['a condition before it', `${open}, while: doorOpen == true`],
] as const) {
  test(`a rule that gets ${what} begins anew, and its breach stands no longer`, async (t) => {
    const running = await Running.start(t)
    await running.say('contact', { open: true })
    await running.reload({ pack: packOf(rule) })
    assert.deepEqual(running.cases, ['door shed/door-line ×1 cleared'])
    assert.deepEqual(running.rows('SELECT rule FROM breaches'), [])
    await running.say('contact', { open: true })
    await running.turn(10_000)
    assert.deepEqual(running.cases, ['door shed/door-line ×2 stands'])
    await running.say('contact', { open: false })
    assert.deepEqual(running.cases, ['door shed/door-line ×2 cleared'])
    assert.deepEqual(running.path.health.troubles(), [])
  })
}

test('a rule whose cases are of another class from now on clears the old one and says anew what stands', async (t) => {
  const running = await Running.start(t)
  await running.say('contact', { open: true })
  await running.reload({ pack: packOf(open.replace('class: door', 'class: parking')) })
  await running.say('contact', { open: true })
  assert.deepEqual([...running.cases].sort(), [
    'door shed/door-line ×1 cleared',
    'parking shed/door-line ×1 stands',
  ])
})

test('what is held back is forgotten when its cases would be of another class, and held anew', async (t) => {
  const site = siteYaml.replace('trialDays: 0', 'trialDays: 7')
  const running = await Running.start(t, { site })
  await running.say('contact', { open: true })
  await running.reload({ site, pack: packOf(open.replace('class: door', 'class: parking')) })
  assert.deepEqual(running.rows('SELECT rule FROM rule_memory'), [])
  await running.say('contact', { open: true })
  await running.turn(0)
  assert.deepEqual(
    running.rows("SELECT class || ' ' || ifnull(outcome, 'held') FROM would_be ORDER BY seq"),
    ['door cleared', 'parking held'],
  )
})

test('a device that is taken out is known no more, its case is cleared, and it comes back as after a restart', async (t) => {
  const running = await Running.start(t)
  await running.say('contact', { open: true })
  await running.reload({ site: withoutLine(withoutLine(siteYaml, 'id: contact'), 'id: beam') })
  await assert.rejects(running.say('contact', { open: false }), { code: 'device-unknown' })
  assert.deepEqual(running.path.lastReadings.of('contact'), [])
  assert.deepEqual(running.cases, ['door shed/door-line ×1 cleared'])
  await running.reload({})
  assert.deepEqual(
    running.path.lastReadings.of('contact').map(({ value }) => value),
    [true],
  )
  await running.say('contact', { open: true })
  assert.deepEqual(running.cases, ['door shed/door-line ×2 stands'])
})

test('the silence of a device that is added, or comes back, is counted from then on', async (t) => {
  const pack = packOf(lost)
  const site = withoutLine(siteYaml, 'id: meter')
  const running = await Running.start(t, { site, pack })
  await running.turn(24 * 3_600_000)
  await running.reload({ pack })
  await running.turn(29 * 60_000)
  const ofMeter = (): readonly string[] => running.cases.filter((one) => one.includes('shed/meter'))
  assert.deepEqual(ofMeter(), [])
  await running.turn(3 * 60_000)
  assert.deepEqual(ofMeter(), ['lost shed/meter ×1 stands'])
  await running.say('meter', { mA: 1 })
  await running.reload({ site, pack })
  await running.turn(24 * 3_600_000)
  await running.reload({ pack })
  await running.turn(20 * 60_000)
  assert.deepEqual(ofMeter(), ['lost shed/meter ×1 cleared'])
})

test('a commit that fails after a reload is taken back from the rule as it is now', async (t) => {
  const running = await Running.start(t)
  const { store } = running.path
  const commit = store.commit.bind(store)
  let fail = (): void => undefined
  // The disk refuses this unit, and says so only after the box has changed.
  store.commit = (unit) =>
    new Promise((_, reject) => {
      fail = () => {
        unit.undo()
        reject(new Error('no'))
      }
    })
  const said = assert.rejects(running.say('d1', { smoke: true }))
  store.commit = commit
  await running.reload({ pack: packOf(smoke.replace('version: 1', 'version: 2')) })
  fail()
  await said
  await running.say('d1', { smoke: true })
  assert.deepEqual(running.cases, ['smoke shed/d1 ×1 stands'])
})

/** Boxes that follow on one another. */
const wishes: readonly RigWish[] = [
  {},
  { door: 'coolDown: 10 min,', leak: 'quota: { cases: 1, per: 1 d },' },
  { door: 'mode: shadow,', smoke: 'inhibits: [door],' },
  { door: "quietHours: '12:00-13:00',", leak: 'escalate: { after: 20 min },' },
  { site: 'trialDays: 0\nsettings: { leak: { above: 900 mA, clearBelow: 700 mA } }' },
]

type Move =
  | { readonly is: 'door'; readonly device: 'a' | 'b'; readonly open: boolean }
  | { readonly is: 'leak'; readonly mA: number }
  | { readonly is: 'smoke'; readonly on: boolean }
  | { readonly is: 'turn'; readonly minutes: number }
  | { readonly is: 'close' }
  | { readonly is: 'change'; readonly wish: number }

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ is: fc.constant('door' as const), device: fc.constantFrom('a', 'b'), open: fc.boolean() }),
  fc.record({ is: fc.constant('leak' as const), mA: fc.constantFrom(100, 400, 600, 800, 1000) }),
  fc.record({ is: fc.constant('smoke' as const), on: fc.boolean() }),
  fc.record({ is: fc.constant('turn' as const), minutes: fc.constantFrom(1, 8, 15, 40) }),
  fc.record({ is: fc.constant('close' as const) }),
  fc.record({ is: fc.constant('change' as const), wish: fc.nat({ max: wishes.length - 1 }) }),
)

async function play(rig: HoldingRig, moves: readonly Move[], change: 'restart' | 'reload'): Promise<object> {
  for (const one of moves) {
    switch (one.is) {
      case 'door':
        await rig.door(one.device, one.open)
        break
      case 'leak':
        await rig.leak(one.mA)
        break
      case 'smoke':
        await rig.smoke(one.on)
        break
      case 'turn':
        await rig.turn(one.minutes)
        break
      case 'close': {
        const last = rig.cases().at(-1)
        if (last && last.stage !== 'closed') await rig.move(last.key, 'closed')
        break
      }
      case 'change':
        await rig[change](wishes[one.wish] ?? {})
    }
  }
  return { cases: rig.cases(), wouldBe: rig.wouldBe(), at: isoTime(rig.clock.now()) }
}

test('a reload comes to the same cases and would-be cases as a restart', { timeout: 240_000 }, async (t) => {
  let changes = 0
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 30, size: 'max' }), async (moves) => {
      changes += moves.filter(({ is }) => is === 'change').length
      const restarted = await play(await HoldingRig.open(t), moves, 'restart')
      const reloaded = await play(await HoldingRig.open(t), moves, 'reload')
      assert.deepEqual(reloaded, restarted)
    }),
    { numRuns: 10 },
  )
  assert.ok(changes > 10, `${changes} changes`)
})
