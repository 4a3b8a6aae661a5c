import { mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Clock } from '../base/clock.ts'
import type { Log } from './health.ts'

const LARGEST_LOG = 16 * 1024 * 1024
const LOOK_EVERY_MS = 60_000

/** The structured log: `<data folder>/log/ganglion.log` and one file before it, each at most 16 MB. */
export function openLog(dataFolder: string, clock: Clock): { readonly log: Log; close(): void } {
  const folder = join(dataFolder, 'log')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'ganglion.log')
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600 })
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const look = (): (() => void) =>
    clock.after(LOOK_EVERY_MS, () => {
      if (statSync(file, { throwIfNoEntry: false })?.size ?? 0 > LARGEST_LOG) {
        renameSync(file, `${file}.1`)
        destination.reopen()
      }
      cancel = look()
    })
  let cancel = look()
  return {
    log,
    close() {
      cancel()
      destination.end()
    },
  }
}
