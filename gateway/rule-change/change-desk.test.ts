import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { ConfigError } from '../../base/yaml.ts'
import {
  boxYaml,
  openPath,
  siteYaml,
  tempFolder,
  testRooms,
  writeFiles,
  type Path,
} from '../../tests/fixtures.ts'
import { loadBox, type Box, type Rooms } from '../config.ts'
import { LiveBox } from '../live-box.ts'
import { ruleFailure } from '../pipeline.ts'
import { ChangeDesk, type ChangeWish } from './change-desk.ts'
import { changeToRow, readChanges } from './change-record.ts'
import { mostRaises } from './change-watch.ts'

const MINUTE_MS = 60_000
const texts = 'title: { zh: 题, en: Title }, why: { zh: 因, en: Why }'
const packOf = (above: number): string =>
  `name: { zh: 试, en: Test }\nrules:\n  heat: { version: 1, kind: threshold, class: leak, source: default, settings: { quantity: temperature, above: ${above} °C, clearBelow: ${above - 5} °C, polls: 1 }, ${texts} }\n`

const meters = Array.from({ length: 15 }, (_, index) => `m${index}`)

/** A gateway's path with a desk for changed packs; it can be killed and started again on what is stored. */
class Rig {
  readonly box: string
  readonly wires = ['wire']
  readonly #t: TestContext
  readonly #folder: string
  readonly #rooms: Rooms
  #life: Life

  private constructor(t: TestContext, folder: string, rooms: Rooms, life: Life) {
    this.#t = t
    this.#folder = folder
    this.box = join(folder, 'box')
    this.#rooms = rooms
    this.#life = life
  }

