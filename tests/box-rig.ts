import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import { stringify } from 'yaml'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { startGateway, type Gateway } from '../commands/gateway.ts'
import { mainFile, shippedRooms } from '../commands/rooms.ts'
import { loadBox } from '../gateway/config.ts'
import { RESERVE_BYTES } from '../gateway/store/reserve.ts'
import { startPlatform, type Platform } from '../simulator/platform.ts'
import type { ReceivedRevision } from '../simulator/platform/received.ts'
import { atEnd, tempFolder } from './fixtures.ts'

/** What whole-box tests share: a small box in a folder of its own, its gateway as a process, its platform, its devices. */

/** Waiting in vain ends here; it only turns a hang into a failure that says what was wanted. */
const LONGEST_WAIT_MS = 25_000
const LOOK_AGAIN_MS = 20
/** What the issue allows a gateway for stopping. */
const STOP_MS = 5000

export interface BoxPorts {
  readonly api: number
  readonly mqtt: number
  readonly tcp: number
  readonly platform: number
  readonly modbus: number
  readonly rtsp: number
}

export interface TestBox {
  readonly folder: string
  readonly dataFolder: string
  readonly ports: BoxPorts
}

/** A device as its site file names it. */
export type Entry = Readonly<Record<string, unknown>>

export interface BoxWish {
  /** Beside the smoke alarm behind the bridge. */
  readonly shed?: (ports: BoxPorts) => readonly Entry[]
  /** Beside the beam. */
  readonly shop?: (ports: BoxPorts) => readonly Entry[]
  readonly messagesPerSecond?: number
  /** Profiles of its own, by their id. */
  readonly profiles?: Readonly<Record<string, object>>
  /** In place of the one in the temp folder. */
  readonly dataFolder?: string
}

const BOX_ID = 'test-box'

/**
 * Writes a box of two sites: `shed` with the smoke alarm `smoke` behind the bridge `z2m`, `shop` with the beam `beam`
 * that raises after 100 ms. The ports are free now.
 */
export async function makeBox(t: TestContext, wish: BoxWish = {}): Promise<TestBox> {
  const root = tempFolder(t)
  const folder = join(root, 'box')
  const ports = await freePorts()
  mkdirSync(folder)
  const smoke = { id: 'smoke', profile: 'heiman-hs1sa', via: { mqtt: { account: 'z2m', address: 'smoke' } } }
  const beam = { id: 'beam', profile: 'ir-beam', via: { mqtt: {} }, part: 'door-line' }
  writeYaml(folder, 'box', boxFile(ports, wish.messagesPerSecond))
  writeYaml(folder, 'shed', siteFile('ebike-shed', [smoke, ...(wish.shed?.(ports) ?? [])], {}))
  const settings = { settings: { 'beam-blocked': { for: '100 ms', gap: '200 ms' } } }
  writeYaml(folder, 'shop', siteFile('storefront', [beam, ...(wish.shop?.(ports) ?? [])], settings))
  mkdirSync(join(folder, 'profiles'))
  for (const [id, profile] of Object.entries(wish.profiles ?? {})) {
    writeYaml(join(folder, 'profiles'), id, profile)
  }
  const dataFolder = wish.dataFolder ?? join(root, 'data')
  if (wish.dataFolder === undefined) {
    mkdirSync(dataFolder, { mode: 0o700 })
    cheapReserve(dataFolder)
  }
  return { folder, dataFolder, ports }
}

/** There by its length only: 64 MB for each of many boxes would cost the tests their time. */
function cheapReserve(folder: string): void {
  const handle = openSync(join(folder, 'reserve'), 'w', 0o600)
  ftruncateSync(handle, RESERVE_BYTES)
  closeSync(handle)
}

export const writeYaml = (folder: string, name: string, value: object): void =>
  writeFileSync(join(folder, `${name}.yaml`), stringify(value))

function boxFile(ports: BoxPorts, messagesPerSecond: number | undefined): object {
  return {
    id: BOX_ID,
    name: { zh: '测试盒', en: 'Test box' },
    listen: {
      api: `127.0.0.1:${ports.api}`,
      mqtt: `127.0.0.1:${ports.mqtt}`,
      tcp: `127.0.0.1:${ports.tcp}`,
    },
    ...(messagesPerSecond !== undefined && { limits: { messagesPerSecond } }),
    catalogue: 'demo',
    packs: ['ebike-shed', 'fire', 'storefront', 'street', 'box'],
    bridges: [{ id: 'z2m', codec: 'zigbee2mqtt', base: 'zigbee2mqtt' }],
    connectors: [
      { id: 'platform', kind: 'http', url: `http://127.0.0.1:${ports.platform}/v1`, timeout: '2 s' },
    ],
  }
}

function siteFile(kind: string, devices: readonly Entry[], more: object): object {
  return {
    name: { zh: '测试场所', en: 'Test site' },
    kind,
    address: '演示市示范区和平街道一号社区青松路1号（测试）',
    gridCode: '99010100100101',
    position: { lng: 123.5, lat: 29.5, crs: 'WGS84' },
    trialDays: 0,
    devices,
    ...more,
  }
}

