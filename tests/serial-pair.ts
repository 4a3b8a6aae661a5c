import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SerialPort } from 'serialport'
import { pause, systemClock } from '../base/clock.ts'

/** Why a test over a pair of serial ports is skipped; false where it can run. */
export const skipWithoutPair: string | false =
  spawnSync('socat', ['-V']).error === undefined ? false : "needs Debian's socat"

/** Two serial ports that are wired to each other, as a program sees them. */
export interface SerialPair {
  /** The gateway's end. */
  readonly ours: string
  readonly theirs: string
  /** Opens the other end as a device would. */
  openTheirs(): Promise<SerialPort>
  /** Both ports vanish, as an adapter does that is pulled out. */
  unplug(): Promise<void>
  plugIn(): Promise<void>
}

export async function serialPair(t: TestContext | undefined): Promise<SerialPair & { end(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-serial-'))
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')]
  const opened = new Set<SerialPort>()
  let socat: ChildProcess | undefined
  const plugIn = async (): Promise<void> => {
    const ends = [ours, theirs].map((link) => `pty,raw,echo=0,link=${link}`)
    socat = spawn('socat', ends, { stdio: 'ignore' })
    while (!existsSync(ours) || !existsSync(theirs)) await pause(systemClock, 2)
  }
  const unplug = async (): Promise<void> => {
    const child = socat
    socat = undefined
    if (!child) return
    await new Promise((resolve) => {
      child.once('exit', resolve)
      child.kill()
    })
  }
  const end = async (): Promise<void> => {
    await unplug()
    for (const port of opened)
      await new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()))
    rmSync(folder, { recursive: true })
  }
  await plugIn()
  t?.after(end)
  return {
    ours,
    theirs,
    async openTheirs() {
      const port = new SerialPort({ path: theirs, baudRate: 9600, autoOpen: false })
      opened.add(port)
      port.on('error', () => undefined)
      await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())))
      return port
    },
    unplug,
    plugIn,
    end,
  }
}