  static async start(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<Rig> {
    const folder = tempFolder(t)
    const site = `${siteYaml}${meters.map((id) => `  - { id: ${id}, profile: meter, via: { wire: {} } }\n`).join('')}`
    writeFiles(join(folder, 'box'), {
      'box.yaml': boxYaml.replace('packs: [test]', 'packs: [test, own]'),
      'shed.yaml': site,
      'packs/own.yaml': packOf(60),
      ...files,
    })
    const rooms = testRooms(join(folder, 'rooms'))
    const life = await Life.begin({ t, folder, rooms, clock: new FakeClock(), wires: ['wire'] })
    return new Rig(t, folder, rooms, life)
  }

  get clock(): FakeClock {
    return this.#life.clock
  }

  get desk(): ChangeDesk {
    return this.#life.desk
  }

  get path(): Path {
    return this.#life.path
  }

  /** Ends without being asked to, and starts again. */
  async kill(between: () => void | Promise<void> = () => undefined): Promise<void> {
    const { clock, path } = this.#life
    await path.stop()
    await between()
    const [t, folder, rooms, wires] = [this.#t, this.#folder, this.#rooms, this.wires]
    // The timers of a dead process are those of a clock that nobody turns.
    this.#life = await Life.begin({ t, folder, rooms, wires, clock: new FakeClock(clock.now()) })
  }

  async restart(): Promise<void> {
    await this.desk.stop()
    await this.kill()
  }

  async heat(device: string, t: number): Promise<void> {
    await this.path.pipeline.accept({ deviceId: device, fields: { t } })
  }

  /** Time passes, and what is due is looked at. */
  async turn(span: number): Promise<void> {
    await this.clock.turn(span)
    await this.path.store.settled()
    // Taken in turn: what was begun before has ended.
    await assert.rejects(this.desk.stage(wish(1, { insteadOf: 'nowhere' })))
  }

  /** Files and commits take their own time. */
  async until(state: string): Promise<void> {
    for (const end = performance.now() + 20_000; this.state !== state;) {
      if (performance.now() > end) throw new Error(`waited in vain for ${state}; it is ${this.last}`)
      await this.path.store.settled()
      await this.clock.turn(0)
    }
  }

  get state(): string | undefined {
    return this.desk.list(1)[0]?.state
  }

  /** `own watched: …` */
  get last(): string {
    const [found] = this.desk.list(1)
    return `${found?.pack} ${found?.state}: ${found?.detail}`
  }

  textOf(name: string): string {
    return readFileSync(join(this.box, name), 'utf8')
  }

  /** At how many degrees the running rule raises. */
  get above(): unknown {
    return this.#life.live.rules.find(({ id }) => id === 'heat')?.settingsFor({})['above']
  }

  healthOf(subject: string): string | undefined {
    return this.path.health.states().find((one) => one.subject === subject)?.word
  }
}

interface Given {
  readonly t: TestContext
  readonly folder: string
  readonly rooms: Rooms
  readonly clock: FakeClock
  readonly wires: readonly string[]
}

/** From one start of the gateway to its end. */
class Life {
  readonly clock: FakeClock
  readonly live: LiveBox
  readonly path: Path
  readonly desk: ChangeDesk

  private constructor(clock: FakeClock, live: LiveBox, path: Path, desk: ChangeDesk) {
    this.clock = clock
    this.live = live
    this.path = path
    this.desk = desk
  }

  static async begin({ t, folder, rooms, clock, wires }: Given): Promise<Life> {
    const box = join(folder, 'box')
    const load = (triedPacks?: ReadonlyMap<string, string>): Promise<Box> =>
      loadBox(box, triedPacks ? { ...rooms, triedPacks } : rooms)
    const live = new LiveBox(await load())
    const path = await openPath(t, { box: live.now, folder, clock })
    const { health, store } = path
    const desk = new ChangeDesk({
      clock,
      store,
      health,
      box: live,
      dataFolder: folder,
      shippedPacks: rooms.packs,
      transports: () => wires,
      load,
      takeOver: async (next) => {
        await path.reload(next)
        live.become(next)
      },
    })
    await desk.resume()
    return new Life(clock, live, path, desk)
  }
}

const wish = (above: number, more: Partial<ChangeWish> = {}): ChangeWish => ({
  pack: 'own',
  insteadOf: 'own',
  text: packOf(above),
  by: 'Li',
  minutes: 10,
  promised: { perHour: 0, atOnce: 0 },
  times: 5,
  ...more,
})

test('a changed pack is in force at once, and kept when its time is over', async (t) => {
  const rig = await Rig.start(t)
  await rig.heat('m0', 50)
  const shown = await rig.desk.stage(wish(40))
  assert.deepEqual([shown.state, shown.by, shown.files], ['watched', 'Li', ['packs/own.yaml']])
  assert.deepEqual([rig.above, rig.textOf('packs/own.yaml')], ['40 °C', packOf(40)])
  assert.equal(rig.healthOf('rule change of own'), 'watched')
  await rig.heat('m0', 50)
  assert.equal(rig.path.stored().length, 1)
  await rig.turn(9 * MINUTE_MS)
  assert.equal(rig.state, 'watched')
  await rig.turn(2 * MINUTE_MS)
  await rig.until('kept')
  assert.equal(rig.last, 'own kept: 10 min without a drop')
  assert.deepEqual(
    [rig.above, rig.textOf('packs/own.yaml'), rig.desk.until],
    ['40 °C', packOf(40), undefined],
  )
})

for (const [what, drop, reason] of [
  [
    'a rule of it breaks',
    (rig) => rig.path.health.trouble(ruleFailure('heat'), 'no'),
    /^rule heat failed: no$/,
  ],
  ['the store refuses', (rig) => rig.path.health.trouble('store-full', 'no room'), /^store-full: no room$/],
  ['a wire that ran fails', (rig) => rig.path.health.trouble('wire: failed', 'gone'), /^wire: failed: gone$/],
  [
    'its rules raise more than was promised',
    async (rig) => {
      for (const id of meters.slice(0, 11)) await rig.heat(id, 50)
    },
    /^its rules raised 11 times; the backtest promised 0\.0 an hour and 0 at once, the limit is 10$/,
  ],
] as readonly [string, (rig: Rig) => unknown, RegExp][]) {
  test(`a changed pack is rolled back in the box and on the disk when ${what}`, async (t) => {
    const rig = await Rig.start(t)
    await rig.desk.stage(wish(40))
    await rig.turn(MINUTE_MS)
    assert.equal(rig.state, 'watched')
    await drop(rig)
    await rig.turn(1000)
    await rig.until('rolled-back')
    assert.match(rig.desk.list(1)[0]?.detail ?? '', reason)
    assert.deepEqual([rig.above, rig.textOf('packs/own.yaml')], ['60 °C', packOf(60)])
    assert.equal(rig.healthOf('rule change of own'), 'rolled-back')
    assert.ok(rig.path.health.troubles().some(({ what: said }) => said === 'rule change of own rolled back'))
    await rig.turn(20 * MINUTE_MS)
    assert.equal(rig.state, 'rolled-back')
    // Nothing keeps the next one from being tried.
    await rig.desk.stage(wish(45))
    assert.equal(rig.above, '45 °C')
  })
}

test('what was bad before, what others do, and what was promised is no drop', async (t) => {
  const rig = await Rig.start(t)
  rig.path.health.trouble(ruleFailure('heat'), 'once')
  rig.path.health.trouble('store-failed', 'once')
  rig.path.health.state('wire', 'failed')
  await rig.desk.stage(wish(40, { promised: { perHour: 6, atOnce: 4 } }))
  rig.path.health.trouble('wire: failed', 'again')
  rig.path.health.trouble(ruleFailure('smoke'), 'of another pack')
  for (const id of meters.slice(0, 14)) await rig.heat(id, 50)
  await rig.turn(5 * MINUTE_MS)
  assert.equal(rig.state, 'watched')
  await rig.heat('m14', 50)
  await rig.turn(1000)
  await rig.until('rolled-back')
})

test('the limit is so many times what was promised within the hour, at least ten, and what stands already', () => {
  const limit = (minutes: number, perHour: number, atOnce = 0): number =>
    mostRaises({ minutes, times: 5, promised: { perHour, atOnce } })
  assert.deepEqual(
    [limit(10, 0), limit(10, 60), limit(60, 60), limit(600, 60), limit(10, 0, 7)],
    [10, 50, 300, 300, 17],
  )
})

test('a person ends the watch either way, and nobody else takes over files meanwhile', async (t) => {
  const rig = await Rig.start(t)
  await rig.desk.stage(wish(40))
  assert.throws(() => rig.desk.refuseWhileWatching(), /the change of own by Li is watched until/)
  await assert.rejects(rig.desk.stage(wish(45)), { code: 'not-allowed' })
  await rig.desk.end('undo', 'Wang')
  assert.deepEqual([rig.last, rig.above], ['own rolled-back: by Wang', '60 °C'])
  await assert.rejects(rig.desk.end('keep', 'Wang'), /no change is watched/)
  await rig.desk.stage(wish(40))
  await rig.desk.end('keep', 'Wang')
  assert.deepEqual([rig.last, rig.above], ['own kept: by Wang', '40 °C'])
  assert.equal(rig.desk.list(10).length, 2)
})

test('a gateway that ends in the middle of the watch watches on, a whole time, and the second time takes it back', async (t) => {
  const rig = await Rig.start(t)
  await rig.desk.stage(wish(40))
  await rig.turn(9 * MINUTE_MS)
  await rig.restart()
  assert.deepEqual([rig.state, rig.above], ['watched', '40 °C'])
  await rig.turn(9 * MINUTE_MS)
  await rig.kill()
  assert.deepEqual([rig.state, rig.above], ['watched', '40 °C'])
  await rig.turn(9 * MINUTE_MS)
  assert.equal(rig.state, 'watched')
  await rig.kill()
  assert.equal(rig.last, 'own rolled-back: the gateway ended 2 times while it was watched')
  assert.deepEqual([rig.above, rig.textOf('packs/own.yaml')], ['60 °C', packOf(60)])
})

test('a drop that is seen after a restart takes the pack back too', async (t) => {
  const rig = await Rig.start(t)
  await rig.desk.stage(wish(40))
  for (const id of meters.slice(0, 8)) await rig.heat(id, 50)
  await rig.kill()
  for (const id of meters.slice(8, 11)) await rig.heat(id, 50)
  await rig.turn(1000)
  await rig.until('rolled-back')
  assert.deepEqual([rig.above, rig.textOf('packs/own.yaml')], ['60 °C', packOf(60)])
})

test('wherever the gateway ends while a change is put in force or taken back, the next start knows', async (t) => {
  const rig = await Rig.start(t)
  const [own, boxFile] = [join(rig.box, 'packs/own.yaml'), join(rig.box, 'box.yaml')]
  const open = async (state: 'staged' | 'watched', between: () => void): Promise<void> => {
    await rig.desk.stage(wish(40))
    const [record] = readChanges(rig.path.store.reader, 1)
    assert.ok(record)
    await rig.path.store.put(changeToRow({ ...record, state }))
    await rig.kill(between)
  }
  await open('staged', () => writeFileSync(own, packOf(60)))
  assert.equal(rig.last, 'own refused: the gateway ended before it was in force')
  await open('staged', () => undefined)
  assert.equal(rig.state, 'watched')
  await rig.desk.end('undo', 'Li')
  await open('watched', () => writeFileSync(own, packOf(60)))
  assert.equal(rig.last, 'own rolled-back: the gateway ended while it was rolled back')
  await open('watched', () => writeFileSync(own, packOf(55)))
  assert.equal(rig.last, 'own superseded: its files were changed by hand while the gateway was away')
  assert.equal(rig.above, '55 °C')

  const before = readFileSync(boxFile, 'utf8')
  await rig.desk.stage(wish(40, { pack: 'mine' }))
  const [record] = readChanges(rig.path.store.reader, 1)
  assert.ok(record)
  await rig.path.store.put(changeToRow({ ...record, state: 'staged' }))
  await rig.kill(() => writeFileSync(boxFile, before))
  assert.equal(rig.last, 'mine refused: the gateway ended before it was in force')
  assert.equal(existsSync(join(rig.box, 'packs/mine.yaml')), false)
})

test('a pack of the box takes the place of one that ships, or comes on top', async (t) => {
  const rig = await Rig.start(t, {
    'box.yaml': boxYaml.replace('packs: [test]', 'packs: [test] # of the city'),
  })
  await rig.desk.stage(wish(40, { insteadOf: undefined }))
  assert.match(rig.textOf('box.yaml'), /^packs: \[test, own\] # of the city$/m)
  assert.equal(rig.above, '40 °C')
  await rig.desk.end('undo', 'Li')
  assert.match(rig.textOf('box.yaml'), /^packs: \[test\] # of the city$/m)
  assert.equal(rig.above, undefined)
  assert.equal(rig.textOf('packs/own.yaml'), packOf(60))

  const strict = packOf(30).replace(
    'rules:\n',
    `rules:\n  smoke: { version: 2, kind: alarm, class: smoke, source: default, settings: { quantity: smoke }, ${texts} }\n`,
  )
  await rig.heat('m0', 50)
  await rig.desk.stage(wish(30, { pack: 'strict', insteadOf: 'test', text: strict }))
  assert.match(rig.textOf('box.yaml'), /^packs: \[strict\]/m)
  await rig.desk.end('keep', 'Li')
  await assert.rejects(
    rig.desk.stage(wish(30, { pack: 'test', insteadOf: 'strict' })),
    /"test" ships with Ganglion/,
  )
  await assert.rejects(
    rig.desk.stage(wish(30, { pack: 'strict', insteadOf: undefined })),
    /has a pack "strict" already/,
  )
})

test('what is wrong is told before a file is touched', async (t) => {
  const rig = await Rig.start(t)
  await assert.rejects(
    rig.desk.stage(wish(40, { text: packOf(40).replace('above', 'abvoe') })),
    (error: unknown) => error instanceof ConfigError && /own\.yaml:3 .*abvoe/.test(error.message),
  )
  await assert.rejects(rig.desk.stage(wish(40, { insteadOf: 'other' })), /the box has no pack "other"/)
  assert.deepEqual([rig.desk.list(10), rig.textOf('packs/own.yaml')], [[], packOf(60)])
  writeFileSync(join(rig.box, 'packs/own.yaml'), packOf(50))
  await assert.rejects(rig.desk.stage(wish(40)), /changes that were not taken over yet/)
})

test('a file that somebody changes while it is watched stays as it is, and the box goes back all the same', async (t) => {
  const rig = await Rig.start(t)
  await rig.desk.stage(wish(40))
  writeFileSync(join(rig.box, 'packs/own.yaml'), packOf(50))
  await rig.desk.end('undo', 'Li')
  assert.equal(rig.last, 'own rolled-back: by Li; packs/own.yaml was changed meanwhile and stays as it is')
  assert.deepEqual([rig.above, rig.textOf('packs/own.yaml')], ['60 °C', packOf(50)])
})
