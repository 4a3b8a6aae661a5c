import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { Type } from 'typebox'
import { FakeClock, type Clock } from '../base/clock.ts'
import { CaseBook } from '../gateway/case-book.ts'
import type { Case } from '../gateway/case.ts'
import { loadBox, type Box, type Rooms } from '../gateway/config.ts'
import { Drilling } from '../gateway/drilling.ts'
import { EvidenceFolder } from '../gateway/evidence.ts'
import { Health, type Log } from '../gateway/health.ts'
import { Holding } from '../gateway/holding.ts'
import { LastReadings } from '../gateway/last-readings.ts'
import { LiveBox } from '../gateway/live-box.ts'
import { Outbox } from '../gateway/outbox.ts'
import { Pipeline } from '../gateway/pipeline.ts'
import type { PictureSource } from '../gateway/ports.ts'
import { settleOldProof } from '../gateway/proof.ts'
import { rebindRules } from '../gateway/rebind.ts'
import { ruleKindsIn } from '../gateway/rule-kinds.ts'
import { SeenBefore } from '../gateway/seen-before.ts'
import { bindRules } from '../gateway/slots.ts'
import { RESERVE_BYTES } from '../gateway/store/reserve.ts'
import { Store, type StoreOptions } from '../gateway/store/store.ts'

/** What tests of the hub share: folders that go away, and a tiny box made of text. */

const ends = new WeakMap<TestContext, (() => unknown)[]>()

/** Runs after the test, what was set up last first: node:test would remove the folder before the store in it closes. */
export function atEnd(t: TestContext, work: () => unknown): void {
  const known = ends.get(t)
  if (known) {
    known.push(work)
    return
  }
  const works = [work]
  ends.set(t, works)
  t.after(async () => {
    for (const undo of works.reverse()) await undo()
  })
}

export function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-test-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

/** A store whose reserve costs nothing: it is there by its length only. Closed with the test. */
export async function openStore(
  t: TestContext,
  folder: string,
  options: Omit<StoreOptions, 'folder'> = { sync: 'off' },
): Promise<Store> {
  const handle = openSync(join(folder, 'reserve'), 'w', 0o600)
  ftruncateSync(handle, RESERVE_BYTES)
  closeSync(handle)
  const store = await Store.open({ folder, ...options })
  atEnd(t, () => store.close())
  return store
}

const catalogue = `
version: 1
name: { zh: 试, en: Test }
classes:
  smoke: { code: X-SMOKE, local: true, name: { zh: 烟, en: Smoke }, severity: life-safety, filing: { zh: 烟, en: Smoke }, closing: { zh: 无, en: None }, source: default }
  door: { code: '0504', name: { zh: 门, en: Door }, severity: ordinary, filing: { zh: 门, en: Door }, closing: { zh: 无, en: None }, source: default }
  leak: { code: X-LEAK, local: true, name: { zh: 漏, en: Leak }, severity: serious, filing: { zh: 漏, en: Leak }, closing: { zh: 无, en: None }, source: default }
  parking: { code: '0506', name: { zh: 停, en: Parking }, severity: ordinary, filing: { zh: 停, en: Parking }, closing: { zh: 无, en: None }, source: default }
  lost: { code: X-LOST, local: true, name: { zh: 失, en: Lost }, severity: serious, filing: { zh: 失, en: Lost }, closing: { zh: 无, en: None }, source: default }
`

