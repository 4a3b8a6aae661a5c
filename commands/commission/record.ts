import { parseArgs } from 'node:util'
import { say, type Command } from '../command.ts'
import { folderOptions } from '../rules/folders.ts'
import { deviceOf, gatewayOf, pathOf } from './gateway-of.ts'

/** `ganglion commission record <device>`: what was accepted, as JSON or as one page to print. */
const record: Command = {
  name: 'commission record',
  summary: 'what was accepted, as JSON, or as a page to print: record <device> [--html] [--box …] [--data …]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, html: { type: 'boolean' } },
    })
    const device = deviceOf(positionals, record.summary)
    const gateway = await gatewayOf(values)
    if (values.html === true) say(await gateway.text(pathOf(device, 'acceptance.html')))
    else say(JSON.stringify(await gateway.get(pathOf(device, 'acceptance')), undefined, 2))
    return 0
  },
}
export default record
