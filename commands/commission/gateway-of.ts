import { GanglionError } from '../../base/errors.ts'
import { foldersOf } from '../rules/folders.ts'
import { runningGateway, type RunningGateway } from '../running.ts'

/** What most words need. @throws GanglionError `usage` when none runs */
export async function gatewayOf(values: {
  readonly box?: string
  readonly data?: string
}): Promise<RunningGateway> {
  const { data } = foldersOf(values)
  const gateway = await runningGateway(data)
  if (gateway) return gateway
  throw new GanglionError('usage', `no gateway runs on ${data}`, {
    hint: 'Start it, or name its data folder with --data.',
  })
}

/** The one device that a word is about. */
export function deviceOf(positionals: readonly string[], summary: string): string {
  const [device] = positionals
  if (device !== undefined && positionals.length === 1) return device
  throw new GanglionError('usage', 'wanted one device', { hint: summary })
}

export const pathOf = (device: string, rest: string): string =>
  `/api/devices/${encodeURIComponent(device)}/${rest}`
