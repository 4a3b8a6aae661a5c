import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { allTargets } from './fuzz/targets.ts'
import type { Trial } from './fuzz/trial.ts'
import type { FromWorker, ToWorker } from './fuzz/worker.ts'

/**
 * `npm run fuzz [-- name…] [--short] [--inputs=<n>] [--seed=<n>]`: tries every parser with a million inputs each, 20,000
 * in the short form. A line a parser: how many inputs it refused by a typed error, how often it looked at a byte and
 * copied one (of all inputs that were counted, and at the worst), what it held back at most, and its slowest input.
 */

const INPUTS = 1_000_000
const SHORT_INPUTS = 20_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { short: { type: 'boolean' }, inputs: { type: 'string' }, seed: { type: 'string' } },
  })
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
  const inputs = Number(values.inputs ?? (values.short === true ? SHORT_INPUTS : INPUTS))
  const known = (await allTargets()).map(({ name }) => name)
  const unknown = positionals.filter((word) => !known.some((name) => name.startsWith(word)))
  if (unknown.length > 0 || !Number.isSafeInteger(seed) || !Number.isSafeInteger(inputs) || inputs < 1) {
    say(`there is no parser ${unknown.join(', ')}; there are ${known.join(', ')}`)
    return 2
  }
  const chosen = known.filter(
    (name) => positionals.length === 0 || positionals.some((word) => name.startsWith(word)),
  )
  say(`${chosen.length} parsers, ${inputs.toLocaleString('en')} inputs each, --seed=${seed}`)
  const trials = await tryAll(chosen, { inputs, seed })
  const failed = trials.filter(({ failures }) => failures.length > 0)
  for (const { name, failures } of failed) for (const failure of failures) say(`\n${name}: ${failure}`)
  const tried = trials.reduce((sum, trial) => sum + trial.inputs, 0)
  say(`\n${tried.toLocaleString('en')} inputs of ${trials.length} parsers: ${failed.length} parsers failed`)
  return failed.length > 0 ? 1 : 0
}

/** Each thread takes the next parser when it is done with one. */
async function tryAll(
  names: readonly string[],
  plan: { inputs: number; seed: number },
): Promise<readonly Trial[]> {
  const left = [...names]
  const trials: Trial[] = []
  const run = async (): Promise<void> => {
    const worker = new Worker(new URL('./fuzz/worker.ts', import.meta.url))
    try {
      for (let name = left.shift(); name !== undefined; name = left.shift()) {
        const trial = await tried(worker, { target: name, ...plan })
        trials.push(trial)
        say(lineOf(trial))
      }
    } finally {
      await worker.terminate()
    }
  }
  const threads = Math.min(names.length, Math.max(1, availableParallelism()))
  await Promise.all(Array.from({ length: threads }, run))
  return trials
}

function tried(worker: Worker, plan: ToWorker): Promise<Trial> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown): void =>
      reject(error instanceof Error ? error : new Error(String(error)))
    worker.once('error', onError)
    worker.once('message', (trial: FromWorker) => {
      worker.off('error', onError)
      resolve(trial)
    })
    worker.postMessage(plan)
  })
}

function lineOf(trial: Trial): string {
  const {
    name,
    inputs,
    bytes,
    refused,
    looks,
    worstLooks,
    worstCopies,
    worstReads,
    mostHeld,
    worstMs,
    failures,
  } = trial
  const held = mostHeld > 0 ? ` · holds ${mostHeld} bytes` : ''
  return (
    `${failures.length === 0 ? 'ok ' : 'NOT'} ${name.padEnd(22)} ${inputs.toLocaleString('en').padStart(9)} inputs` +
    ` · ${(bytes / 1e6).toFixed(1)} MB · ${refused.toLocaleString('en')} refused` +
    ` · looks ${looks.toFixed(2)} a byte, worst ${worstLooks.toFixed(2)}, copies ${worstCopies.toFixed(2)}, as text ${worstReads.toFixed(2)}` +
    `${held} · slowest ${worstMs.toFixed(2)} ms`
  )
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
