import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { Type, type Static } from 'typebox'
import { parseHostPort } from '../base/address.ts'
import { GanglionError, codeOf } from '../base/errors.ts'
import { readYaml } from '../base/yaml.ts'
import type { Endpoint } from './fault-proxy.ts'

/**
 * A box folder as the simulator sees it: data, read leniently. What it does not need it does not judge; that
 * is the gateway's work, and two readers of one file keep each other honest.
 */
export interface BoxFolder {
  readonly folder: string
  readonly id: string
  readonly api: Endpoint
  readonly mqtt: Endpoint | undefined
  readonly tcp: Endpoint | undefined
  readonly bridges: readonly BoxBridge[]
  readonly devices: readonly BoxDevice[]
  /** Where the box expects its platform. */
  readonly platform: URL | undefined
}

export interface BoxBridge {
  readonly id: string
  readonly base: string
}

export interface BoxDevice {
  readonly id: string
  readonly siteId: string
  readonly profile: string
  readonly via: BoxVia
}

/** How the device is reached. */
export type BoxVia =
  /** Behind a bridge when it has one, else with its own account. */
  | { readonly kind: 'mqtt'; readonly bridge: string | undefined; readonly address: string }
  | { readonly kind: 'modbus'; readonly endpoint: Endpoint; readonly unit: number }
  /** The number printed on a DNY station. */
  | { readonly kind: 'tcp'; readonly physId: number }
  | {
      readonly kind: 'camera'
      readonly endpoint: Endpoint
      readonly path: string
      readonly user: string
      /** `file:PATH` relative to the data folder, or `env:NAME`. */
      readonly password: string
    }

const Lenient = { additionalProperties: true } as const

const Box = Type.Object(
  {
    id: Type.String(),
    listen: Type.Object(
      {
        api: Type.String(),
        mqtt: Type.Optional(Type.String()),
        tcp: Type.Optional(Type.String()),
      },
      Lenient,
    ),
    bridges: Type.Optional(Type.Array(Type.Object({ id: Type.String(), base: Type.String() }, Lenient))),
    connectors: Type.Optional(
      Type.Array(Type.Object({ kind: Type.String(), url: Type.Optional(Type.String()) }, Lenient)),
    ),
  },
  Lenient,
)

const Site = Type.Object(
  {
    devices: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          profile: Type.String(),
          via: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())),
        },
        Lenient,
      ),
    ),
  },
  Lenient,
)

/** @throws ConfigError or GanglionError `config-missing` when the simulator cannot make sense of the folder. */
export function readBoxFolder(folder: string): BoxFolder {
  const box = readYaml(join(folder, 'box.yaml'), Box).value
  const siteFiles = yamlFilesOf(folder).filter((name) => name !== 'box.yaml')
  const platform = (box.connectors ?? []).find((connector) => connector.kind === 'http')?.url
  return {
    folder: resolve(folder),
    id: box.id,
    api: endpointOf(box.listen.api),
    mqtt: box.listen.mqtt === undefined ? undefined : endpointOf(box.listen.mqtt),
    tcp: box.listen.tcp === undefined ? undefined : endpointOf(box.listen.tcp),
    bridges: (box.bridges ?? []).map(({ id, base }) => ({ id, base })),
    devices: siteFiles.flatMap((name) => {
      const site = readYaml(join(folder, name), Site).value
      return site.devices.map((device) => toDevice(device, basename(name, '.yaml')))
    }),
    platform: platform === undefined ? undefined : new URL(platform),
  }
}

const ownFolders = ['profiles', 'packs', 'catalogue']

/**
 * SHA-256 over the box folder's YAML files and then its own profiles, packs and catalogue, each in the order of their
 * names: two sides compare what they have read.
 */
export function configHash(folder: string): string {
  const hash = createHash('sha256')
  const own = ownFolders
    .filter((name) => existsSync(join(folder, name)))
    .flatMap((name) => yamlFilesOf(join(folder, name)).map((file) => `${name}/${file}`))
  for (const name of [...yamlFilesOf(folder), ...own]) {
    hash
      .update(`${name}\n`)
      .update(readFileSync(join(folder, name)))
      .update('\n')
  }
  return hash.digest('hex')
}

function yamlFilesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
  } catch (error) {
    throw new GanglionError('config-missing', `${folder}: cannot be read (${codeOf(error)})`, {
      cause: error,
    })
  }
}

type DeviceEntry = Static<typeof Site>['devices'][number]

function toDevice({ id, profile, via }: DeviceEntry, siteId: string): BoxDevice {
  const [transport = '', settings = {}] = Object.entries(via)[0] ?? []
  const text = (key: string): string => {
    const value = settings[key]
    return typeof value === 'string' ? value : ''
  }
  const number = (key: string, otherwise: number): number => {
    const value = settings[key]
    return typeof value === 'number' ? value : otherwise
  }
  return { id, siteId, profile, via: toVia() }

  function toVia(): BoxVia {
    switch (transport) {
      case 'mqtt':
        return { kind: 'mqtt', bridge: text('account') || undefined, address: text('address') || id }
      case 'modbus-tcp':
        return {
          kind: 'modbus',
          endpoint: { host: text('host'), port: number('port', 502) },
          unit: number('unit', 1),
        }
      case 'tcp':
        if (text('physId') === '')
          throw new GanglionError(
            'config-invalid',
            `${siteId}.yaml: on tcp the simulator plays DNY stations, named by physId; ${id} is another device`,
          )
        return { kind: 'tcp', physId: Number.parseInt(text('physId'), 16) }
      case 'rtsp': {
        const url = new URL(text('url'))
        return {
          kind: 'camera',
          endpoint: { host: url.hostname, port: url.port === '' ? 554 : Number(url.port) },
          path: url.pathname + url.search,
          user: text('user'),
          password: text('password'),
        }
      }
      default:
        throw new GanglionError(
          'config-invalid',
          `${siteId}.yaml: the simulator plays mqtt, modbus-tcp, tcp and rtsp; got "${transport}" at ${id}`,
        )
    }
  }
}

function endpointOf(text: string): Endpoint {
  const at = parseHostPort(text)
  if (!at) throw new GanglionError('config-invalid', `wanted address:port; got "${text}"`)
  return at
}
