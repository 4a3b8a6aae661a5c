import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GanglionError } from '../base/errors.ts'
import { loadBox } from '../gateway/config.ts'
import { say, type Command } from './command.ts'
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
    say(`${folder}: ${box.sites.length} sites, ${box.devices.size} devices, ${box.rules.length} rules: right`)
    for (const device of box.devices.values()) {
      if (device.drillOnly)
        say(
          `  ${device.siteId}/${device.id}: its cases are drills (drill: true, or a camera without purpose, controller and signPhoto)`,
        )
    }
    return 0
  },
}
export default check