async function freePorts(): Promise<BoxPorts> {
  const servers = Array.from({ length: 6 }, () => createServer())
  // All are held until the last is known, so that no port comes twice.
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  const [api = 0, mqttPort = 0, tcp = 0, platform = 0, modbus = 0, rtsp = 0] = servers.map(
    (server) => (server.address() as AddressInfo).port, // each listens on TCP
  )
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return { api, mqtt: mqttPort, tcp, platform, modbus, rtsp }
}

/** What `/api/health` says, as far as tests look at it. */
export interface HealthReport {
  readonly messages: number
  readonly store: { readonly full: boolean }
  readonly cases: { readonly ongoing: number }
  readonly delivery: readonly { readonly waiting: number; readonly refused: number }[]
  readonly states: readonly { readonly subject: string; readonly word: string; readonly detail: string }[]
  readonly troubles: readonly { readonly what: string; readonly count: number; readonly last: string }[]
}

export interface StartWish {
  /** In place of `start --box … --data … --make-secrets`. */
  readonly words?: readonly string[]
  /** What runs Node: a tracer. */
  readonly under?: readonly string[]
  readonly uid?: number
}

/** The gateway as a user starts it. It never outlives the test. */
export class BoxProcess {
  readonly box: TestBox
  output = ''
  complaint = ''
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #child: ChildProcess

  constructor(t: TestContext, box: TestBox, { words, under = [], uid }: StartWish = {}) {
    this.box = box
    const [program = '', ...rest] = [
      ...under,
      process.execPath,
      mainFile,
      ...(words ?? ['start', '--box', box.folder, '--data', box.dataFolder, '--make-secrets']),
    ]
    this.#child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: join(box.folder, '..'),
      ...(uid !== undefined && { uid, gid: uid }),
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.complaint += chunk.toString()))
    this.ended = once(this.#child, 'close').then(([code, signal]: unknown[]) => ({
      code: code as number | null, // what node:child_process says of 'close'
      signal: signal as string | null,
    }))
    atEnd(t, () => this.end('SIGKILL'))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Waits for its greeting. */
  async ready(): Promise<this> {
    await until(
      () => `the gateway's greeting; it said: ${this.output}${this.complaint}`,
      () => this.output.includes('\n  data ') || !this.isRunning,
    )
    if (!this.isRunning) throw new Error(`the gateway ended: ${this.complaint}`)
    return this
  }

  /** Waits until it has ended without having started. */
  async refused(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    await until('the end of a gateway that must not start', () => {
      if (this.output !== '') throw new Error(`it started: ${this.output}`)
      return !this.isRunning
    })
    return this.ended
  }

  token(): string {
    return readFileSync(join(this.box.dataFolder, 'token'), 'utf8').trim()
  }

  async health(): Promise<HealthReport> {
    const answer = await fetch(`http://127.0.0.1:${this.box.ports.api}/api/health`, {
      headers: { authorization: `Bearer ${this.token()}` },
    })
    return (await answer.json()) as HealthReport // our own API
  }

  /** The first report that is so. */
  healthy(what: string, isSo: (report: HealthReport) => boolean): Promise<HealthReport> {
    return reportUntil(what, () => this.health(), isSo)
  }

  /** Asks it to end; it is killed when it takes longer than it may. */
  async end(
    signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM',
  ): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    if (!this.isRunning) return this.ended
    this.#child.kill(signal)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    const end = await this.ended
    clearTimeout(timer)
    return end
  }
}

export const startBox = (t: TestContext, box: TestBox, wish?: StartWish): Promise<BoxProcess> =>
  new BoxProcess(t, box, wish).ready()

export async function reportUntil(
  what: string,
  look: () => Promise<HealthReport>,
  isSo: (report: HealthReport) => boolean,
): Promise<HealthReport> {
  let report = await look()
  await until(
    () =>
      `health with ${what}; it said ${JSON.stringify({ ...report, states: report.states.map(({ subject, word, detail }) => `${subject}: ${word} ${detail}`) })}`,
    async () => isSo((report = await look())),
  )
  return report
}

export const troubleOf = (report: HealthReport, part: string): HealthReport['troubles'][number] | undefined =>
  report.troubles.find(({ what }) => what.includes(part))

export const stateOf = (report: HealthReport, subject: string): string | undefined =>
  report.states.find((state) => state.subject === subject)?.word