const pack = `
name: { zh: 试, en: Test }
rules:
  smoke: { version: 1, kind: alarm, class: smoke, source: default, settings: { quantity: smoke, test: test }, title: { zh: 烟, en: Smoke }, why: { zh: 烟, en: Smoke } }
  beam: { version: 1, kind: dwell, class: door, source: default, settings: { quantity: beamBlocked, for: 10 s, gap: 2 s }, title: { zh: 门, en: Beam }, why: { zh: '{for}', en: 'blocked for {for}' } }
  open: { version: 1, kind: alarm, class: door, source: default, settings: { quantity: doorOpen }, title: { zh: 门, en: Door }, why: { zh: 门, en: Door } }
  leak: { version: 1, kind: threshold, class: leak, source: default, settings: { quantity: residualCurrent, above: 500 mA, clearBelow: 300 mA, polls: 2 }, title: { zh: 漏, en: Leak }, why: { zh: '{value}', en: '{value} over {threshold}' } }
  parking: { version: 1, kind: dwell, class: parking, pictures: true, source: default, settings: { quantity: vehicleInZone, for: 8 s, gap: 4 s, labels: [bicycle] }, title: { zh: 停, en: Parking }, why: { zh: '{for}', en: 'for {for}' } }
  lost: { version: 1, kind: absence, class: lost, source: default, settings: {}, title: { zh: 失, en: Lost }, why: { zh: '{for}', en: 'silent for {for}' } }
`

const profile = (model: string, points: string, payload: string, gives: string): string =>
  `{ vendor: Test, model: ${model}, name: { zh: 试, en: ${model} }, codec: json, reportsEvery: 1 h, points: ${points}, examples: [{ payload: ${payload}, gives: ${gives} }] }\n`

const profiles = {
  'profiles/detector.yaml': profile(
    'detector',
    '{ smoke: { from: smoke }, test: { from: test } }',
    '{ smoke: true }',
    '{ smoke: true }',
  ),
  'profiles/beam.yaml': profile(
    'beam',
    '{ beamBlocked: { from: beam } }',
    '{ beam: true }',
    '{ beamBlocked: true }',
  ),
  'profiles/contact.yaml': profile(
    'contact',
    '{ doorOpen: { from: open } }',
    '{ open: true }',
    '{ doorOpen: true }',
  ),
  'profiles/meter.yaml': profile(
    'meter',
    '{ residualCurrent: { from: mA }, temperature: { from: t } }',
    '{ mA: 10 }',
    '{ residualCurrent: 10 }',
  ),
  'profiles/camera.yaml': profile('camera', '{}', '{}', '{}'),
}

export const boxYaml = `
id: tiny
name: { zh: 小, en: Tiny }
listen: { api: '127.0.0.1:0' }
catalogue: test
packs: [test]
bridges: [{ id: bridge, codec: json, base: bridge }]
connectors: [{ id: platform, kind: test }]
`

export const siteYaml = `
name: { zh: 棚, en: Shed }
kind: other
address: 1 Test Road
gridCode: '99010100100101'
position: { lng: 1, lat: 2, crs: WGS84 }
trialDays: 0
devices:
  - { id: d1, profile: detector, via: { wire: {} } }
  - { id: d2, profile: detector, via: { wire: {} }, part: hall }
  - { id: d3, profile: detector, via: { wire: {} }, part: hall }
  - { id: practice, profile: detector, via: { wire: {} }, drill: true }
  - { id: beam, profile: beam, via: { wire: {} }, part: door-line }
  - { id: contact, profile: contact, via: { wire: {} }, part: door-line }
  - { id: meter, profile: meter, via: { wire: {} }, silentAfter: 30 min }
  - id: camera
    profile: camera
    via: { wire: {} }
    zones: [{ id: lane, name: { zh: 道, en: Lane }, polygon: [[0, 0], [1, 0], [1, 1]] }]
`

