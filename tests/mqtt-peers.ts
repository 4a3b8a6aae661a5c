import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pause, systemClock } from '../base/clock.ts'
import { atEnd, tempFolder } from './fixtures.ts'

/** Brokers that are not ours, as real processes. */

const has = (program: string, argument: string): boolean => spawnSync(program, [argument]).error === undefined

/** Why a test is skipped; false where it can run. */
export const skipWithoutMosquitto: string | false = has('mosquitto', '-h')
  ? false
  : "needs Debian's mosquitto"
export const skipWithoutNats: string | false = has('nats-server', '--version')
  ? false
  : "needs Debian's nats-server"
export const skipWithoutOpenssl: string | false =
  skipWithoutMosquitto !== false || has('openssl', 'version')
    ? skipWithoutMosquitto
    : "needs Debian's openssl"

export interface Peer {
  readonly port: number
  /** As a power cut does. */
  kill(): Promise<void>
  start(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A mosquitto that writes every change to its disk; `settings` take the place of its open door. */
export async function mosquitto(
  t: TestContext,
  settings: (folder: string) => readonly string[] = () => ['allow_anonymous true'],
): Promise<Peer> {
  const folder = tempFolder(t)
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  const lines = [
    // Started by root it would become another user, who may not read what the test wrote.
    ...[`user ${userInfo().username}`, 'persistence true', `persistence_location ${folder}/`],
    ...['autosave_on_changes true', 'autosave_interval 1', 'max_queued_messages 0'],
    ...[`listener ${port} 127.0.0.1`, ...settings(folder)],
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return runPeer(t, port, 'mosquitto', ['-c', file])
}

/** NATS with its MQTT door, which keeps sessions in JetStream. */
export async function nats(t: TestContext): Promise<Peer> {
  const folder = tempFolder(t)
  const [port, own] = [await freePort(), await freePort()]
  const file = join(folder, 'nats.conf')
  const lines = [
    `listen: "127.0.0.1:${own}"`,
    'server_name: edge',
    `jetstream { store_dir: "${folder}" }`,
    `mqtt { listen: "127.0.0.1:${port}", ack_wait: "2s" }`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return runPeer(t, port, 'nats-server', ['-c', file])
}

async function runPeer(
  t: TestContext,
  port: number,
  program: string,
  words: readonly string[],
): Promise<Peer> {
  let child: ChildProcess | undefined
  let said = ''
  const kill = async (): Promise<void> => {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
  }
  const start = async (): Promise<void> => {
    const started = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)))
    while (!(await answers(port))) {
      if (started.exitCode !== null) throw new Error(`${program} did not start: ${said}`)
      await pause(systemClock, 5)
    }
  }
  atEnd(t, kill)
  await start()
  return { port, kill, start }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
