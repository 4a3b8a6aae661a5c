import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mqttCodecNames } from '../device-drivers/codecs/by-name.ts'
import type { PushForm } from '../device-drivers/push/form.ts'
import type { Rooms } from '../gateway/config.ts'
import type { ConnectorPlug, TransportPlug } from '../gateway/ports.ts'
import { ruleKindsIn } from '../gateway/rule-kinds.ts'
import camera from '../models/camera.ts'

const root = join(import.meta.dirname, '..')

/** The plugs and data that ship with Ganglion. */
export interface ShippedRooms extends Rooms {
  readonly transports: ReadonlyMap<string, TransportPlug>
  readonly connectors: ReadonlyMap<string, ConnectorPlug>
  readonly manifestsFolder: string
  readonly modelsCache: string
}

export async function shippedRooms(): Promise<ShippedRooms> {
  const transports: readonly TransportPlug[] = [
    ...(await plugsIn<TransportPlug>('device-drivers/transports')),
    camera,
  ]
  const connectors = await plugsIn<ConnectorPlug>('cloud-bridge/connectors')
  const pushForms = await plugsIn<PushForm>('device-drivers/push-forms')
  return {
    profiles: shippedProfiles,
    packs: shippedPacks,
    catalogues: shippedCatalogues,
    manifestsFolder: join(root, 'models/manifests'),
    modelsCache: join(root, 'models/cache'),
    kinds: ruleKindsIn(shippedKinds),
    transports: new Map(transports.map((plug) => [plug.name, plug])),
    connectors: new Map(connectors.map((plug) => [plug.kind, plug])),
    codecs: await mqttCodecNames(),
    pushForms: new Map(pushForms.map((form) => [form.name, form])),
  }
}

/** Every code file of a folder of plugs, by its default export. */
async function plugsIn<Plug>(folder: string): Promise<readonly Plug[]> {
  const files = readdirSync(join(root, folder)).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const modules = await Promise.all(files.map((name) => import(pathToFileURL(join(root, folder, name)).href)))
  return modules.map((module: { readonly default: Plug }) => module.default)
}

export const shippedProfiles = join(root, 'device-drivers/profiles')
export const shippedPacks = join(root, 'rules/packs')
export const shippedCatalogues = join(root, 'rules/catalogue')
export const shippedKinds = join(root, 'rules/kinds')
export const demoFolder = join(root, 'sites/demo')
export const demoScenario = join(root, 'simulator/scenarios/demo.yaml')
/**
 * A young generation of 8 MB and a heap of 384 MB at most: V8 then collects early instead of growing, and a gateway
 * under load needs half the memory. As in package.json.
 */
export const nodeFlags = ['--max-semi-space-size=8', '--max-old-space-size=384'] as const

export const mainFile = join(root, 'main.ts')

/** `data/<folder name>` beside where the command was given. */
export function dataFolderOf(boxFolder: string, given: string | undefined): string {
  if (given !== undefined) return given
  const name =
    boxFolder
      .replace(/[/\\]+$/, '')
      .split(/[/\\]/)
      .pop() ?? 'box'
  return join('data', name === '.' || name === '..' ? 'box' : name)
}
