import { fork } from 'node:child_process'
import { once } from 'node:events'
import { GanglionError } from '../base/errors.ts'
import type { PlatformFault } from './platform/fault.ts'
import type { FromPlatform, ProcessOptions, ToPlatform } from './platform/messages.ts'
import type { Fact, PlatformCase } from './platform/received.ts'

/** The platform in a process of its own, as the run speaks with it. */
export interface PlatformProcess {
  readonly port: number
  readonly pid: number
  cases(): Promise<readonly PlatformCase[]>
  setFault(fault: PlatformFault | undefined): Promise<void>
  stop(): Promise<void>
}

export type PlatformProcessOptions = Omit<ProcessOptions, 'facts' | 'timeZone'>

const STOP_MS = 1500

/** @throws GanglionError `listen-failed` when its port is taken. */
export async function startPlatformProcess(
  options: PlatformProcessOptions,
  onFact: (fact: Fact) => void,
): Promise<PlatformProcess> {
  const settings: ProcessOptions = { ...options, facts: 'send' }
  const child = fork(new URL('platform-main.ts', import.meta.url), [], {
    execArgv: [],
    env: { ...process.env, GANGLION_PLATFORM: JSON.stringify(settings) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const waiting: { readonly wants: FromPlatform['is']; readonly answer: (message: FromPlatform) => void }[] =
    []
  child.on('message', (message: FromPlatform) => {
    if (message.is === 'fact') {
      onFact(message.fact)
      return
    }
    // Its answers come in the order of the questions.
    const index = waiting.findIndex(({ wants }) => wants === message.is || message.is === 'failed')
    if (index >= 0) waiting.splice(index, 1)[0]?.answer(message)
  })
  const gone: FromPlatform = { is: 'failed', code: 'listen-failed', message: "the platform's process ended" }
  void ended.then(() => {
    for (const { answer } of waiting.splice(0)) answer(gone)
  })
  const wait = async <Is extends FromPlatform['is']>(is: Is): Promise<Extract<FromPlatform, { is: Is }>> => {
    const message =
      child.exitCode === null
        ? await new Promise<FromPlatform>((answer) => waiting.push({ wants: is, answer }))
        : gone
    if (message.is === 'failed') throw new GanglionError('listen-failed', message.message)
    return message as Extract<FromPlatform, { is: Is }> // only that kind or `failed` is handed over
  }
  const tell = (message: ToPlatform): void => {
    // It may have ended a moment ago: then nobody waits for an answer either.
    if (child.connected) child.send(message, () => undefined)
  }
  const { port } = await wait('listening')
  let lastId = 0
  return {
    port,
    pid: child.pid ?? 0,
    async cases() {
      const answer = wait('answer')
      tell({ is: 'ask', id: ++lastId, what: 'cases' })
      const { what, value } = await answer
      return what === 'cases' ? value : []
    },
    async setFault(fault) {
      const set = wait('fault-set')
      tell({ is: 'fault', fault: fault ?? null })
      await set
    },
    async stop() {
      tell({ is: 'stop' })
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(timer)
    },
  }
}
