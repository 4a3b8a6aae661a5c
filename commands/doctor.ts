import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseHostPort } from '../base/address.ts'
import { isClockSet, systemClock } from '../base/clock.ts'
import { codeOf, messageOf } from '../base/errors.ts'
import { loadBox, type Box } from '../gateway/config.ts'
import { holderOf } from '../gateway/lock.ts'
import { say, type Command } from './command.ts'
import { leavingText } from './leaving.ts'
import { dataFolderOf, demoFolder, shippedRooms } from './rooms.ts'
import { trialFindings } from './trial-findings.ts'

/** One finding: fine, or what to do. */
interface Finding {
  readonly what: string
  readonly found: string
  /** Absent when all is well. */
  readonly todo?: string
}

const WANTED_FREE = 1024 ** 3
const SLOW_FSYNC_MS = 25
const FSYNCS = 20

/** `ganglion doctor`: each line is ok, or says what to do. */
const doctor: Command = {
  name: 'doctor',
  summary: 'look at Node, native parts, disk, clock, ports and brokers: [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values } = parseArgs({
      args: words,
      options: { box: { type: 'string' }, data: { type: 'string' } },
    })
    const folder = resolve(values.box ?? demoFolder)
    const dataFolder = dataFolderOf(folder, values.data)
    const findings: Finding[] = [
      node(),
      ...(await nativeParts()),
      model((await shippedRooms()).modelsCache),
      ...disk(dataFolder),
      clock(),
    ]
    try {
      const box = await loadBox(folder, await shippedRooms())
      findings.push({ what: 'box folder', found: `${box.sites.length} sites, ${box.devices.size} devices` })
      findings.push(...(await ports(box, dataFolder)), ...trialFindings(box, dataFolder))
      for (const { id, siteId, door } of box.devices.values())
        if (door) findings.push({ what: `door ${siteId}/${id}`, found: leavingText(door) })
    } catch (error) {
      findings.push({
        what: 'box folder',
        found: messageOf(error),
        todo: 'correct the files; ganglion check shows all mistakes',
      })
    }
    for (const { what, found, todo } of findings)
      say(
        `${todo === undefined ? 'ok  ' : 'TODO'} ${what}: ${found}${todo === undefined ? '' : ` → ${todo}`}`,
      )
    return findings.some(({ todo }) => todo !== undefined) ? 1 : 0
  },
}
export default doctor

function node(): Finding {
  const isRight = process.version.startsWith('v24.')
  return {
    what: 'Node',
    found: `${process.version} ${process.platform} ${process.arch}`,
    ...(isRight ? {} : { todo: 'run it by "npm run ganglion", which brings its own Node 24' }),
  }
}

async function nativeParts(): Promise<readonly Finding[]> {
  const parts = {
    'better-sqlite3': () => import('better-sqlite3'),
    'onnxruntime-node': () => import('onnxruntime-node'),
    'node-av': () => import('node-av'),
  }
  return Promise.all(
    Object.entries(parts).map(async ([what, load]): Promise<Finding> => {
      try {
        await load()
        return { what, found: 'loads' }
      } catch (error) {
        return { what, found: messageOf(error), todo: 'run npm ci on this machine' }
      }
    }),
  )
}

function model(cache: string): Finding {
  const isThere = existsSync(cache) && readdirSync(cache).some((name) => name.endsWith('.onnx'))
  return isThere
    ? { what: 'detector', found: 'weights are converted' }
    : {
        what: 'detector',
        found: 'no ONNX weights',
        todo: 'run npm start once, or node models/convert-centernet.ts',
      }
}

function disk(folder: string): readonly Finding[] {
  const file = join(folder, `.doctor-${process.pid}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const fsync = medianFsync(file)
    const { bavail, bsize } = statfsSync(folder)
    const free = bavail * bsize
    return [
      {
        what: 'disk',
        found: `${(free / 1024 ** 3).toFixed(1)} GiB free at ${folder}`,
        ...(free < WANTED_FREE ? { todo: 'free some space: at least 1 GiB' } : {}),
      },
      {
        what: 'fsync',
        found: `${fsync.toFixed(2)} ms (median of ${FSYNCS})`,
        ...(fsync > SLOW_FSYNC_MS ? { todo: 'a slow card: prefer an SSD or industrial eMMC' } : {}),
      },
    ]
  } catch (error) {
    return [
      {
        what: 'disk',
        found: `${folder} cannot be written (${codeOf(error)})`,
        todo: 'make it writable for this user',
      },
    ]
  } finally {
    rmSync(file, { force: true })
  }
}

function medianFsync(file: string): number {
  const handle = openSync(file, 'w', 0o600)
  try {
    const times = Array.from({ length: FSYNCS }, () => {
      const began = systemClock.ticks()
      writeSync(handle, Buffer.alloc(4096, 1))
      fsyncSync(handle)
      return systemClock.ticks() - began
    })
    return times.sort((a, b) => a - b)[FSYNCS / 2] ?? 0
  } finally {
    closeSync(handle)
  }
}

function clock(): Finding {
  const now = systemClock.now()
  const found = new Date(now).toISOString()
  return {
    what: 'clock',
    found,
    ...(!isClockSet(now)
      ? { todo: 'set it, or let it follow an NTP server; cases are marked timeUnsure until then' }
      : {}),
  }
}

/** Ports that the box listens on are free (or held by its own gateway), and what it dials answers. */
async function ports(box: Box, dataFolder: string): Promise<readonly Finding[]> {
  const own = holderOf(join(dataFolder, 'lock'))
  return Promise.all(
    Object.entries(box.file.listen).map(async ([name, address]): Promise<Finding> => {
      const what = `port ${name} ${address}`
      const code = await tryListen(address)
      if (code === undefined) return { what, found: 'free' }
      if (own !== undefined && code === 'EADDRINUSE')
        return { what, found: `held; the box's own gateway runs (process ${own})` }
      return { what, found: code, todo: 'stop what holds it, or change listen in box.yaml' }
    }),
  )
}

function tryListen(address: string): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', (error) => done(codeOf(error)))
    // The schema of box.yaml lets nothing else through.
    server.listen({ ...parseHostPort(address) }, () => {
      server.close(() => done(undefined))
    })
  })
}
