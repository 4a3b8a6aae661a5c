import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import type { Run } from '../area.ts'
import { Child } from '../child.ts'
import { freePorts } from '../free-port.ts'
import { measureLoad, type Load } from '../load/measure.ts'
import { Sender } from '../load/sender.ts'
import type { FromReceiver, ToReceiver } from '../receiver-main.ts'
import { answersOf, type Answers, type Target } from '../target.ts'

const READY_MS = 60_000
const LOOK_MS = 100
/** Node-RED listens before its flow is connected. */
const SETTLE_MS = 2000
const CONNECTIONS_PER_SECOND = 2000

interface Parts {
  readonly mosquitto: ChildProcess
  readonly nodeRed: ChildProcess
  readonly receiver: Child<ToReceiver, FromReceiver>
  readonly topics: readonly string[]
}

/**
 * What a user would pick instead: Node-RED with mosquitto and the plain flow MQTT → threshold → HTTP POST of
 * `flow.json`. It acknowledges before anything is done and keeps nothing on the disk.
 */
class NodeRed implements Target {
  readonly sender = new Sender()
  /** The flow posts no clears. */
  readonly answersTo = 'alarms'
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get pids(): Readonly<Record<string, number>> {
    const { mosquitto, nodeRed } = this.#parts
    return { 'Node-RED': nodeRed.pid ?? 0, mosquitto: mosquitto.pid ?? 0 }
  }

  async answers(revisions: number, mostMs: number): Promise<Answers> {
    const { receiver, topics } = this.#parts
    const end = performance.now() + mostMs
    for (;;) {
      const heard = receiver.next('receipts')
      receiver.tell({ is: 'ask' })
      const { receipts } = await heard
      if (receipts.length >= Math.ceil(revisions / 2) || performance.now() > end)
        return answersOf(
          topics,
          receipts.map(({ device, revision, answeredAt }) => ({ name: device, revision, answeredAt })),
        )
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  loopDelayP99(): Promise<number> {
    return Promise.resolve(0)
  }

  troubles(): Promise<readonly string[]> {
    return Promise.resolve([])
  }

  async stop(): Promise<void> {
    const { mosquitto, nodeRed, receiver } = this.#parts
    await this.sender.stop()
    for (const child of [nodeRed, mosquitto]) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    await receiver.stop({ is: 'stop' })
  }
}

/** The same load on Node-RED, as lines for a row's notes; one that says what is missing where it cannot run. */
export async function nodeRedLines(run: Run, devices: number, load: Load): Promise<readonly string[]> {
  if (spawnSync('mosquitto', ['-h']).error)
    return ['Node-RED: skipped, it wants the Debian package mosquitto']
  install(run)
  const target = await start(run, devices)
  try {
    const { said, cpu } = await measureLoad(target, load)
    const shares = Object.entries(cpu).map(([name, share]) => `${name} ${Math.round(share)} %`)
    return said.map((line) => `Node-RED: ${line}; CPU ${shares.join(', ')}`)
  } finally {
    await target.stop()
  }
}

/** Into `bench/peers/node_modules`, with the exact versions of the lock file there. */
function install(run: Run): void {
  if (existsSync(join(import.meta.dirname, 'node_modules/node-red'))) return
  run.say('installing Node-RED into bench/peers')
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const { status, stderr } = spawnSync('npm', ['ci'], {
    cwd: import.meta.dirname,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`npm ci in bench/peers failed: ${stderr.slice(-1000)}`)
}

async function start(run: Run, devices: number): Promise<NodeRed> {
  const [mqttPort = 0, uiPort = 0] = await freePorts(2)
  const folder = run.newFolder('node-red')
  const receiver = new Child<ToReceiver, FromReceiver>(new URL('../receiver-main.ts', import.meta.url))
  const { port } = await receiver.next('listening')
  writeFileSync(
    join(folder, 'mosquitto.conf'),
    `listener ${mqttPort} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`,
  )
  const mosquitto = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
  await taking(mqttPort)
  copyFileSync(join(import.meta.dirname, 'flow.json'), join(folder, 'flow.json'))
  const nodeRed = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'node_modules/node-red/red.js'),
      ...['--userDir', folder, '--port', String(uiPort), '-D', 'uiHost=127.0.0.1', 'flow.json'],
    ],
    {
      cwd: folder,
      stdio: 'ignore',
      env: {
        ...process.env,
        BENCH_MQTT_PORT: String(mqttPort),
        BENCH_RECEIVER: `http://127.0.0.1:${port}/`,
      },
    },
  )
  await taking(uiPort)
  const topics = Array.from({ length: devices }, (_, index) => `ganglion/shed-0/smoke-${index}/up`)
  const target = new NodeRed({ mosquitto, nodeRed, receiver, topics })
  await target.sender.open({
    port: mqttPort,
    accounts: topics.map((_, index) => ({ id: `smoke-${index}`, secret: 'none' })),
    devices: topics.map((topic, account) => ({ account, topic, on: says(true), off: says(false) })),
    session: 'clean',
    perSecond: CONNECTIONS_PER_SECOND,
    greets: false,
  })
  return target
}

const says = (smoke: boolean): string =>
  JSON.stringify({ smoke, test: false, tamper: false, battery: 97, linkquality: 120 })

/** Waits until something takes connections there, and what it does first is done. */
async function taking(port: number): Promise<void> {
  const end = performance.now() + READY_MS
  for (;;) {
    const isTaking = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isTaking) break
    if (performance.now() > end) throw new Error(`nothing came up on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}
