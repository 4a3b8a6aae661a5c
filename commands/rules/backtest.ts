import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { parseDuration } from '../../base/amount.ts'
import { instant, isoTime, later, systemClock, type Instant } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import { readYaml } from '../../base/yaml.ts'
import { loadBox, type Box } from '../../gateway/config.ts'
import { historyFileOf } from '../../gateway/history/history-file.ts'
import { readHistory } from '../../gateway/history/reader.ts'
import type { Recorded } from '../../gateway/history/recorded.ts'
import { PackFile } from '../../gateway/pack.ts'
import { Replay, type ReplayLine } from '../../gateway/replay.ts'
import { fileOn, OWN_PACKS } from '../../gateway/yaml-shelf.ts'
import { complain, say, type Command } from '../command.ts'
import { shippedRooms } from '../rooms.ts'
import { affectedRules } from './affected-rules.ts'
import { backtestLines } from './backtest-table.ts'
import { differences, replayedCases, type Difference, type ReplayedCase } from './case-difference.ts'
import { folderOptions, foldersOf } from './folders.ts'
import { openStored } from './stored.ts'
import { packChanges } from './pack-change.ts'

/** Rules begin with an empty memory: they are shown so much of what was before, and what they raise in it is left out. */
const LEAD_MS = 3_600_000
const DEFAULT_SINCE = '7d'

/** What a pack would have made of the days that are stored, beside what the active rules make of them. */
export interface Backtest {
  readonly pack: string
  /** The pack of the box that it was tried in place of; null: it came on top. */
  readonly insteadOf: string | null
  readonly from: string
  readonly to: string
  /** What the history has of that time. */
  readonly messages: number
  readonly readings: number
  /** The oldest arrival that was there to be shown; null: there was none. */
  readonly firstAt: string | null
  /** By rule: how the file differs. */
  readonly changes: Readonly<Record<string, readonly string[]>>
  readonly rules: readonly RuleCount[]
  readonly differences: readonly (Difference & { readonly reason: string })[]
  /** Rules that broke, and how. */
  readonly failures: readonly string[]
}

export interface RuleCount {
  readonly rule: string
  /** Cases of the active rules and of the tried ones. */
  readonly before: number
  readonly after: number
  /** Raises that something held back, by the tried rules. */
  readonly held: Readonly<Record<string, number>>
}

/** `ganglion rules backtest --pack new.yaml --since 7d`: what a pack would have raised. */
const backtest: Command = {
  name: 'rules backtest',
  summary:
    'what a pack would have raised in the days that are stored, beside what the active rules raise: rules backtest --pack <file> [--since 7d] [--until <time>] [--as <pack>] [--site <site>] [--json] [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values } = parseArgs({
      args: words,
      options: {
        ...folderOptions,
        pack: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        as: { type: 'string' },
        site: { type: 'string' },
        json: { type: 'boolean' },
      },
    })
    if (values.pack === undefined) throw new GanglionError('usage', 'wanted a pack: --pack new.yaml')
    const folders = foldersOf(values)
    const to = values.until === undefined ? systemClock.now() : timeOf(values.until)
    const from = later(to, -spanOf(values.since ?? DEFAULT_SINCE))
    const { siteId, tried } = { siteId: values.site, tried: resolve(values.pack) }
    const result = await runBacktest({ ...folders, pack: tried, as: values.as, siteId, from, to })
    if (values.json === true) say(JSON.stringify(result))
    else for (const line of backtestLines(result)) say(line)
    for (const failure of result.failures) complain(failure)
    return result.failures.length > 0 ? 1 : 0
  },
}
export default backtest

export interface BacktestWish {
  readonly box: string
  readonly data: string
  /** The file that is tried. */
  readonly pack: string
  /** In place of which pack, where the file's name does not say so. */
  readonly as: string | undefined
  readonly siteId: string | undefined
  readonly from: Instant
  readonly to: Instant
}

