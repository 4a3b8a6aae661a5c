import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { complain, say, type Command } from './command.ts'
import { dataFolderOf, demoFolder } from './rooms.ts'
import { runningGateway } from './running.ts'

const NOT_RUNNING = 3

interface Shown {
  readonly id: string
  readonly siteId: string
  readonly open: boolean | null
  readonly forced: boolean
  readonly heldOpen: boolean
  readonly leaving: string
  readonly lock: string
  readonly credentials: { readonly version: number; readonly cards: number } | null
  readonly asks: {
    readonly granted: number
    readonly refused: number
    readonly medianMs: number | null
    readonly slowestMs: number | null
  }
}

/** `ganglion doors`: each door of a running gateway, and how long those who showed something waited. */
const doors: Command = {
  name: 'doors',
  summary: 'each door: its state, its list, how long an ask took: [--box <folder>] [--data <folder>]',
  async run(words) {
    const text = { type: 'string' } as const
    const { values } = parseArgs({ args: words, options: { box: text, data: text } })
    const gateway = await runningGateway(dataFolderOf(resolve(values.box ?? demoFolder), values.data))
    if (!gateway) {
      complain('no gateway runs on this data folder')
      return NOT_RUNNING
    }
    const all = (await gateway.get('/api/doors')) as readonly Shown[] // our own API
    if (all.length === 0) say('no device of this box has "door:" in its site file')
    for (const door of all) for (const line of linesOf(door)) say(line)
    return 0
  },
}
export default doors

function linesOf(door: Shown): readonly string[] {
  const { id, siteId, open, forced, heldOpen, leaving, lock, credentials, asks } = door
  const state = open === null ? 'not seen yet' : open ? 'open' : 'shut'
  const list = credentials ? `list ${credentials.version} of ${credentials.cards} cards` : 'no list of cards'
  const times =
    asks.medianMs === null
      ? ''
      : `; from the ask to the order ${asks.medianMs} ms, ${asks.slowestMs ?? asks.medianMs} ms at most`
  return [
    `${siteId}/${id}: ${state}${forced ? ', forced' : ''}${heldOpen ? ', held open' : ''}`,
    `  out: ${leaving}, lock ${lock}; in: ${list}`,
    `  since the start ${asks.granted} let in, ${asks.refused} refused${times}`,
  ]
}