/** Rooms of their own beside the real rule kinds; `files` come on top of them or in their place. */
export function testRooms(folder: string, files: Readonly<Record<string, string>> = {}): Rooms {
  writeFiles(folder, { ...profiles, 'packs/test.yaml': pack, 'catalogue/test.yaml': catalogue, ...files })
  return {
    profiles: join(folder, 'profiles'),
    packs: join(folder, 'packs'),
    catalogues: join(folder, 'catalogue'),
    kinds: ruleKindsIn(join(import.meta.dirname, '../rules/kinds')),
    codecs: new Set(['json']),
    pushForms: new Map([
      ['form', { settings: Type.Object({ token: Type.String() }, { additionalProperties: false }) }],
    ]),
    transports: new Map([
      [
        'wire',
        {
          address: Type.Object(
            { account: Type.Optional(Type.String()), port: Type.Optional(Type.Integer()) },
            { additionalProperties: false },
          ),
        },
      ],
    ]),
    connectors: new Map([
      [
        'test',
        { settings: Type.Object({ url: Type.Optional(Type.String()) }, { additionalProperties: false }) },
      ],
    ]),
  }
}

/** A box of one site with each sort of device. */
export async function tinyBox(folder: string): Promise<Box> {
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': siteYaml })
  return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms')))
}

/** The path of a gateway without wires and platform, as `commands/` puts it together. */
export interface Path {
  readonly store: Store
  /** Goes on with a changed box, as a running gateway does. */
  reload(box: Box): Promise<void>
  readonly outbox: Outbox
  readonly cases: CaseBook
  readonly holding: Holding
  readonly drilling: Drilling
  readonly pipeline: Pipeline
  readonly health: Health
  readonly lastReadings: LastReadings
  readonly evidence: EvidenceFolder
  /** The cases as the database holds them. */
  stored(): readonly Case[]
  /** What waits for the platform, in the order in which it was put there. */
  waiting(): readonly Case[]
  stop(): Promise<void>
}

export interface PathOptions {
  readonly box: Box
  readonly folder: string
  readonly clock?: Clock
  readonly pictures?: PictureSource
  readonly store?: Omit<StoreOptions, 'folder'>
  readonly onCase?: (stored: Case) => void
}

export const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

export async function openPath(t: TestContext, options: PathOptions): Promise<Path> {
  const { folder, pictures, onCase } = options
  const box = new LiveBox(options.box)
  const clock = options.clock ?? new FakeClock()
  const store = await openStore(t, folder, options.store)
  const evidence = new EvidenceFolder(join(folder, 'evidence'))
  const outbox = new Outbox('platform', store, clock)
  outbox.load((sha256) => evidence.pathOf(sha256))
  const cases = new CaseBook({ boxId: box.id, clock, store, catalogue: box.catalogue, outboxes: [outbox] })
  const health = new Health(clock, quiet)
  const lastReadings = new LastReadings(store, clock, box.devices.values())
  const proof = { clock, store, cases, evidence, pictures }
  let plans = bindRules(box)
  const holding = new Holding({ clock, store, cases, health, box, plans })
  const drilling = new Drilling({ clock, store, cases, health, box })
  const pipeline = new Pipeline({
    ...proof,
    health,
    holding,
    drilling,
    lastReadings,
    seenBefore: new SeenBefore(store, clock),
    plans,
    ...(onCase && { onCase }),
  })
  settleOldProof(proof)
  const bodies = (sql: string): readonly Case[] =>
    (store.reader.prepare(sql).pluck().all() as string[]).map((body) => JSON.parse(body) as Case) // one text column
  const reload = async (next: Box): Promise<void> => {
    await store.settled()
    box.become(next)
    const rebound = rebindRules(next, plans)
    plans = rebound.plans
    cases.recatalogue(next.catalogue)
    lastReadings.replan(next.devices)
    pipeline.replan(rebound)
    holding.replan(next, rebound)
  }
  return {
    store,
    reload,
    outbox,
    cases,
    holding,
    drilling,
    pipeline,
    health,
    lastReadings,
    evidence,
    stored: () => bodies('SELECT body FROM cases ORDER BY raised_at, key'),
    waiting: () => bodies('SELECT body FROM outbox WHERE refused IS NULL AND held = 0 ORDER BY seq'),
    async stop() {
      drilling.stop()
      pipeline.stop()
      health.stop()
      await lastReadings.close()
      await store.close()
    },
  }
}
