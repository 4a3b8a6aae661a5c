import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { mainFile, nodeFlags } from '../commands/rooms.ts'
import type { BenchBox } from './box.ts'
import { hostMs } from './host-time.ts'
import { childrenOf } from './processes.ts'

const READY_MS = 60_000
const LOOK_MS = 5
const STOP_MS = 8000
const HEALTH_MS = 20_000
const MOST_TROUBLES = 5
const ASKED_AT_ONCE = 50

export interface GatewayWish {
  /** Makes every commit this much slower, as an eMMC does. */
  readonly commitDelayMs?: number
  readonly sync?: 'full' | 'off'
  /** What runs Node: a tracer, or Node with a profiler. */
  readonly under?: readonly string[]
  readonly nodeOptions?: readonly string[]
}

/** What the bench reads of `/api/health`. */
export interface GatewayHealth {
  readonly messages: number
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly delivery: readonly { readonly waiting: number; readonly refused: number }[]
  readonly troubles: readonly { readonly what: string; readonly count: number; readonly last: string }[]
}

/** The product as a user starts it: `node main.ts start --box … --data …`, in its own process. */
export class BenchGateway {
  readonly box: BenchBox
  /** The moment before exec, on the machine's clock. */
  readonly startedAt: number
  readonly #process: ChildProcess
  readonly #isUnder: boolean
  readonly #ended: Promise<unknown>

  constructor(box: BenchBox, { commitDelayMs, sync, under = [], nodeOptions = [] }: GatewayWish = {}) {
    this.box = box
    const words = [
      ...under,
      process.execPath,
      ...nodeFlags,
      ...nodeOptions,
      mainFile,
      ...['start', '--box', box.folder, '--data', box.dataFolder],
      ...(commitDelayMs === undefined ? [] : ['--commit-delay-ms', String(commitDelayMs)]),
      ...(sync === undefined ? [] : ['--store-sync', sync]),
    ]
    const log = openSync(join(box.folder, 'gateway.log'), 'a')
    this.#isUnder = under.length > 0
    this.startedAt = hostMs()
    this.#process = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', log, log] })
    closeSync(log)
    // A bench that is stopped leaves nothing running.
    const killNow = (): void => this.#signal('SIGKILL')
    process.once('exit', killNow)
    this.#ended = once(this.#process, 'exit').then(() => process.off('exit', killNow))
  }

  /** The gateway itself, also when a tracer is its parent. */
  get pid(): number {
    const own = this.#process.pid ?? 0
    return this.#isUnder ? (childrenOf(own)[0] ?? own) : own
  }

  /** Waits until its MQTT port takes connections. @throws Error with its last words when it does not come up. */
  async ready(): Promise<this> {
    const end = performance.now() + READY_MS
    while (!(await takesConnections(this.box.ports.mqtt))) {
      if (this.#process.exitCode !== null || performance.now() > end)
        throw new Error(`the gateway did not come up: ${this.#lastWords()}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    return this
  }

  async health(): Promise<GatewayHealth> {
    return (await this.#get('/api/health')) as GatewayHealth // our own API
  }

  /** How many of these devices have a reading that is not older than this. */
  async heardSince(deviceIds: readonly string[], since: number): Promise<number> {
    let heard = 0
    for (let at = 0; at < deviceIds.length; at += ASKED_AT_ONCE) {
      const answers = await Promise.all(
        deviceIds
          .slice(at, at + ASKED_AT_ONCE)
          .map(async (id) => (await this.#get(`/api/devices/${id}/readings`)) as readonly { at: number }[]), // our own API
      )
      heard += answers.filter((readings) => readings.some((reading) => reading.at >= since)).length
    }
    return heard
  }

  async #get(path: string): Promise<unknown> {
    const token = readFileSync(join(this.box.dataFolder, 'token'), 'utf8').trim()
    const answer = await fetch(`${this.#url()}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(HEALTH_MS),
    })
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status} to ${path}`)
    return answer.json()
  }

  /** What went wrong in it, for the notes. */
  async troubles(): Promise<readonly string[]> {
    const { troubles } = await this.health()
    const shown = troubles.slice(0, MOST_TROUBLES)
    const more = troubles.length - shown.length
    return [
      ...shown.map(({ what, count, last }) => `trouble ×${count}: ${what} (${last})`),
      ...(more > 0 ? [`and ${more} other troubles`] : []),
    ]
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Power off. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#signal(signal)
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    await this.#ended
    clearTimeout(timer)
  }

  /** Under a tracer the gateway is its child: that one is meant, and the tracer ends with it. */
  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#process.exitCode === null && this.#process.signalCode === null) process.kill(this.pid, signal)
  }

  #url(): string {
    const text = readFileSync(join(this.box.dataFolder, 'api.json'), 'utf8')
    return (JSON.parse(text) as { url: string }).url // written by the gateway
  }

  #lastWords(): string {
    return readFileSync(join(this.box.folder, 'gateway.log'), 'utf8').slice(-2000)
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
