import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { systemClock } from '../base/clock.ts'
import { newSecret, WireAccounts } from '../gateway/access.ts'
import { Store } from '../gateway/store/store.ts'
import { payloadOf, quietValues } from '../simulator/devices/payload.ts'
import { readProfilePoints } from '../simulator/profile-points.ts'
import type { SenderAccount, SenderDevice } from './load/messages.ts'

export const BOX_ID = 'bench'

/** What a generated box holds. */
export interface BoxPlan {
  /** 感烟: Zigbee2MQTT payloads, each with an account of its own. */
  readonly smokeAlarms?: number
  /** How many bridges speak for the smoke alarms in place of their own accounts. */
  readonly bridges?: number
  /** 红外对射 of shop fronts, each with an account of its own. */
  readonly beams?: number
  /** Modbus units, one after the other on these ports. */
  readonly modbus?: { readonly profile: string; readonly every: string; readonly at: readonly ModbusPlace[] }
  /** So many units from 1 on, on one serial line. */
  readonly rtu?: {
    readonly profile: string
    readonly every: string
    readonly port: string
    readonly units: number
  }
}

export interface ModbusPlace {
  readonly port: number
  readonly unit: number
}

export interface BoxPorts {
  readonly api: number
  readonly mqtt: number
  readonly platform: number
}

/** A box folder on disk, its data folder with all secrets, and what a sender must know to play its devices. */
export interface BenchBox {
  readonly folder: string
  readonly dataFolder: string
  readonly ports: BoxPorts
  readonly accounts: readonly SenderAccount[]
  readonly devices: readonly SenderDevice[]
  /** The place of each device, as cases name it. */
  readonly places: readonly string[]
}

/** As a large shed has: what a rule over the whole site remembers grows with it. */
const SITE_DEVICES = 20
/** More than any device here sends: the cap on accounts is not what is measured. */
const MESSAGES_PER_SECOND = 20_000
/** A beam must be blocked this long before it is a case: as short as the rule allows. */
export const BEAM_DWELL_MS = 100

interface Entry {
  readonly id: string
  readonly siteId: string
  readonly kind: 'ebike-shed' | 'storefront'
  readonly profile: string
  readonly via: object
  readonly says?: { readonly account: string; readonly topic: string; readonly quantity: string }
}

/** Writes box.yaml and its site files with the demo's rules, and makes the accounts. */
export async function makeBox(folder: string, plan: BoxPlan, ports: BoxPorts): Promise<BenchBox> {
  const entries = [...smokeAlarms(plan), ...beams(plan), ...modbusUnits(plan), ...rtuUnits(plan)]
  const bridges = Array.from({ length: plan.bridges ?? 0 }, (_, index) => bridgeId(index))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'box.yaml'), boxFile(bridges, ports))
  const bySite = Map.groupBy(entries, ({ siteId }) => siteId)
  for (const [siteId, own] of bySite) writeFileSync(join(folder, `${siteId}.yaml`), siteFile(own))

  const dataFolder = join(folder, 'data')
  const speaking = entries.flatMap(({ id, siteId, profile, says }) =>
    says ? [{ id, siteId, profile, says }] : [],
  )
  const names = [...new Set(speaking.map(({ says }) => says.account))]
  const secret = newSecret()
  await makeAccounts(dataFolder, names, secret)
  const indexOf = new Map(names.map((name, index) => [name, index]))
  return {
    folder,
    dataFolder,
    ports,
    accounts: names.map((id) => ({ id, secret })),
    devices: speaking.map(({ profile, says }) => ({
      account: indexOf.get(says.account) ?? 0,
      topic: says.topic,
      on: payload(profile, says.quantity, true),
      off: payload(profile, says.quantity, false),
    })),
    places: speaking.map(({ id, siteId }) => `${siteId}/${id}`),
  }
}

const bridgeId = (index: number): string => `bridge-${index}`