/** A wire without an event of its own is looked at again and again; nothing is judged by how long it takes. */
export async function until(
  what: string | (() => string),
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + LONGEST_WAIT_MS
  while (!(await isSo())) {
    if (performance.now() > end)
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`)
    await pause(LOOK_AGAIN_MS)
  }
}

/** The simulator's platform in this process, and what came there. */
export class TestPlatform {
  readonly platform: Platform
  readonly #looks: Set<() => void>

  private constructor(platform: Platform, looks: Set<() => void>) {
    this.platform = platform
    this.#looks = looks
  }

  static async start(
    t: TestContext,
    box: TestBox,
    more: { readonly clock?: Clock; readonly retryAfterS?: number } = {},
  ): Promise<TestPlatform> {
    const looks = new Set<() => void>()
    const platform = await startPlatform({
      host: '127.0.0.1',
      port: box.ports.platform,
      keys: { [BOX_ID]: join(box.dataFolder, 'keys', 'box.public.pem') },
      stepMs: 'never',
      onEvent: () => {
        for (const look of looks) look()
      },
      ...more,
    })
    atEnd(t, () => platform.stop())
    return new TestPlatform(platform, looks)
  }

  get received(): readonly ReceivedRevision[] {
    return this.platform.received()
  }

  /** What came of a class, as `place:revision`, in the order of revisions. */
  revisionsOf(cls: string): readonly string[] {
    return this.received
      .filter((one) => one.class === cls)
      .map((one) => `${one.place}:${one.revision}`)
      .sort()
  }

  /** Waits for the event, not for a time. */
  async got(what: string, isSo: (received: readonly ReceivedRevision[]) => boolean): Promise<void> {
    if (isSo(this.received)) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#looks.delete(look)
        const came = this.received.map((one) => `${one.class} ${one.place}:${one.revision}`)
        reject(new Error(`waited in vain for ${what}; the platform has ${came.join(', ') || 'nothing'}`))
      }, LONGEST_WAIT_MS)
      const look = (): void => {
        if (!isSo(this.received)) return
        this.#looks.delete(look)
        clearTimeout(timer)
        resolve()
      }
      this.#looks.add(look)
    })
  }

  gotCase(cls: string, count = 1): Promise<void> {
    return this.got(
      `${count} × ${cls}`,
      (all) => all.filter((one) => one.class === cls && one.revision === 1).length >= count,
    )
  }
}

export const secretOf = (box: TestBox, account: string): string =>
  readFileSync(join(box.dataFolder, 'secrets', account), 'utf8').trim()

export interface Speaker {
  readonly client: MqttClient
  /** Resolves with the PUBACK; MQTT.js sends it again after each reconnect until then. */
  say(topic: string, payload: object | string | Buffer): Promise<unknown>
}

/** A client with the account's secret that reconnects by itself and keeps what is not acknowledged. */
export async function dial(
  t: TestContext,
  box: TestBox,
  account: string,
  more: object = {},
): Promise<Speaker> {
  await until(`the secret of ${account}`, () => hasSecret(box, account))
  const client = mqtt.connect(`mqtt://127.0.0.1:${box.ports.mqtt}`, {
    protocolVersion: 4,
    username: account,
    password: secretOf(box, account),
    clientId: `${account}-client`,
    clean: false,
    reconnectPeriod: 50,
    ...more,
  })
  // It tries again by itself; what it waits for says what went wrong.
  client.on('error', () => undefined)
  atEnd(t, () => client.endAsync(true))
  return {
    client,
    say: (topic, payload) =>
      acknowledged(
        client,
        topic,
        typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
      ),
  }
}

/** MQTT.js gives up what it was told while it was sending old messages again and the connection broke. */
async function acknowledged(client: MqttClient, topic: string, payload: string | Buffer): Promise<unknown> {
  for (;;) {
    try {
      return await client.publishAsync(topic, payload, { qos: 1 })
    } catch (error) {
      if (client.disconnecting || messageOf(error) !== 'Connection closed') throw error
    }
    await pause(LOOK_AGAIN_MS)
  }
}

function hasSecret(box: TestBox, account: string): boolean {
  try {
    return secretOf(box, account) !== ''
  } catch {
    return false // not made yet
  }
}

export const SMOKE = 'zigbee2mqtt/smoke'
export const BEAM = 'ganglion/shop/beam/up'

export const smokePayload = (smoke: boolean): object => ({
  smoke,
  test: false,
  battery: 97,
  linkquality: 120,
})

export interface InProcessWish {
  readonly clock?: Clock
  readonly modelsCache?: string
}

/** The gateway in this process, with all its parts: several of them run side by side. */
export class BoxInProcess {
  readonly box: TestBox
  readonly #gateway: Gateway

  private constructor(box: TestBox, gateway: Gateway) {
    this.box = box
    this.#gateway = gateway
  }

  static async start(t: TestContext, box: TestBox, wish: InProcessWish = {}): Promise<BoxInProcess> {
    const shipped = await shippedRooms()
    const { clock, modelsCache = shipped.modelsCache } = wish
    const rooms = { ...shipped, modelsCache }
    const gateway = await startGateway({
      box: await loadBox(box.folder, rooms),
      rooms,
      dataFolder: box.dataFolder,
      makeSecrets: true,
      ...(clock && { clock }),
    })
    atEnd(t, () => gateway.stop())
    return new BoxInProcess(box, gateway)
  }

  get report(): HealthReport {
    return this.#gateway.health() as HealthReport // what the API answers with
  }

  healthy(what: string, isSo: (report: HealthReport) => boolean): Promise<HealthReport> {
    return reportUntil(what, () => Promise.resolve(this.report), isSo)
  }
}
