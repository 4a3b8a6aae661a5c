import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { GanglionError } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import { say, type Command } from './command.ts'
import { folderOptions, foldersOf } from './rules/folders.ts'
import { runningGateway } from './running.ts'

/** A large folder is read anew, and wires are taken down and set up. */
const RELOAD_MS = 60_000

const Ids = Type.Array(Type.String())
const Changed = Type.Object({ added: Ids, removed: Ids, changed: Ids })
const Answer = Type.Object({
  configHash: Type.String(),
  changes: Type.Union([
    Type.Null(),
    Type.Object({
      keys: Ids,
      sites: Changed,
      devices: Changed,
      rules: Changed,
      catalogue: Type.Boolean(),
    }),
  ]),
  wires: Ids,
})

/** `ganglion reload [--data <folder>]`: the running gateway takes over its changed box folder. */
const reload: Command = {
  name: 'reload',
  summary:
    'let the running gateway take over its changed box folder: reload [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values } = parseArgs({ args: words, options: folderOptions })
    const { data } = foldersOf(values)
    const gateway = await runningGateway(data)
    if (!gateway) {
      throw new GanglionError('usage', `no gateway runs on ${data}`, {
        hint: 'Name its data folder with --data; a gateway that starts reads the folder anyway.',
      })
    }
    const answer = checker(Answer)(await gateway.post('/api/reload', {}, RELOAD_MS))
    if (!answer.ok)
      throw new GanglionError('payload-invalid', 'the gateway answered as another version would')
    for (const line of reloadLines(answer.value)) say(line)
    return 0
  },
}
export default reload

const SHOWN = 20

function reloadLines({ changes, wires, configHash }: Type.Static<typeof Answer>): readonly string[] {
  if (!changes) return [`nothing has changed (${configHash.slice(0, 12)}…)`]
  const { keys, sites, devices, rules, catalogue } = changes
  return [
    `taken over (${configHash.slice(0, 12)}…)`,
    ...changedLines('sites', sites),
    ...changedLines('devices', devices),
    ...changedLines('rules', rules),
    ...(catalogue ? ['  catalogue: another one'] : []),
    ...(keys.length > 0 ? [`  box.yaml: ${keys.join(', ')}`] : []),
    wires.length > 0
      ? `  set up anew: ${wires.join(', ')}; all other wires ran on`
      : '  no wire was interrupted',
  ]
}

function changedLines(
  what: string,
  { added, removed, changed }: Type.Static<typeof Changed>,
): readonly string[] {
  const parts = [
    ['+', added],
    ['-', removed],
    ['~', changed],
  ] as const
  const said = parts.flatMap(([sign, ids]) => ids.slice(0, SHOWN).map((id) => `${sign}${id}`))
  const left = added.length + removed.length + changed.length - said.length
  if (said.length === 0) return []
  return [`  ${what}: ${said.join(' ')}${left > 0 ? ` and ${left} more` : ''}`]
}
