import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { codeOf, GanglionError } from '../base/errors.ts'
import { dataOfPrinted } from '../wire/wiegand.ts'
import { complain, say, type Command } from './command.ts'
import { dataFolderOf, demoFolder } from './rooms.ts'
import { runningGateway } from './running.ts'

const NOT_RUNNING = 3
const LARGEST_FILE = 4 * 1024 * 1024

/** `ganglion credentials import <site> <file>`: gives a running gateway the list of a site, as the platform would. */
const credentials: Command = {
  name: 'credentials',
  summary:
    'credentials import <site> <file.json> [--box <folder>] [--data <folder>]: who may open the doors of a site',
  async run(words) {
    const text = { type: 'string' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { box: text, data: text },
    })
    const [verb, siteId, file, ...more] = positionals
    if (verb !== 'import' || siteId === undefined || file === undefined || more.length > 0)
      throw new GanglionError('usage', 'wanted: ganglion credentials import <site> <file.json>')
    const list = withBytes(readList(file))
    const gateway = await runningGateway(dataFolderOf(resolve(values.box ?? demoFolder), values.data))
    if (!gateway) {
      complain('no gateway runs on this data folder')
      return NOT_RUNNING
    }
    const taken = (await gateway.put(`/api/sites/${encodeURIComponent(siteId)}/credentials`, list)) as {
      readonly version: number
      readonly cards: number
    } // our own API
    say(`${siteId}: list ${taken.version} of ${taken.cards} cards`)
    return 0
  },
}
export default credentials

/** Errors never say what stands in the file. */
function readList(file: string): object {
  try {
    if (statSync(file).size > LARGEST_FILE)
      throw new GanglionError('payload-too-large', `${file} is larger than ${LARGEST_FILE} bytes`)
    const list: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof list === 'object' && list !== null) return list
  } catch (error) {
    if (error instanceof GanglionError) throw error
    if (!(error instanceof SyntaxError))
      throw new GanglionError('config-missing', `${file} cannot be read (${codeOf(error)})`)
  }
  throw new GanglionError('payload-invalid', `${file}: wanted a JSON object with "version" and "cards"`)
}

/** A card may be named by what is printed on it, `212,07041`, where its site reads Wiegand 26. */
function withBytes(list: object): object {
  const { cards } = list as { readonly cards?: unknown }
  if (!Array.isArray(cards)) return list
  const named = cards.map((card: unknown): unknown => {
    if (typeof card !== 'object' || card === null || !('uid' in card) || typeof card.uid !== 'string')
      return card
    const data = dataOfPrinted(card.uid)
    return data === undefined ? card : { ...card, uid: data }
  })
  return { ...list, cards: named }
}
