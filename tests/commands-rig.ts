import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { CaseBook } from '../gateway/case-book.ts'
import type { Case } from '../gateway/case.ts'
import type { CommandRecord, CommandWish } from '../gateway/command-record.ts'
import { Commanding } from '../gateway/commanding.ts'
import { loadBox, type Box } from '../gateway/config.ts'
import { EvidenceFolder } from '../gateway/evidence.ts'
import { Health } from '../gateway/health.ts'
import { Holding } from '../gateway/holding.ts'
import { LastReadings } from '../gateway/last-readings.ts'
import { LocalActions } from '../gateway/local-actions.ts'
import type { Order, Sent } from '../gateway/order.ts'
import { persuasionsShown } from '../gateway/persuasion.ts'
import { Pipeline } from '../gateway/pipeline.ts'
import type { Arrival, Transport } from '../gateway/ports.ts'
import { SeenBefore } from '../gateway/seen-before.ts'
import { bindRules } from '../gateway/slots.ts'
import type { Store } from '../gateway/store/store.ts'
import { boxYaml, openStore, quiet, tempFolder, testRooms, writeFiles } from './fixtures.ts'

/** A path whose devices can be told something, on a clock that is turned: what tests of commands share. */

const rule = (id: string, more: string): string =>
  `  ${id}: { version: 1, source: default, title: { zh: 试, en: ${id} }, why: { zh: 试, en: ${id} }, ${more} }\n`

const pack = `
name: { zh: 试, en: Test }
rules:
${rule('hot', 'kind: threshold, class: smoke, settings: { quantity: portTemperature, above: 70 °C }, act: [{ command: cut-port }, { command: sound-siren, at: site }]')}
${rule('door', 'kind: alarm, class: door, settings: { quantity: doorOpen, test: test }, persuade: { command: speak, times: 2, wait: 60 s }')}
`

const point = (from: string): string => `{ from: 'ports.{n}.${from}', each: { part: 'port-{n}', count: 3 } }`

const profiles = {
  'profiles/station.yaml': `
vendor: Test
model: station
name: { zh: 试, en: station }
codec: json
reportsEvery: 1 h
points:
  portPower: ${point('power')}
  portTemperature: ${point('heat')}
commands:
  cut-port:
    each: { part: 'port-{n}', count: 3 }
    publish: { payload: { off: '{n}' } }
    confirm: { quantity: portPower, atMost: 1, within: 10 s }
  restore-port:
    each: { part: 'port-{n}', count: 3 }
    publish: { payload: { on: '{n}' } }
    confirm: { quantity: portPower, atLeast: 5, within: 10 s }
examples: []
`,
  'profiles/voice.yaml': `
vendor: Test
model: voice
name: { zh: 试, en: voice }
codec: json
reportsEvery: 1 h
points: { rssi: { from: rssi } }
commands:
  speak: { publish: { payload: { say: move } }, endsAfter: 20 s }
  sound-siren: { publish: { payload: { say: fire } }, endsAfter: 30 s }
  open-door: { publish: { payload: { open: true } }, endsAfter: 3 s }
  read-again: { publish: { payload: { read: true } } }
examples: []
`,
  'profiles/contact.yaml': `
vendor: Test
model: contact
name: { zh: 试, en: contact }
codec: json
reportsEvery: 1 h
points: { doorOpen: { from: open }, test: { from: test } }
examples: []
`,
}

export const usualDevices = `
  - { id: station, profile: station, via: { wire: {} }, feeds: charging, commands: { cut-port: { perHour: 2 }, restore-port: {} } }
  - { id: voice, profile: voice, via: { wire: {} }, part: lane, commands: { speak: { perHour: 20 }, sound-siren: {}, open-door: {}, read-again: {} } }
  - { id: contact, profile: contact, via: { wire: {} }, part: lane }
`

const siteYaml = (devices: string): string => `
name: { zh: 棚, en: Shed }
kind: other
address: 1 Test Road
gridCode: '99010100100101'
position: { lng: 1, lat: 2, crs: WGS84 }
trialDays: 0
devices:${devices}`

/** @throws ConfigError */
export async function commandsBox(folder: string, devices = usualDevices, packText = pack): Promise<Box> {
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': siteYaml(devices) })
  const rooms = testRooms(join(folder, 'rooms'), { ...profiles, 'packs/test.yaml': packText })
  const wire = rooms.transports.get('wire')
  if (!wire) throw new Error('the rooms of tests have a wire')
  return loadBox(join(folder, 'box'), {
    ...rooms,
    transports: new Map([['wire', { ...wire, orders: ['publish'] }]]),
  })
}

/** A wire of this test: it says what came of each order, and keeps them. */
export class ScriptedWire implements Transport {
  readonly name = 'wire'
  readonly told: string[] = []
  /** Of each order, in place of `taken`. */
  answers: (deviceId: string, order: Order, signal: AbortSignal) => Promise<Sent> = () =>
    Promise.resolve({ is: 'taken' })

