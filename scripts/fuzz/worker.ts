import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { runInNewContext } from 'node:vm'
import { allTargets } from './targets.ts'
import { tryTarget, type Trial, type TrialPlan } from './trial.ts'

/** One thread of the fuzzer: tries the targets that it is told, one after another. */

export type ToWorker = { readonly target: string } & TrialPlan
export type FromWorker = Trial

if (parentPort) {
  const port = parentPort
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc') as typeof globalThis.gc // the flag of the line before names it
  const targets = await allTargets()
  port.on('message', ({ target: name, ...plan }: ToWorker) => {
    const target = targets.find((one) => one.name === name)
    if (!target) throw new Error(`there is no target ${name}`)
    port.postMessage(tryTarget(target, plan) satisfies FromWorker)
  })
}
