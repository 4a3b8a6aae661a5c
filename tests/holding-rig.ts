import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { FakeClock, isoTime } from '../base/clock.ts'
import type { Case } from '../gateway/case.ts'
import { loadBox, type Box, type Site } from '../gateway/config.ts'
import { Draft } from '../gateway/draft.ts'
import { RuleDesk } from '../gateway/rule-desk.ts'
import type { Stage } from '../gateway/stage.ts'
import { readWouldBe, type WouldBe } from '../gateway/would-be.ts'
import { boxYaml, openPath, tempFolder, testRooms, writeFiles, type Path } from './fixtures.ts'

/** What stands behind the rules of the rig: text of YAML keys, each ending in a comma. */
export interface RigWish {
  /** Doors at the places a and b. */
  readonly door?: string
  /** Leaks at the place meter. */
  readonly leak?: string
  readonly smoke?: string
  /** Lines of the site file. */
  readonly site?: string
  /** Lines of box.yaml. */
  readonly box?: string
}

const texts = 'title: { zh: 题, en: Title }, why: { zh: 因, en: Why }'

const packOf = ({ door = '', leak = '', smoke = '' }: RigWish): string => `
name: { zh: 试, en: Test }
rules:
  smoke: { version: 1, kind: alarm, class: smoke, source: default, ${smoke} settings: { quantity: smoke, test: test }, ${texts} }
  door: { version: 1, kind: alarm, class: door, source: default, ${door} settings: { quantity: doorOpen }, ${texts} }
  leak: { version: 1, kind: threshold, class: leak, source: default, ${leak} settings: { quantity: residualCurrent, above: 500 mA, clearBelow: 300 mA, polls: 1 }, ${texts} }
`

const siteOf = (lines: string): string => `
name: { zh: 棚, en: Shed }
kind: other
address: 1 Test Road
gridCode: '99010100100101'
position: { lng: 1, lat: 2, crs: WGS84 }
${lines}
devices:
  - { id: a, profile: contact, via: { wire: {} } }
  - { id: b, profile: contact, via: { wire: {} } }
  - { id: meter, profile: meter, via: { wire: {} } }
  - { id: s, profile: detector, via: { wire: {} } }
`

export async function rigBox(folder: string, wish: RigWish): Promise<Box> {
  writeFiles(join(folder, 'box'), {
    'box.yaml': `${boxYaml}${wish.box ?? ''}\n`,
    'shed.yaml': siteOf(wish.site ?? 'trialDays: 0'),
  })
  return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms'), { 'packs/test.yaml': packOf(wish) }))
}

/** A gateway of one site whose rules are held back as wished; it can be restarted at any time. */
export class HoldingRig {
  readonly clock: FakeClock
  readonly #t: TestContext
  readonly #folder: string
  #box: Box
  #path: Path
  #versions = 0

  private constructor(t: TestContext, folder: string, box: Box, start: string) {
    this.clock = new FakeClock(start)
    this.#t = t
    this.#folder = folder
    this.#box = box
    this.#path = undefined as unknown as Path // opened before anybody sees the rig
  }

  static async open(
    t: TestContext,
    wish: RigWish = {},
    start = '2026-03-02T12:00:00+08:00',
  ): Promise<HoldingRig> {
    const folder = tempFolder(t)
    const rig = new HoldingRig(t, folder, await rigBox(folder, wish), start)
    await rig.#start()
    return rig
  }

  get path(): Path {
    return this.#path
  }

  get box(): Box {
    return this.#box
  }

  get site(): Site {
    const [site] = this.#box.sites
    assert.ok(site)
    return site
  }

  async #start(): Promise<void> {
    this.#path = await openPath(this.#t, { box: this.#box, folder: this.#folder, clock: this.clock })
    await this.settle()
  }

  /** The gateway ends and starts again on what is stored, with other files where wished. */
  async restart(wish?: RigWish): Promise<void> {
    await this.#path.stop()
    if (wish) this.#box = await rigBox(this.#folder, wish)
    await this.#start()
  }

  /** The running gateway takes over other files. */
  async reload(wish: RigWish): Promise<void> {
    this.#box = await rigBox(this.#folder, wish)
    await this.#path.reload(this.#box)
    await this.settle()
  }

  /** What is due now runs and is stored. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.clock.turn(0)
      await this.#path.store.settled()
    }
  }

  async turn(minutes: number): Promise<void> {
    await this.clock.turn(minutes * 60_000)
    await this.settle()
  }

  async door(device: 'a' | 'b', open: boolean): Promise<void> {
    await this.#path.pipeline.accept({ deviceId: device, fields: { open } })
    await this.settle()
  }

  async leak(mA: number): Promise<void> {
    await this.#path.pipeline.accept({ deviceId: 'meter', fields: { mA } })
    await this.settle()
  }

  async smoke(smoke: boolean): Promise<void> {
    await this.#path.pipeline.accept({ deviceId: 's', fields: { smoke } })
    await this.settle()
  }

  /** The platform moves a case. */
  async move(key: string | undefined, stage: Stage, reason?: string): Promise<void> {
    const draft = new Draft()
    const move = { key: key ?? '', stage, version: ++this.#versions, at: isoTime(this.clock.now()) }
    this.#path.cases.move(draft, { ...move, ...(reason !== undefined && { reason }) })
    await this.#path.store.commit(draft)
    draft.stored()
    await this.settle()
  }

  get desk(): RuleDesk {
    const { holding, store } = this.#path
    const { modes, trials } = holding
    return new RuleDesk({
      clock: this.clock,
      store,
      box: this.#box,
      modes,
      trials,
      decided: () => holding.lookAgain(),
    })
  }

  cases(cls?: string): readonly Case[] {
    return this.#path.stored().filter((one) => cls === undefined || one.class === cls)
  }

  /** Oldest first. */
  wouldBe(): readonly WouldBe[] {
    return [...readWouldBe(this.#path.store.reader, { limit: 1000 })].reverse()
  }

  /** `site shed`: trial. */
  stateOf(subject: string): string | undefined {
    return this.#path.health.states().find((state) => state.subject === subject)?.word
  }
}