  async run(): Promise<void> {
    throw new Error('nobody runs it')
  }

  send(deviceId: string, order: Order, signal: AbortSignal): Promise<Sent> {
    this.told.push(`${deviceId} ${order.is === 'publish' ? order.payload : order.is}`)
    return this.answers(deviceId, order, signal)
  }
}

export class CommandsRig {
  readonly clock = new FakeClock()
  readonly wire = new ScriptedWire()
  readonly troubles: string[] = []
  readonly #t: TestContext
  readonly #folder: string
  readonly box: Box
  store!: Store
  commanding!: Commanding
  #pipeline!: Pipeline
  #stop: () => Promise<void> = () => Promise.resolve()
  #requests = 0

  private constructor(t: TestContext, folder: string, box: Box) {
    this.#t = t
    this.#folder = folder
    this.box = box
  }

  static async open(t: TestContext, devices?: string, packText?: string): Promise<CommandsRig> {
    const folder = tempFolder(t)
    const rig = new CommandsRig(t, folder, await commandsBox(folder, devices, packText))
    await rig.#start()
    return rig
  }

  async #start(): Promise<void> {
    const { box, clock } = this
    const store = await openStore(this.#t, this.#folder)
    const commanding = new Commanding({
      clock,
      store,
      devices: box.devices,
      trouble: (what, example) => void this.troubles.push(`${what}: ${example}`),
    })
    commanding.transports = new Map([['wire', this.wire]])
    const plans = bindRules(box)
    const cases = new CaseBook({ boxId: box.id, clock, store, catalogue: box.catalogue, outboxes: [] })
    const health = new Health(clock, quiet)
    const lastReadings = new LastReadings(store, clock, box.devices.values())
    const pipeline = new Pipeline({
      clock,
      store,
      cases,
      evidence: new EvidenceFolder(join(this.#folder, 'evidence')),
      pictures: undefined,
      health,
      holding: new Holding({ clock, store, cases, health, box, plans }),
      actions: new LocalActions({ clock, store, commanding, slots: plans.slots }),
      lastReadings,
      seenBefore: new SeenBefore(store, clock),
      plans,
    })
    this.store = store
    this.commanding = commanding
    this.#pipeline = pipeline
    this.#stop = async () => {
      commanding.stop()
      pipeline.stop()
      health.stop()
      await lastReadings.close()
      await store.close()
    }
    await this.settle()
  }

  async restart(): Promise<void> {
    await this.#stop()
    await this.#start()
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await this.clock.turn(0)
      await this.store.settled()
    }
  }

  async turn(seconds: number): Promise<void> {
    await this.clock.turn(seconds * 1000)
    await this.settle()
  }

  async say(deviceId: string, fields: Arrival['fields'], more: Partial<Arrival> = {}): Promise<void> {
    await this.#pipeline.accept({ deviceId, fields, ...more })
    await this.settle()
  }

  power(port: number, watts: number): Promise<void> {
    return this.say('station', { ports: { [port]: { power: watts } } })
  }

  heat(port: number, celsius: number): Promise<void> {
    return this.say('station', { ports: { [port]: { heat: celsius } } })
  }

  door(open: boolean): Promise<void> {
    return this.say('contact', { open })
  }

  wish(more: Partial<CommandWish>): CommandWish {
    return {
      requestId: `request-${++this.#requests}`,
      deviceId: 'station',
      command: 'cut-port',
      part: 'port-1',
      by: { kind: 'person', id: 'Ms Li' },
      reason: 'a trial',
      ...more,
    }
  }

  /** Asks, and answers once it is written down and went out. */
  async ask(more: Partial<CommandWish> = {}): Promise<CommandRecord> {
    const record = await this.commanding.begin(this.wish(more))
    await this.settle()
    return this.of(record.requestId)
  }

  of(requestId: string): CommandRecord {
    const record = this.commanding.find(requestId)
    if (!record) throw new Error(`there is no ${requestId}`)
    return record
  }

  /** `who command part: outcome`, the oldest first. */
  recorded(): readonly string[] {
    return [...this.commanding.recent(1000)]
      .reverse()
      .map(({ by, command, part, outcome }) => `${by.id} ${command}${part && ` ${part}`}: ${outcome}`)
  }

  cases(): readonly Case[] {
    const bodies = this.store.reader.prepare('SELECT body FROM cases ORDER BY raised_at, key').pluck().all()
    return (bodies as string[]).map((body) => JSON.parse(body) as Case) // one text column
  }

  persuasions(): readonly unknown[] {
    return persuasionsShown(this.store, 100).map((row) => (row as { outcome: string }).outcome)
  }
}
