import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GanglionError } from '../base/errors.ts'
import { loadBox, ownSettings, type Box } from '../gateway/config.ts'
import { say, type Command } from './command.ts'
import { startGateway } from './gateway.ts'
import { dataFolderOf, demoFolder, demoScenario, mainFile, shippedRooms } from './rooms.ts'

const SIMULATOR_STOP_MS = 3500

/** `ganglion start [--box <folder>] [--data <folder>]`: without --box the demo with its simulator. */
const start: Command = {
  name: 'start',
  summary:
    'run the gateway of a box: --box <folder> [--data <folder>]; without --box the demo and its simulator',
  async run(words) {
    const { values } = parseArgs({
      args: words,
      options: {
        box: { type: 'string' },
        data: { type: 'string' },
        'make-secrets': { type: 'boolean' },
        'commit-delay-ms': { type: 'string' },
        'store-sync': { type: 'string' },
      },
    })
    const isDemo = values.box === undefined
    const folder = resolve(values.box ?? demoFolder)
    const rooms = await shippedRooms()
    const box = await loadBox(folder, rooms)
    const dataFolder = dataFolderOf(folder, values.data)
    const stopped = stopSignal()
    const gateway = await startGateway({
      box,
      rooms,
      dataFolder,
      makeSecrets: isDemo || values['make-secrets'] === true,
      store: { commitDelayMs: delayOf(values['commit-delay-ms']), sync: syncOf(values['store-sync']) },
    })
    for (const line of greeting(box, gateway.url, dataFolder, isDemo)) say(line)
    const simulator = isDemo ? startSimulator(gateway.url, dataFolder) : undefined
    await stopped
    say('stopping …')
    await Promise.all([simulator && stopChild(simulator), gateway.stop()])
    return 0
  },
}
export default start

function stopSignal(): Promise<void> {
  return new Promise((stop) => {
    process.once('SIGINT', () => stop())
    process.once('SIGTERM', () => stop())
  })
}

function startSimulator(url: string, dataFolder: string): ChildProcess {
  const words = [
    'simulate',
    demoScenario,
    '--against',
    url,
    '--token-file',
    join(dataFolder, 'token'),
    '--show',
    'cases',
    '--loop',
  ]
  // The channel carries nothing: its end tells the simulator that this process is gone, however it went.
  return spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** It hears Ctrl-C of a terminal by itself; SIGTERM is for every other way of being stopped. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), SIMULATOR_STOP_MS)
  await ended
  clearTimeout(timer)
}

function greeting(box: Box, url: string, dataFolder: string, isDemo: boolean): readonly string[] {
  const { listen, connectors } = box.file
  return [
    `Ganglion 神经节 · ${box.file.name.zh} (${box.id}) · ${box.sites.length} sites, ${box.devices.size} devices, ${box.rules.length} rules`,
    `  API        ${url}  (token: ${join(dataFolder, 'token')})`,
    ...(listen.mqtt === undefined ? [] : [`  MQTT       ${listen.mqtt}`]),
    ...(listen.tcp === undefined ? [] : [`  TCP        ${listen.tcp}`]),
    ...connectors.map((connector) => `  platform   ${connector.id} (${connector.kind}) ${urlOf(connector)}`),
    `  data       ${resolve(dataFolder)}`,
    ...(isDemo
      ? [
          '  It assists and does not replace a certified fire-alarm system. 辅助手段，不替代消防报警系统。',
          '  First cases arrive at the platform within 30 s; Ctrl-C stops everything.',
          '',
        ]
      : []),
  ]
}

function urlOf(connector: Box['file']['connectors'][number]): string {
  const { url } = ownSettings(connector)
  return typeof url === 'string' ? url : ''
}

function delayOf(text: string | undefined): number {
  const delay = Number(text ?? 0)
  if (Number.isInteger(delay) && delay >= 0 && delay <= 1000) return delay
  throw new GanglionError('usage', `--commit-delay-ms wants 0 … 1000; got "${text ?? ''}"`)
}

function syncOf(text: string | undefined): 'full' | 'off' {
  if (text === undefined || text === 'full' || text === 'off') return text ?? 'full'
  throw new GanglionError('usage', `--store-sync wants full or off; got "${text}"`)
}
