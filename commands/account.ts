import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import { WireAccounts } from '../gateway/access.ts'
import { lockFolder } from '../gateway/lock.ts'
import { Store } from '../gateway/store/store.ts'
import { say, type Command } from './command.ts'
import { dataFolderOf, demoFolder } from './rooms.ts'
import { runningGateway } from './running.ts'

/** `ganglion account add <id> --device|--bridge`: prints a new secret once. */
const account: Command = {
  name: 'account',
  summary:
    'account add <id> --device|--bridge [--box <folder>] [--data <folder>]: a new wire secret, shown once',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        device: { type: 'boolean' },
        bridge: { type: 'boolean' },
        box: { type: 'string' },
        data: { type: 'string' },
      },
    })
    const [verb, id] = positionals
    const isOne = (values.device === true) !== (values.bridge === true)
    if (verb !== 'add' || id === undefined || !isOne) {
      throw new GanglionError('usage', 'wanted: ganglion account add <id> --device, or --bridge')
    }
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) {
      throw new GanglionError('usage', `an id is lower-case letters, digits and -; got "${id}"`)
    }
    const dataFolder = dataFolderOf(resolve(values.box ?? demoFolder), values.data)
    say(await add(dataFolder, id, values.bridge === true ? 'bridge' : 'device'))
    return 0
  },
}
export default account

async function add(dataFolder: string, id: string, kind: 'device' | 'bridge'): Promise<string> {
  const running = await runningGateway(dataFolder)
  if (running) {
    const answer = (await running.post('/api/accounts', { id, kind })) as { readonly secret: string } // our own API
    return answer.secret
  }
  if (!existsSync(dataFolder)) {
    throw new GanglionError(
      'usage',
      `${dataFolder} does not exist: start the box once, or name its data folder with --data`,
    )
  }
  const unlock = lockFolder(dataFolder)
  try {
    const store = await Store.open({ folder: dataFolder })
    try {
      return await new WireAccounts(store, systemClock).add(id, kind)
    } finally {
      await store.close()
    }
  } finally {
    unlock()
  }
}
