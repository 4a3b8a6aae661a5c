import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'

/** Laid by on the disk so that a life-safety case can be stored when nothing else fits any more. */
export const RESERVE_BYTES = 64 * 1024 * 1024

/** Writes the reserve file (really, not sparse); false when there is no room for it. */
export function reserveSpace(file: string): boolean {
  const block = Buffer.alloc(1024 * 1024, 0x5a)
  let handle: number | undefined
  try {
    handle = openSync(file, 'w', 0o600)
    for (let written = 0; written < RESERVE_BYTES; written += block.length) writeSync(handle, block)
    fsyncSync(handle)
    return true
  } catch {
    // No room is an expected answer; the half-written file must not eat what is left.
    rmSync(file, { force: true })
    return false
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}
