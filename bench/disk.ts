import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './percentile.ts'

const FSYNCS = 50
const BLOCK_BYTES = 4096

/** Median time of a real fsync after a 4 KiB write in this folder, in ms. */
export function fsyncTime(folder: string): number {
  const file = join(folder, 'fsync-probe')
  const handle = openSync(file, 'w')
  const block = Buffer.alloc(BLOCK_BYTES, 1)
  try {
    const times = Array.from({ length: FSYNCS }, () => {
      writeSync(handle, block)
      const startedAt = performance.now()
      fsyncSync(handle)
      return performance.now() - startedAt
    })
    return median(times)
  } finally {
    closeSync(handle)
    rmSync(file)
  }
}