/** @throws ConfigError when the pack or the box is wrong; GanglionError `usage`, `config-missing`. */
export async function runBacktest(wish: BacktestWish): Promise<Backtest> {
  const { siteId, from, to } = wish
  const rooms = await shippedRooms()
  const active = await loadBox(wish.box, rooms)
  checkSite(active, siteId)
  const newRules = readYaml(wish.pack, PackFile).value.rules
  const shelves = { shipped: rooms.packs, boxFolder: wish.box, own: OWN_PACKS } as const
  const packs = active.file.packs.flatMap((id) => fileOn(shelves, id)?.file ?? [])
  const oldRules = new Map(
    packs.map((file) => [basename(file, '.yaml'), readYaml(file, PackFile).value.rules]),
  )
  const insteadOf = replaced(wish, oldRules, Object.keys(newRules))
  const triedId = insteadOf ?? basename(wish.pack, '.yaml')
  const tried = await loadBox(wish.box, { ...rooms, triedPacks: new Map([[triedId, wish.pack]]) })
  const changes = packChanges(oldRules.get(triedId) ?? {}, newRules)
  // The others say the same either way: once is enough.
  const affected = affectedRules(new Set(changes.keys()), [...active.rules, ...tried.rules])

  const before: ReplayLine[] = []
  const after: ReplayLine[] = []
  const begin = later(from, -LEAD_MS)
  const seen = { messages: 0, readings: 0, firstAt: undefined as Instant | undefined }
  const runs = [
    new Replay({ box: oneSite(active, siteId), from: begin, onLine: (line) => before.push(line) }),
    new Replay({
      box: { ...oneSite(tried, siteId), rules: tried.rules.filter(({ id }) => affected.has(id)) },
      from: begin,
      onLine: (line) => after.push(line),
    }),
  ]
  try {
    for (const recorded of recordedIn(wish.data, {
      from: begin,
      to,
      ...(siteId !== undefined && { siteId }),
    })) {
      for (const run of runs) await run.show(recorded)
      if (recorded.is !== 'message' || recorded.at < from) continue
      seen.messages++
      seen.readings += recorded.readings.length
      seen.firstAt ??= recorded.at
    }
    for (const run of runs) await run.until(to)
  } finally {
    for (const run of runs) run.stop()
  }
  const since = isoTime(from)
  const isAffected = (rule: string): boolean => affected.has(rule)
  const oldCases = replayedCases(before, since)
  const newCases = [...replayedCases(after, since), ...oldCases.filter(({ rule }) => !isAffected(rule))]
  const held = [...after, ...before.filter((line) => line.is === 'held' && !isAffected(line.rule))]
  return {
    pack: wish.pack,
    insteadOf: insteadOf ?? null,
    from: since,
    to: isoTime(to),
    messages: seen.messages,
    readings: seen.readings,
    firstAt: seen.firstAt === undefined ? null : isoTime(seen.firstAt),
    changes: Object.fromEntries(changes),
    rules: countsOf(oldCases, newCases, held, since),
    differences: differences(oldCases, newCases).map((one) => ({ ...one, reason: reasonOf(one, changes) })),
    failures: [
      ...new Set(after.flatMap((line) => (line.is === 'failed' ? [`${line.what}: ${line.example}`] : []))),
    ],
  }
}

/** By its name, by `--as`, or the pack that most of its rules come from. */
function replaced(
  { pack, as }: Pick<BacktestWish, 'pack' | 'as'>,
  known: ReadonlyMap<string, PackFile['rules']>,
  ruleIds: readonly string[],
): string | undefined {
  if (as !== undefined) {
    if (known.has(as)) return as
    throw new GanglionError('usage', `the box has no pack "${as}"; it has ${[...known.keys()].join(', ')}`)
  }
  const name = basename(pack, '.yaml')
  if (known.has(name)) return name
  const shared = [...known].map(([id, rules]) => ({
    id,
    count: ruleIds.filter((rule) => Object.hasOwn(rules, rule)).length,
  }))
  const most = shared.sort((a, b) => b.count - a.count)[0]
  return most && most.count > 0 ? most.id : undefined
}

const oneSite = (box: Box, siteId: string | undefined): Box =>
  siteId === undefined ? box : { ...box, sites: box.sites.filter(({ id }) => id === siteId) }

function checkSite(box: Box, siteId: string | undefined): void {
  if (siteId === undefined || box.sites.some(({ id }) => id === siteId)) return
  const known = box.sites.map(({ id }) => id).join(', ')
  throw new GanglionError('usage', `unknown site "${siteId}"; known are ${known}`)
}

/** A running gateway is not disturbed. */
function* recordedIn(
  data: string,
  range: { readonly from: Instant; readonly to: Instant; readonly siteId?: string },
): Generator<Recorded> {
  const log = openStored(data)
  const historyFile = historyFileOf(data)
  const history = existsSync(historyFile) ? new Database(historyFile, { readonly: true }) : undefined
  try {
    yield* readHistory(log, history, range)
  } finally {
    history?.close()
    log.close()
  }
}

function countsOf(
  before: readonly ReplayedCase[],
  after: readonly ReplayedCase[],
  lines: readonly ReplayLine[],
  since: string,
): readonly RuleCount[] {
  const held = lines.filter((line) => line.is === 'held').filter(({ at }) => at >= since)
  const ids = [...new Set([...before, ...after, ...held].map(({ rule }) => rule))].sort()
  return ids.map((rule) => ({
    rule,
    before: before.filter((one) => one.rule === rule).length,
    after: after.filter((one) => one.rule === rule).length,
    held: Object.fromEntries(
      [
        ...Map.groupBy(
          held.filter((one) => one.rule === rule),
          ({ heldBy }) => heldBy,
        ),
      ].map(([by, all]) => [by, all.length]),
    ),
  }))
}

/** Which rule, and what of it. */
function reasonOf(difference: Difference, changes: ReadonlyMap<string, readonly string[]>): string {
  const rules = [difference.case.rule, ...(difference.is === 'moved' ? [difference.before.rule] : [])]
  const said = [...new Set(rules)].flatMap((rule) => {
    const lines = changes.get(rule)
    return lines ? [`${rule}: ${lines.join('; ')}`] : []
  })
  if (said.length > 0) return said.join(' | ')
  // Its own rule is the same: another one shares its case, silences it or no longer does.
  const others = [...changes.keys()].join(', ')
  return `${difference.case.rule} is unchanged; it follows from ${others === '' ? 'the order of the rules' : others}`
}

function timeOf(text: string): Instant {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new GanglionError('usage', `wanted an RFC 3339 time; got "${text}"`)
  return instant(at)
}

function spanOf(text: string): number {
  const span = parseDuration(text)
  if (span > 0) return span
  throw new GanglionError('usage', `wanted a span of time such as 7d; got "${text}"`)
}
