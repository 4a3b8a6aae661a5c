import { mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Clock } from '../base/clock.ts'
import type { Log } from './health.ts'

const LARGEST_LOG = 16 * 1024 * 1024
/** Lines that wait for a full disk to have room again; what is beyond is dropped. */
const MOST_WAITING = 1024 * 1024
const LOOK_EVERY_MS = 60_000

/** The structured log: `<data folder>/log/ganglion.log` and one file before it, each at most 16 MB. */
export function openLog(dataFolder: string, clock: Clock): { readonly log: Log; close(): void } {
  const folder = join(dataFolder, 'log')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'ganglion.log')
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600, maxLength: MOST_WAITING })
  // A disk without room for a line of the log must not end the gateway; health says that the disk is full.
  destination.on('error', () => undefined)
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const look = (): (() => void) =>
    clock.after(LOOK_EVERY_MS, () => {
      if (isTooLarge(file)) moveOn(file, destination)
      cancel = look()
    })
  let cancel = look()
  return {
    log,
    close() {
      cancel()
      // What still has something to say while all stops would be told that the file is closed.
      log.level = 'silent'
      destination.end()
    },
  }
}

const isTooLarge = (file: string): boolean =>
  (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_LOG

function moveOn(file: string, destination: { reopen(): void }): void {
  try {
    renameSync(file, `${file}.1`)
    destination.reopen()
  } catch {
    // The folder cannot be written now: the log goes on in the file that is open, and the next look tries again.
  }
}
