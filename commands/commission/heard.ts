import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf } from '../rules/folders.ts'
import { gatewayOf } from './gateway-of.ts'
import { KnownModels } from './known-models.ts'
import { proposal } from './proposal.ts'

const Strangers = Type.Array(
  Type.Object({
    transport: Type.String(),
    account: Type.Optional(Type.String()),
    address: Type.String(),
    codec: Type.Optional(Type.String()),
    vendor: Type.Optional(Type.String()),
    model: Type.Optional(Type.String()),
    example: Type.String(),
    count: Type.Integer(),
    lastAt: Type.String(),
  }),
)

/** `ganglion commission heard`: devices that spoke and are in no site, as entries for a site file. */
const heard: Command = {
  name: 'commission heard',
  summary: 'devices that spoke and are in no site, as entries for a site file: heard [--box …] [--data …]',
  async run(words) {
    const { values } = parseArgs({ args: words, options: folderOptions })
    const gateway = await gatewayOf(values)
    const strangers = checker(Strangers)(await gateway.get('/api/strangers'))
    if (!strangers.ok)
      throw new GanglionError('payload-invalid', 'the gateway answered as another version would')
    if (strangers.value.length === 0) {
      say('nothing was heard that no site has; press a button on the device, and ask again')
      return 1
    }
    const models = new KnownModels(foldersOf(values).box)
    say('devices:')
    for (const stranger of strangers.value)
      for (const line of proposal(stranger, models.guess(stranger), stranger)) say(line)
    return 0
  },
}
export default heard
