import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GanglionError } from '../base/errors.ts'
import { ConfigError } from '../base/yaml.ts'
import { loadBox } from '../gateway/config.ts'
import { idsIn, OWN_PROFILES } from '../gateway/profile-shelf.ts'
import { say, type Command } from './command.ts'
import { leavingText } from './leaving.ts'
import { checkProfile } from './profile-check.ts'
import { shippedRooms } from './rooms.ts'

/** `ganglion check <box>`: every mistake of every file at once; opens no socket. */
const check: Command = {
  name: 'check',
  summary: 'validate a box folder and all that it names: check <box>',
  async run(words) {
    const { positionals } = parseArgs({ args: words, allowPositionals: true })
    const [folder] = positionals
    if (folder === undefined || positionals.length > 1)
      throw new GanglionError('usage', 'wanted one box folder: ganglion check <box>')
    const box = await loadBox(resolve(folder), await shippedRooms())
    await tryOwnProfiles(folder)
    say(`${folder}: ${box.sites.length} sites, ${box.devices.size} devices, ${box.rules.length} rules: right`)
    for (const device of box.devices.values()) {
      if (device.door) say(`  ${device.siteId}/${device.id}: ${leavingText(device.door)}`)
      if (device.drillOnly)
        say(
          `  ${device.siteId}/${device.id}: its cases are drills (drill: true, or a camera without purpose, controller and signPhoto)`,
        )
    }
    return 0
  },
}
export default check

/** The examples of shipped profiles are tests; those of a box are tried here. */
async function tryOwnProfiles(folder: string): Promise<void> {
  const mistakes = []
  for (const id of idsIn(join(folder, OWN_PROFILES))) {
    const name = `${OWN_PROFILES}/${id}.yaml`
    const { mistakes: found } = await checkProfile(join(resolve(folder), name), name)
    mistakes.push(...found)
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
}
