import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const STOP_MS = 3000

/** A process of the bench and what is said over its channel. */
export class Child<To extends object, From extends { readonly is: string }> {
  readonly #process: ChildProcess
  readonly #waiting = new Map<string, ((message: From) => void)[]>()
  readonly #ended: Promise<unknown>

  constructor(file: URL, env: Readonly<Record<string, string>> = {}) {
    this.#process = fork(file, [], {
      execArgv: [],
      env: { ...process.env, ...env },
      // Typed arrays travel as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#ended = once(this.#process, 'exit')
    this.#process.on('message', (message) => this.#heard(message as From)) // both ends are of this bench
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  tell(message: To): void {
    this.#process.send(message)
  }

  /** The next message of this kind. @throws Error when the process ends before. */
  async next<Is extends From['is']>(is: Is): Promise<Extract<From, { readonly is: Is }>> {
    const heard = new Promise<From>((resolve) => {
      this.#waiting.set(is, [...(this.#waiting.get(is) ?? []), resolve])
    })
    const ended = this.#ended.then(() => undefined)
    const message = await Promise.race([heard, ended])
    if (!message) throw new Error(`a process of the bench ended while "${is}" was waited for`)
    return message as Extract<From, { readonly is: Is }> // only that kind is put there
  }

  /** Says so and waits; a process that does not hear is killed. */
  async stop(message: To): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    if (this.#process.connected) this.tell(message)
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    await this.#ended
    clearTimeout(timer)
  }

  #heard(message: From): void {
    const waiting = this.#waiting.get(message.is)
    waiting?.shift()?.(message)
  }
}
