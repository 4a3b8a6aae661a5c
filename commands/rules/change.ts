import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { later, systemClock, type Duration } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'
import { readYaml } from '../../base/yaml.ts'
import { configHash, loadBox } from '../../gateway/config.ts'
import { PackFile } from '../../gateway/pack.ts'
import { tryPack } from '../../gateway/pack-test-run.ts'
import { ProfileShelf } from '../../gateway/profile-shelf.ts'
import type { Promised } from '../../gateway/rule-change/change-record.ts'
import { mostRaises } from '../../gateway/rule-change/change-watch.ts'
import { saidBy } from '../../gateway/said-by.ts'
import { fileOn, OWN_PACKS } from '../../gateway/yaml-shelf.ts'
import { complain, say, type Command } from '../command.ts'
import { shippedRooms } from '../rooms.ts'
import { runningGateway, type RunningGateway } from '../running.ts'
import { backtestLines } from './backtest-table.ts'
import { runBacktest, type Backtest } from './backtest.ts'
import { changeLines } from './change-list.ts'
import { folderOptions, foldersOf, thisUser, type Folders } from './folders.ts'

const COMPARED_MS: Duration = 24 * 3_600_000
const HOUR_MS: Duration = 3_600_000
const STAGE_MS: Duration = 60_000
const DEFAULT_MINUTES = '10'
const DEFAULT_TIMES = '5'

const usage =
  'rules change <pack.yaml> [--as <pack>] [--minutes 10] [--times 5] [--yes --by <name>] | --list | --keep | --undo [--by <name>] [--box <folder>] [--data <folder>]'

/** `ganglion rules change pack.yaml`: a changed pack is checked, compared, put in force, watched, and rolled back by itself. */
const change: Command = {
  name: 'rules change',
  summary: `put a changed pack in force and have it taken back by itself if health drops: ${usage}`,
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        ...folderOptions,
        as: { type: 'string' },
        minutes: { type: 'string' },
        times: { type: 'string' },
        yes: { type: 'boolean' },
        by: { type: 'string' },
        list: { type: 'boolean' },
        keep: { type: 'boolean' },
        undo: { type: 'boolean' },
      },
    })
    const folders = foldersOf(values)
    const by = values.by ?? thisUser()
    if (values.list === true) {
      for (const line of changeLines(folders.data)) say(line)
      return 0
    }
    if (values.keep === true || values.undo === true) {
      const word = values.keep === true ? 'keep' : 'undo'
      await (await needGateway(folders.data)).post('/api/rule-changes/end', { word, by }, STAGE_MS)
      say(word === 'keep' ? `kept (${by})` : `rolled back (${by})`)
      return 0
    }
    const [file] = positionals
    if (file === undefined || positionals.length > 1)
      throw new GanglionError('usage', `wanted: ganglion ${usage}`)
    const minutes = numberOf(values.minutes ?? DEFAULT_MINUTES, 'minutes', 1, 1440)
    const times = numberOf(values.times ?? DEFAULT_TIMES, 'times', 1, 1000)
    const gateway = values.yes === true ? await needGateway(folders.data) : undefined
    if (gateway) await checkTakenOver(gateway, folders)
    const tried = await tryOut(resolve(file), values.as, folders)
    if (!tried) return 1
    const { pack, insteadOf, promised } = tried
    say('')
    say(
      `promised: ${promised.perHour.toFixed(1)} raises an hour and ${promised.atOnce} at once; rolled back at more than ${mostRaises({ minutes, promised, times })}`,
    )
    if (!gateway) {
      say('nothing was changed; put it in force with: --yes --by <name>')
      return 0
    }
    const body = { pack, text: tried.text, insteadOf, by, minutes, promised, times }
    await gateway.post('/api/rule-changes', body, STAGE_MS)
    say(`${pack} is in force and watched for ${minutes} min (${by}): ganglion rules change --list`)
    return 0
  },
}
export default change

