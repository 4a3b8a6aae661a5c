import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { parse } from 'yaml'
import { isoTime, systemClock } from '../../base/clock.ts'
import { GanglionError, isGanglionError, messageOf } from '../../base/errors.ts'
import { lockFolder } from '../../gateway/lock.ts'
import { Store } from '../../gateway/store/store.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf, thisUser, type Folders } from '../rules/folders.ts'
import { runningGateway } from '../running.ts'
import { checker } from '../../base/schema.ts'
import { pathOf } from './gateway-of.ts'
import { replaceUnit, type Replaced } from './site-edit.ts'

const RELOAD_MS = 60_000
const Via = Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
  minProperties: 1,
  maxProperties: 1,
})

/** `ganglion commission replace <device>`: another unit in its place; name, site, rules, history and open cases stay. */
const replace: Command = {
  name: 'commission replace',
  summary:
    "another unit in a device's place: replace <device> [--profile <id>] [--variant <name>] [--via '{ mqtt: {…} }'] [--by <name>] [--box …] [--data …]",
  async run(words) {
    const text = { type: 'string' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, profile: text, variant: text, via: text, by: text },
    })
    const [device] = positionals
    const { profile, variant, by = thisUser() } = values
    if (device === undefined || positionals.length > 1)
      throw new GanglionError('usage', 'wanted one device', { hint: replace.summary })
    if (profile === undefined && variant === undefined && values.via === undefined)
      throw new GanglionError(
        'usage',
        'wanted --profile, --variant or --via: what is different about the new unit?',
      )
    const folders = foldersOf(values)
    const change = await replaceUnit(folders.box, device, {
      ...(profile !== undefined && { profile }),
      ...(variant !== undefined && { variant }),
      ...(values.via !== undefined && { via: viaIn(values.via) }),
    })
    say(`${change.file}: "${device}" is another unit now; the file of before is ${change.kept}`)
    await note(folders, device, by, change)
    return 0
  },
}
export default replace

function viaIn(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw new GanglionError('usage', `--via is no YAML: ${messageOf(error)}`)
  }
  const via = checker(Via)(value)
  if (via.ok) return via.value
  throw new GanglionError(
    'usage',
    `--via: wanted such as { modbus-tcp: { host: 10.0.0.7, unit: 3 } }; got "${text}"`,
  )
}

/** Lets the running gateway take it over and writes down who did it; without one, the next start takes it over. */
async function note(folders: Folders, device: string, by: string, change: Replaced): Promise<void> {
  const { after, before } = change
  const gateway = await runningGateway(folders.data)
  if (!gateway) {
    await noteAlone(folders.data, device, by, change)
    say('no gateway runs: the next start takes it over')
    return
  }
  await gateway.post(pathOf(device, 'replacements'), { by, before, after })
  try {
    await gateway.post('/api/reload', {}, RELOAD_MS)
    say('the gateway has taken it over; history and open cases go on')
  } catch (error) {
    if (!isGanglionError(error)) throw error
    say(`the gateway did not take it over: ${error.message}`)
    say('restart it')
  }
}

async function noteAlone(data: string, deviceId: string, by: string, change: Replaced): Promise<void> {
  const { after, before, siteId } = change
  if (!existsSync(data)) return
  const unlock = lockFolder(data)
  try {
    const store = await Store.open({ folder: data })
    try {
      const at = systemClock.now()
      await store.put(['putReplacement', deviceId, siteId, at, by, JSON.stringify({ before, after })])
      say(`written down: ${by}, ${isoTime(at)}`)
    } finally {
      await store.close()
    }
  } finally {
    unlock()
  }
}
