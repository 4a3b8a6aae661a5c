import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parse, stringify } from 'yaml'
import { parseDuration } from '../../base/amount.ts'
import { demoFolder, mainFile } from '../../commands/rooms.ts'
import type { Measurement, Run } from '../area.ts'
import { freePorts } from '../free-port.ts'

const scenarioFile = join(import.meta.dirname, '../../simulator/scenarios/quiet-day.yaml')
const SHORT = '8 s'
/** Nothing is begun this long before the end. */
const SHORT_LAST_MS = 6000
const DEMO_PORT = /\b18\d{3}\b/g

/** A day on which nothing happens raises nothing. */
export const quiet: Measurement = {
  rows: ['false-cases-quiet'],
  kind: 'counts',
  async run(run) {
    run.say('the quiet day')
    const file = await quietDay(run)
    const child = spawn(process.execPath, [mainFile, 'simulate', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    const lines = out.split('\n')
    const cases = lines.filter((line) => line.startsWith('  forbidden: '))
    if (child.exitCode !== 0 && cases.length === 0)
      throw new Error(`the quiet day could not be played: ${errors.slice(-1000)}${out.slice(-1000)}`)
    const devices = lines.filter((line) => line.startsWith('✔')).length
    return [
      {
        name: 'false-cases-quiet',
        value: cases.length,
        holds: child.exitCode === 0 && devices > 0,
        notes: {
          messages: 0,
          devices: 0,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [
            run.either('simulator/scenarios/quiet-day.yaml', `the first ${SHORT} of the quiet day`),
            ...cases.map((line) => line.trim()),
          ],
        },
      },
    ]
  },
}

/** The scenario on ports that nobody holds, so that a demo may run beside it; its beginning alone when time is short. */
async function quietDay(run: Run): Promise<string> {
  const folder = run.newFolder('quiet')
  const box = join(folder, 'demo')
  cpSync(demoFolder, box, { recursive: true })
  const names = readdirSync(box).filter((name) => name.endsWith('.yaml'))
  const texts = names.map((name) => readFileSync(join(box, name), 'utf8'))
  const known = [...new Set(texts.flatMap((one) => one.match(DEMO_PORT) ?? []))]
  const free = await freePorts(known.length)
  const portOf = new Map(known.map((port, index) => [port, String(free[index])]))
  names.forEach((name, index) => {
    const moved = texts[index]?.replace(DEMO_PORT, (port) => portOf.get(port) ?? port) ?? ''
    writeFileSync(join(box, name), moved)
  })
  const scenario = parse(readFileSync(scenarioFile, 'utf8')) as Scenario // a file of this project
  const file = join(folder, 'quiet-day.yaml')
  writeFileSync(file, stringify({ ...(run.isShort ? beginning(scenario) : scenario), box: './demo' }))
  return file
}

interface Scenario {
  readonly timeline: readonly { readonly at: string }[]
}

const beginning = (scenario: Scenario): Scenario & { readonly length: string } => ({
  ...scenario,
  length: SHORT,
  timeline: scenario.timeline.filter(({ at }) => parseDuration(at) <= SHORT_LAST_MS),
})
