import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { GanglionError } from '../base/errors.ts'
import { complain, say, type Command } from './command.ts'
import { dataFolderOf, demoFolder } from './rooms.ts'
import { runningGateway } from './running.ts'

const NOT_RUNNING = 3
const LOOK_AGAIN_MS = 300

interface Shown {
  readonly outcome: string
  readonly detail: string
}

/** `ganglion command <device> <command> [--part <part>] --reason <why>`: asks a running gateway to tell a device something. */
const command: Command = {
  name: 'command',
  summary:
    'asks something of a device: <device> <command> [--part <part>] --reason <why> [--id <request id>] [--box <folder>] [--data <folder>]',
  async run(words) {
    const text = { type: 'string' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { part: text, reason: text, id: text, box: text, data: text },
    })
    const [deviceId, kind, ...more] = positionals
    const { part, reason, id: requestId = `cli-${randomUUID()}` } = values
    if (deviceId === undefined || kind === undefined || more.length > 0 || reason === undefined)
      throw new GanglionError('usage', 'wanted a device, a command and --reason', { hint: command.summary })
    const gateway = await runningGateway(dataFolderOf(resolve(values.box ?? demoFolder), values.data))
    if (!gateway) {
      complain('no gateway runs on this data folder')
      return NOT_RUNNING
    }
    const asked = {
      command: kind,
      ...(part !== undefined && { part }),
      reason,
      requestId,
      person: userInfo().username.slice(0, 60),
    }
    let shown = (await gateway.post(`/api/devices/${encodeURIComponent(deviceId)}/commands`, asked)) as Shown // our own API
    // It ends by itself: every command has a time within which it is read back.
    while (shown.outcome === 'under-way') {
      await pause(LOOK_AGAIN_MS)
      shown = (await gateway.get(`/api/commands/${encodeURIComponent(requestId)}`)) as Shown // our own API
    }
    say(`${shown.outcome}: ${shown.detail}`)
    return shown.outcome === 'confirmed' ? 0 : 1
  },
}
export default command
