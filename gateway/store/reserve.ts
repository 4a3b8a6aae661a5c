import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'

/** Laid by on the disk so that a life-safety case can be stored when nothing else fits any more. */
export const RESERVE_BYTES = 64 * 1024 * 1024

/** A file that a crash left half written is none. */
export const hasReserve = (file: string): boolean =>
  statSync(file, { throwIfNoEntry: false })?.size === RESERVE_BYTES

/** Is there so much room that laying the reserve by does not fill the disk? */
export function hasRoomFor(file: string): boolean {
  const { bavail, bsize } = statfsSync(file)
  return bavail * bsize > 2 * RESERVE_BYTES
}

/** What SQLite and the system call a full disk; a file of SQLite that cannot grow is an I/O error there. */
export const isFullCode = (code: string): boolean =>
  code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR') || code === 'ENOSPC'

export const giveUp = (file: string): void => rmSync(file, { force: true })

/** Writes the reserve file (really, not sparse); false when there is no room for it. */
export function reserveSpace(file: string): boolean {
  const block = Buffer.alloc(1024 * 1024, 0x5a)
  let handle: number | undefined
  try {
    handle = openSync(file, 'w', 0o600)
    for (let written = 0; written < RESERVE_BYTES;) {
      // A disk that fills up writes less than it was given.
      written += writeSync(handle, block, 0, Math.min(block.length, RESERVE_BYTES - written))
    }
    fsyncSync(handle)
    return true
  } catch {
    // No room is an expected answer; the half-written file must not eat what is left.
    giveUp(file)
    return false
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}
