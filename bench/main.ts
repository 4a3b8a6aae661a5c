import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../base/errors.ts'
import type { Area, Measurement, Run } from './area.ts'
import { fsyncTime } from './disk.ts'
import { rounded, toRow, type Measured, type Row } from './rows.ts'
import { tableOf } from './table.ts'

/**
 * `npm run bench [-- area… row…] [--short] [--peers] [--keep] [--node=<option>…]`: measures, prints a table, writes
 * `bench/out/<area>.json`. A row may be named by its beginning; `--node=--cpu-prof` goes to the gateway's node.
 */

const outFolder = join(import.meta.dirname, 'out')
const areasFolder = join(import.meta.dirname, 'areas')

/** As a shell names a command that Ctrl-C ended. */
const INTERRUPTED = 130

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      short: { type: 'boolean' },
      peers: { type: 'boolean' },
      keep: { type: 'boolean' },
      node: { type: 'string', multiple: true },
    },
  })
  const known = readdirSync(areasFolder).map((name) => name.replace(/\.ts$/, ''))
  const areas = positionals.filter((word) => known.includes(word))
  const prefixes = positionals.filter((word) => !known.includes(word))
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-bench-'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(folder, { recursive: true, force: true })
      process.exit(INTERRUPTED)
    })
  }
  let exitCode = 0
  try {
    for (const name of areas.length > 0 ? areas : known) {
      const { default: area } = (await import(join(areasFolder, `${name}.ts`))) as { default: Area }
      const chosen = area.measurements.filter(({ rows }) => isWanted(rows, prefixes))
      if (chosen.length === 0) {
        say(`no row of area ${name} begins with ${prefixes.join(' or ')}`)
        return 2
      }
      const run = newRun(folder, {
        isShort: values.short === true,
        withPeers: values.peers === true,
        nodeOptions: values.node ?? [],
      })
      const { measured, failed } = await measure(chosen, run)
      report(name, area, measured)
      for (const line of failed) say(line)
      if (failed.length > 0) exitCode = 1
    }
    return exitCode
  } finally {
    if (values.keep === true) say(`kept: ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
}

const isWanted = (rows: readonly string[], prefixes: readonly string[]): boolean =>
  prefixes.length === 0 || rows.some((row) => prefixes.some((prefix) => row.startsWith(prefix)))

function newRun(folder: string, wish: Pick<Run, 'isShort' | 'withPeers' | 'nodeOptions'>): Run {
  const startedAt = performance.now()
  return {
    ...wish,
    fsyncMs: fsyncTime(folder),
    newFolder(name) {
      const own = join(folder, name)
      mkdirSync(own, { recursive: true })
      return own
    },
    loadDevices: wish.isShort ? 500 : 2000,
    patienceMs: wish.isShort ? 4000 : 15_000,
    either: (full, short) => (wish.isShort ? short : full),
    say: (line) => say(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}`),
  }
}

interface Brought {
  readonly measured: readonly Measured[]
  /** What could not be measured, and why: the other rows are measured all the same. */
  readonly failed: readonly string[]
}

/** Figures one after the other; counts beside each other when time is short. */
async function measure(chosen: readonly Measurement[], run: Run): Promise<Brought> {
  const figures = chosen.filter(({ kind }) => kind === 'figures' || !run.isShort)
  const counts = chosen.filter((measurement) => !figures.includes(measurement))
  const brought: Brought[] = []
  for (const measurement of figures) brought.push(await attempt(measurement, run))
  brought.push(...(await Promise.all(counts.map((measurement) => attempt(measurement, run)))))
  return {
    measured: brought.flatMap(({ measured }) => measured),
    failed: brought.flatMap(({ failed }) => failed),
  }
}

async function attempt(measurement: Measurement, run: Run): Promise<Brought> {
  try {
    return { measured: await measurement.run(run), failed: [] }
  } catch (error) {
    return { measured: [], failed: [`FAILED ${measurement.rows.join(', ')}: ${messageOf(error)}`] }
  }
}

/** The table, and two files: the rows as they are judged, and how each was measured. */
function report(name: string, area: Area, measured: readonly Measured[]): void {
  const rows: Row[] = Object.entries(area.goals).flatMap(([row, goal]) => {
    const own = measured.find((one) => one.name === row)
    return own ? [toRow(own, goal)] : []
  })
  say('')
  for (const line of tableOf(rows, measured)) say(line)
  const reached = rows.filter((row) => row.reached).length
  say(`\n${name}: ${reached} of ${rows.length} rows reached`)
  if (!existsSync(outFolder)) mkdirSync(outFolder)
  write(`${name}.json`, rows)
  write(
    `${name}.notes.json`,
    measured.map((one) => ({
      name: one.name,
      ...one.notes,
      cpu: Object.fromEntries(
        Object.entries(one.notes.cpu).map(([process, share]) => [process, rounded(share)]),
      ),
    })),
  )
}

function write(file: string, value: unknown): void {
  writeFileSync(join(outFolder, file), `${JSON.stringify(value, null, 2)}\n`)
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
