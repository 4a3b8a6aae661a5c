import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { pause, type Clock } from '../base/clock.ts'
import { GanglionError, isGanglionError, messageOf } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import { configHash, type BoxFolder } from '../simulator/box-folder.ts'
import { mainFile, nodeFlags } from './rooms.ts'

/** A gateway in a process of its own, as a scenario finds it. */
export interface SpawnedGateway {
  readonly pid: number
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number>
  stop(): Promise<void>
}

export interface SpawnOptions {
  readonly box: string
  readonly dataFolder: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

const START_MS = 30_000
const STOP_MS = 3000
const LOOK_AGAIN_MS = 50
const ANSWER_MS = 3000
const LONGEST_COMPLAINT = 8000

/**
 * Starts `ganglion start` and answers once its API does.
 * @throws GanglionError `listen-failed` with what it said when it ends before that.
 */
export async function spawnGateway({
  box,
  dataFolder,
  clock,
  signal,
}: SpawnOptions): Promise<SpawnedGateway> {
  const child = spawn(
    process.execPath,
    [...nodeFlags, mainFile, 'start', '--box', box, '--data', dataFolder, '--make-secrets'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-LONGEST_COMPLAINT)
  })
  const ended = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : 1))
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const stop = async (): Promise<void> => {
    if (!isRunning()) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(timer)
  }
  const until = clock.ticks() + START_MS
  try {
    while (!(await answers(dataFolder))) {
      if (!isRunning()) {
        throw new GanglionError('listen-failed', `the gateway did not start:\n${complaint.trim()}`)
      }
      if (clock.ticks() >= until) {
        throw new GanglionError('listen-failed', `the gateway did not answer within ${START_MS / 1000} s`)
      }
      await pause(clock, LOOK_AGAIN_MS, signal)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? 0, ended, stop }
}

const ApiFile = Type.Object({ url: Type.String() })
const ConfigAnswer = Type.Object({ configHash: Type.String() })

async function answers(dataFolder: string): Promise<boolean> {
  const [apiFile, tokenFile] = [join(dataFolder, 'api.json'), join(dataFolder, 'token')]
  if (!existsSync(apiFile) || !existsSync(tokenFile)) return false
  try {
    const file = checker(ApiFile)(JSON.parse(readFileSync(apiFile, 'utf8')))
    if (!file.ok) return false
    await ask({ url: file.value.url, token: readFileSync(tokenFile, 'utf8').trim() }, '/api/health')
    return true
  } catch {
    // Half written, or not listening yet: asked again.
    return false
  }
}

export interface ApiAccess {
  readonly url: string
  readonly token: string
}

/**
 * A scenario is judged only against a gateway that runs on the same box folder.
 * @throws GanglionError `config-invalid` when it does not, `not-allowed` when the token is wrong.
 */
export async function checkSameBox(access: ApiAccess, box: BoxFolder): Promise<void> {
  const answer = checker(ConfigAnswer)(await ask(access, '/api/config'))
  if (!answer.ok) throw new GanglionError('config-invalid', `${access.url} does not answer as a gateway does`)
  const wanted = configHash(box.folder)
  if (answer.value.configHash === wanted) return
  throw new GanglionError(
    'config-invalid',
    `the gateway at ${access.url} runs on another configuration than ${box.folder}: wanted ${wanted.slice(0, 12)}…, got ${answer.value.configHash.slice(0, 12)}…`,
    { hint: 'Start it with --box on that folder, or again when the folder has changed since.' },
  )
}

async function ask({ url, token }: ApiAccess, path: string): Promise<unknown> {
  try {
    const answer = await fetch(new URL(path, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    if (answer.status === 401 || answer.status === 403) {
      throw new GanglionError('not-allowed', `${url} does not take the token of the token file`)
    }
    return await answer.json()
  } catch (error) {
    if (isGanglionError(error)) throw error
    throw new GanglionError('device-unreachable', `no gateway answers at ${url} (${messageOf(error)})`)
  }
}