interface TriedOut {
  readonly pack: string
  readonly text: string
  readonly insteadOf: string | undefined
  readonly promised: Promised
}

/** Check, its own tests, and the last day; undefined when a test failed or a rule broke, which was said. */
async function tryOut(file: string, as: string | undefined, folders: Folders): Promise<TriedOut | undefined> {
  const rooms = await shippedRooms()
  const box = await loadBox(folders.box, rooms)
  const profiles = new ProfileShelf(rooms.profiles, folders.box, () => undefined) // loadBox has found it right
  const trialRooms = {
    kinds: rooms.kinds,
    catalogue: box.catalogue,
    profiles,
    saidBy: (id: string) => saidBy(profiles, id),
  }
  const { results } = await tryPack(basename(file, '.yaml'), file, trialRooms)
  const failed = results.filter(({ failures }) => failures.length > 0)
  for (const { name, failures } of failed) complain(`FAIL ${name}\n  ${failures.join('\n  ')}`)
  say(`${results.length - failed.length} tests of the pack passed, ${failed.length} failed`)
  if (failed.length > 0) return undefined

  const to = systemClock.now()
  const backtest = await runBacktest({
    ...folders,
    pack: file,
    as,
    siteId: undefined,
    from: later(to, -COMPARED_MS),
    to,
  })
  for (const line of backtestLines(backtest)) say(line)
  for (const failure of backtest.failures) complain(failure)
  if (backtest.failures.length > 0) return undefined
  const shelves = { shipped: rooms.packs, boxFolder: folders.box, own: OWN_PACKS } as const
  const insteadOf = backtest.insteadOf ?? undefined
  const isOwn = insteadOf !== undefined && fileOn(shelves, insteadOf)?.isOwn === true
  const read = readYaml(file, PackFile)
  return {
    // One of the box's own is changed in its file; one that ships gives its place to a file of the box.
    pack: isOwn ? insteadOf : basename(file, '.yaml'),
    text: readFileSync(file, 'utf8'),
    insteadOf,
    promised: promisedBy(backtest, new Set(Object.keys(read.value.rules))),
  }
}

/** What the rules of the pack would have raised an hour, held back or not, and what they raise because it stands now. */
function promisedBy({ rules, differences, firstAt, from, to }: Backtest, own: ReadonlySet<string>): Promised {
  const raises = rules
    .filter(({ rule }) => own.has(rule))
    .reduce(
      (sum, { after, held }) => sum + after + Object.values(held).reduce((all, times) => all + times, 0),
      0,
    )
  const began = firstAt === null || firstAt < from ? from : firstAt
  const hours = Math.max(1, (Date.parse(to) - Date.parse(began)) / HOUR_MS)
  const standing = differences.filter(
    (one) => one.is === 'added' && one.case.clearedAt === null && own.has(one.case.rule),
  )
  return { perHour: raises / hours, atOnce: standing.length }
}

async function needGateway(data: string): Promise<RunningGateway> {
  const gateway = await runningGateway(data)
  if (gateway) return gateway
  throw new GanglionError('usage', `no gateway runs on ${data}: nobody would watch the change`, {
    hint: 'Start it, or change the file in the box folder: the next start reads it.',
  })
}

const Config = Type.Object({ configHash: Type.String() })

/** What is compared here is the folder; what runs must be the same. */
async function checkTakenOver(gateway: RunningGateway, { box }: Folders): Promise<void> {
  const answer = checker(Config)(await gateway.get('/api/config'))
  if (answer.ok && answer.value.configHash === configHash(box)) return
  throw new GanglionError('not-allowed', `the gateway runs on another configuration than ${box}`, {
    hint: 'Name its box folder with --box, or take the folder over first: ganglion reload. A changed pack is tried from a copy outside the box folder.',
  })
}

function numberOf(text: string, name: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new GanglionError('usage', `--${name} wants ${least} to ${most}; got "${text}"`)
}