function smokeAlarms({ smokeAlarms = 0, bridges = 0 }: BoxPlan): readonly Entry[] {
  return Array.from({ length: smokeAlarms }, (_, index) => {
    const id = `smoke-${index}`
    const siteId = `shed-${Math.floor(index / SITE_DEVICES)}`
    const bridge = bridges === 0 ? undefined : bridgeId(index % bridges)
    return {
      id,
      siteId,
      kind: 'ebike-shed',
      profile: 'heiman-hs1sa',
      via: { mqtt: bridge === undefined ? {} : { account: bridge, address: id } },
      says: {
        account: bridge ?? id,
        topic: bridge === undefined ? `ganglion/${siteId}/${id}` : `${bridge}/${id}`,
        quantity: 'smoke',
      },
    }
  })
}

function beams({ beams: count = 0 }: BoxPlan): readonly Entry[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `beam-${index}`
    const siteId = 'street-0'
    return {
      id,
      siteId,
      kind: 'storefront',
      profile: 'ir-beam',
      via: { mqtt: {} },
      says: { account: id, topic: `ganglion/${siteId}/${id}/up`, quantity: 'beamBlocked' },
    }
  })
}

function modbusUnits({ modbus }: BoxPlan): readonly Entry[] {
  if (!modbus) return []
  const { profile, every, at } = modbus
  return at.map(({ port, unit }, index) => ({
    id: `unit-${index}`,
    siteId: 'stations-0',
    kind: 'ebike-shed',
    profile,
    via: { 'modbus-tcp': { host: '127.0.0.1', port, unit, every } },
  }))
}

function rtuUnits({ rtu }: BoxPlan): readonly Entry[] {
  if (!rtu) return []
  const { profile, every, port, units } = rtu
  return Array.from({ length: units }, (_, index) => ({
    id: `unit-${index}`,
    siteId: 'line-0',
    kind: 'ebike-shed',
    profile,
    via: { 'modbus-rtu': { port, unit: index + 1, every } },
  }))
}

function payload(profile: string, quantity: string, value: boolean): string {
  const points = readProfilePoints(profile).payload
  return JSON.stringify(payloadOf(points, { ...quietValues(points), [quantity]: value }))
}

function boxFile(bridges: readonly string[], { api, mqtt, platform }: BoxPorts): string {
  return stringify({
    id: BOX_ID,
    name: { zh: '测试盒', en: 'Bench box' },
    listen: { api: `127.0.0.1:${api}`, mqtt: `127.0.0.1:${mqtt}` },
    limits: { messagesPerSecond: MESSAGES_PER_SECOND },
    catalogue: 'demo',
    packs: ['ebike-shed', 'fire', 'storefront', 'street', 'box'],
    ...(bridges.length > 0 && {
      bridges: bridges.map((id) => ({ id, codec: 'zigbee2mqtt', base: id })),
    }),
    connectors: [{ id: 'platform', kind: 'http', url: `http://127.0.0.1:${platform}/v1` }],
  })
}

function siteFile(entries: readonly Entry[]): string {
  const kind = entries[0]?.kind ?? 'other'
  return stringify({
    name: { zh: '测试场所', en: 'Bench site' },
    kind,
    address: '演示市示范区和平街道一号社区青松路1号（测试）',
    gridCode: '99010100100101',
    position: { lng: 123.5, lat: 29.5, crs: 'WGS84' },
    trialDays: 0,
    ...(kind === 'storefront' && {
      hours: '00:00-24:00',
      settings: { 'beam-blocked': { for: `${BEAM_DWELL_MS} ms`, gap: '1 s' } },
    }),
    devices: entries.map(({ id, profile, via }) => ({ id, profile, via })),
  })
}

/** All at once: a gateway that makes 5,000 accounts one by one would wait for as many fsyncs. */
async function makeAccounts(dataFolder: string, names: readonly string[], secret: string): Promise<void> {
  const store = await Store.open({ folder: dataFolder })
  try {
    const accounts = new WireAccounts(store, systemClock)
    await Promise.all(
      names.map((id) => accounts.add(id, id.startsWith('bridge-') ? 'bridge' : 'device', secret)),
    )
  } finally {
    await store.close()
  }
}
