import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../base/clock.ts'
import { codeOf, GanglionError } from '../base/errors.ts'
import { junit } from '../base/junit.ts'
import { caseLine } from '../simulator/case-line.ts'
import { differencesOf, type Verdict } from '../simulator/judge.ts'
import { runScenario, type RunResult, type Watch } from '../simulator/run.ts'
import { readScenario, type Scenario } from '../simulator/scenario.ts'
import { liveTable } from '../simulator/table.ts'
import { say, type Command } from './command.ts'
import { checkSameBox, spawnGateway, type SpawnedGateway } from './gateway-process.ts'

/** Runs a scenario, judges it and says the differences: exit code 1 when there are any. */
const simulate: Command = {
  name: 'simulate',
  summary:
    'play a scenario and judge its cases: simulate <file> [--junit <file>] [--show table|cases] [--against <API URL> --token-file <file>] [--loop]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        against: { type: 'string' },
        'token-file': { type: 'string' },
        junit: { type: 'string' },
        show: { type: 'string' },
        loop: { type: 'boolean' },
      },
    })
    const [file] = positionals
    if (file === undefined || positionals.length > 1) {
      throw new GanglionError('usage', 'wanted one scenario file: ganglion simulate <file>')
    }
    if ((values.against === undefined) !== (values['token-file'] === undefined)) {
      throw new GanglionError('usage', '--against and --token-file go together')
    }
    const watch = watchOf(values.show)
    const scenario = readScenario(resolve(file))
    if (values.loop === true && !scenario.loop) {
      throw new GanglionError('usage', `${file} does not say "loop: true": its end is not its beginning`)
    }
    const stop = stopSignal()
    const against =
      values.against === undefined
        ? undefined
        : { url: values.against, tokenFile: resolve(values['token-file'] ?? '') }
    try {
      const result = await played(scenario, {
        against,
        watch,
        loop: values.loop ?? false,
        signal: stop.signal,
      })
      return report(scenario, result, values.junit)
    } catch (error) {
      // Ctrl-C is how a loop ends.
      if (stop.signal.aborted && error === stop.signal.reason) return values.loop === true ? 0 : INTERRUPTED
      throw error
    } finally {
      stop.dispose()
    }
  },
}
export default simulate

/** As a shell names a command that Ctrl-C ended. */
const INTERRUPTED = 130

interface PlayOptions {
  readonly against: { readonly url: string; readonly tokenFile: string } | undefined
  readonly watch: Watch
  readonly loop: boolean
  readonly signal: AbortSignal
}

/** Against a running gateway, or against one of its own on a data folder that is gone afterwards. */
async function played(scenario: Scenario, { against, watch, loop, signal }: PlayOptions): Promise<RunResult> {
  const clock = systemClock
  if (against) {
    await checkSameBox({ url: against.url, token: readToken(against.tokenFile) }, scenario.box)
    return runScenario({ scenario, dataFolder: dirname(against.tokenFile), clock, signal, watch, loop })
  }
  const dataFolder = mkdtempSync(join(tmpdir(), 'ganglion-simulate-'))
  let gateway: SpawnedGateway | undefined
  try {
    gateway = await spawnGateway({ box: scenario.box.folder, dataFolder, clock, signal })
    const dead = new AbortController()
    void gateway.ended.then((code) => {
      const text = `the gateway ended in the middle of the run (exit code ${code})`
      dead.abort(new GanglionError('listen-failed', text))
    })
    const either = AbortSignal.any([signal, dead.signal])
    return await runScenario({ scenario, dataFolder, clock, signal: either, watch, loop })
  } finally {
    await gateway?.stop()
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new GanglionError('config-missing', `${file}: the token cannot be read (${codeOf(error)})`, {
      hint: 'A gateway writes "token" into its data folder when it first starts.',
      cause: error,
    })
  }
}

function report(scenario: Scenario, { verdict, took }: RunResult, junitFile: string | undefined): number {
  const name = basename(scenario.file, '.yaml')
  if (junitFile !== undefined) {
    writeFileSync(junitFile, junit([{ name, took, judgements: verdict.judgements }]))
  }
  for (const line of verdictLines(name, verdict)) say(line)
  return differencesOf(verdict).length === 0 ? 0 : 1
}

function verdictLines(name: string, verdict: Verdict): string[] {
  const differences = differencesOf(verdict)
  return [
    '',
    ...verdict.judgements.map(
      (judgement) => `${judgement.differences.length === 0 ? '✔' : '✖'} ${judgement.name}`,
    ),
    ...verdict.others.map((one) => `· also came: ${one.class} at ${one.place}`),
    ...differences.map((difference) => `  ${difference}`),
    differences.length === 0 ? `${name}: as wanted` : `${name}: ${differences.length} differences`,
  ]
}

/** A table that is drawn over itself on a terminal, plain lines elsewhere, or only the cases. */
function watchOf(show: string | undefined): Watch {
  if (show !== undefined && show !== 'table' && show !== 'cases') {
    throw new GanglionError('usage', `--show wants table or cases; got "${show}"`)
  }
  if (show === 'cases') return { arrived: (arrival) => say(caseLine(arrival)) }
  if (process.stdout.isTTY) {
    const table = liveTable(process.stdout)
    return { view: (view) => table.draw(view) }
  }
  return {
    happened: (line, elapsed) => say(`${(elapsed / 1000).toFixed(1).padStart(6)} s  ${line}`),
    arrived: (arrival) => say(caseLine(arrival)),
  }
}

/**
 * Ctrl-C and SIGTERM end the run; a second one is taken as impatience and changes nothing. Started by a gateway
 * (the demo), it also ends with it.
 */
function stopSignal(): { readonly signal: AbortSignal; dispose(): void } {
  const abort = new AbortController()
  const onSignal = (): void => abort.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('disconnect', onSignal)
  process.channel?.unref()
  return {
    signal: abort.signal,
    dispose() {
      process.off('disconnect', onSignal)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
