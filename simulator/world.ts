import type { Clock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { BoxDevice, BoxFolder, BoxVia } from './box-folder.ts'
import { startCamera } from './camera.ts'
import { cameraDevice } from './devices/camera-device.ts'
import type { DeviceContext, SimulatedDevice } from './devices/device.ts'
import { dnyStation } from './devices/dny-station.ts'
import { jsonDevice } from './devices/json-device.ts'
import { modbusDevice } from './devices/modbus-device.ts'
import { startModbusServer, type ModbusServer } from './devices/modbus-server.ts'
import { ebikeStation, fireProtector, type RegisterMap } from './devices/registers.ts'
import { zigbeeBridge } from './devices/zigbee-bridge.ts'
import type { Endpoint } from './fault-proxy.ts'
import { readProfilePoints } from './profile-points.ts'
import { seededRandom, type Random } from './random.ts'
import type { Scenario } from './scenario.ts'
import { firstScene } from './scenes.ts'
import { accountSecret, readSecret, type SecretPlace } from './secrets.ts'
import { wireOf } from './wire-names.ts'
import type { Wires } from './wires.ts'

/** Everything around a gateway but its platform: the devices, bridges and cameras of its sites. */
export interface World {
  readonly devices: ReadonlyMap<string, SimulatedDevice>
  stop(): Promise<void>
}

export interface WorldOptions {
  readonly scenario: Scenario
  /** Of the gateway: its secrets lie there. */
  readonly dataFolder: string
  readonly wires: Wires
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** @throws GanglionError `secret-missing`, `listen-failed`, `config-invalid`. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const builder = new Builder(options)
  try {
    await builder.build()
  } catch (error) {
    await builder.stop()
    throw error
  }
  return { devices: builder.devices, stop: () => builder.stop() }
}

type Via<Kind extends BoxVia['kind']> = Extract<BoxVia, { kind: Kind }>
type Reached<Kind extends BoxVia['kind']> = BoxDevice & { readonly via: Via<Kind> }

const isReachedBy =
  <Kind extends BoxVia['kind']>(kind: Kind) =>
  (device: BoxDevice): device is Reached<Kind> =>
    device.via.kind === kind

/** The registers of each Modbus profile, by the maps of the standard's page and not by the profile. */
const registerMaps: Readonly<Record<string, (parts: number) => RegisterMap>> = {
  'estation-5d': ebikeStation,
  'arc-protector-5b': () => fireProtector,
}

class Builder {
  readonly devices = new Map<string, SimulatedDevice>()
  readonly #options: WorldOptions
  readonly #box: BoxFolder
  readonly #random: Random
  readonly #secrets: SecretPlace
  readonly #servers: ModbusServer[] = []

  constructor(options: WorldOptions) {
    this.#options = options
    this.#box = options.scenario.box
    this.#random = seededRandom(options.scenario.seed)
    this.#secrets = options
  }

  async build(): Promise<void> {
    const { devices } = this.#box
    const direct = devices.filter(isReachedBy('mqtt')).filter((device) => device.via.bridge === undefined)
    await Promise.all([
      ...this.#box.bridges.map((bridge) => this.#bridge(bridge)),
      ...direct.map((device) => this.#json(device)),
      ...this.#modbusPorts().map((units) => this.#modbus(units)),
      ...devices.filter(isReachedBy('tcp')).map((device) => this.#station(device)),
      ...devices.filter(isReachedBy('camera')).map((device) => this.#camera(device)),
    ])
  }

  async stop(): Promise<void> {
    await Promise.all([...this.devices.values()].map((device) => device.stop()))
    await Promise.all(this.#servers.map((server) => server.stop()))
  }

  async #bridge({ id, base }: BoxFolder['bridges'][number]): Promise<void> {
    const behind = this.#box.devices.filter(isReachedBy('mqtt')).filter((device) => device.via.bridge === id)
    const password = await readSecret(accountSecret(id), this.#secrets)
    const foreign = this.#box.devices.find(({ via }) => via.kind === 'mqtt' && via.bridge !== id)
    const { bridge, devices } = zigbeeBridge(
      {
        id,
        base,
        password,
        foreignTopic: foreign ? `ganglion/${foreign.siteId}/${foreign.id}/up` : 'ganglion/nowhere/nobody/up',
        devices: behind.map((device) => ({
          id: device.id,
          address: device.via.address,
          points: readProfilePoints(device.profile, this.#box.folder).payload,
        })),
      },
      this.#context(id, await this.#dialled(id, this.#box.mqtt)),
    )
    for (const device of [bridge, ...devices]) this.devices.set(device.id, device)
  }

  async #json({ id, siteId, profile }: Reached<'mqtt'>): Promise<void> {
    const password = await readSecret(accountSecret(id), this.#secrets)
    const [bridge] = this.#box.bridges
    const other = this.#box.devices.find(({ via, id: otherId }) => via.kind === 'mqtt' && otherId !== id)
    const foreignTopic = bridge
      ? `${bridge.base}/${other?.id ?? 'nobody'}`
      : `ganglion/${other?.siteId ?? 'nowhere'}/${other?.id ?? 'nobody'}/up`
    const { payload: points } = readProfilePoints(profile, this.#box.folder)
    const context = this.#context(id, await this.#dialled(id, this.#box.mqtt))
    this.devices.set(id, jsonDevice({ id, siteId, points, password, foreignTopic }, context))
  }

  /** The units of the sites by the port that serves them. */
  #modbusPorts(): (readonly Reached<'modbus'>[])[] {
    const units = this.#box.devices.filter(isReachedBy('modbus'))
    return [...Map.groupBy(units, ({ via }) => `${via.endpoint.host}:${via.endpoint.port}`).values()]
  }

  async #modbus(units: readonly Reached<'modbus'>[]): Promise<void> {
    const [first] = units
    if (!first) return
    const { endpoint } = first.via
    const { wires, clock } = this.#options
    const server = await wires.served(wireOf(this.#box, first.id), endpoint, (inner) =>
      listening(endpoint, () => startModbusServer(inner, clock)),
    )
    this.#servers.push(server)
    for (const { id, profile, via } of units) {
      const map = registerMaps[profile]?.(readProfilePoints(profile, this.#box.folder).parts)
      if (!map) {
        throw new GanglionError(
          'config-invalid',
          `${id}: the simulator has no registers for profile "${profile}"; it has ${Object.keys(registerMaps).join(', ')}`,
        )
      }
      this.devices.set(id, modbusDevice({ id, unit: via.unit, map, server }, this.#context(id, endpoint)))
    }
  }

  async #station({ id, via }: Reached<'tcp'>): Promise<void> {
    const context = this.#context(id, await this.#dialled(id, this.#box.tcp))
    this.devices.set(id, dnyStation({ id, physId: via.physId, ports: portsOf(via.physId) }, context))
  }

  async #camera({ id, via }: Reached<'camera'>): Promise<void> {
    const { wires, scenario } = this.#options
    const password = await readSecret(via.password, this.#secrets)
    const scene = firstScene(scenario, id)
    const camera = await wires.served(id, via.endpoint, ({ host, port }) =>
      startCamera({ host, port, path: via.path, user: via.user, password, scene }),
    )
    this.devices.set(id, cameraDevice({ id, camera, scene }))
  }

  #context(id: string, endpoint: Endpoint): DeviceContext {
    const { clock, scenario } = this.#options
    return { clock, endpoint, random: this.#random.fork(id), reportsEvery: scenario.reportsEvery }
  }

  #dialled(id: string, gateway: Endpoint | undefined): Promise<Endpoint> {
    if (!gateway) throw new GanglionError('config-invalid', `box.yaml has no port that ${id} could dial`)
    return this.#options.wires.dialled(wireOf(this.#box, id), gateway)
  }
}

/** The kind of a DNY station is the top byte of its number: single, dual, ten ports … */
const portsByKind: Readonly<Record<number, number>> = { 3: 1, 4: 2, 5: 10, 6: 16, 7: 12 }
const portsOf = (physId: number): number => portsByKind[physId >>> 24] ?? 2

async function listening<T>({ host, port }: Endpoint, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    throw new GanglionError('listen-failed', `the simulator cannot serve ${host}:${port}`, {
      hint: 'Does another simulator run? Its addresses are those of the box folder.',
      cause: error,
    })
  }
}
