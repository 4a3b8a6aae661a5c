import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, GanglionError } from '../base/errors.ts'

/**
 * Takes the data folder for this process; the answer gives it back. A lock whose process is gone is taken over.
 * @throws GanglionError `store-locked`; `store-full` when nobody holds it and the disk has no room for the lock
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock')
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeLock(file)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (codeOf(error) === 'EEXIST' && holderOf(file) === undefined) {
        rmSync(file, { force: true })
        continue
      }
      if (codeOf(error) === 'EEXIST') break
      const isFull = codeOf(error) === 'ENOSPC'
      throw new GanglionError(
        isFull ? 'store-full' : 'store-failed',
        `the data folder cannot be written (${codeOf(error)})`,
        { hint: isFull ? 'Free some space.' : 'It must be writable by this user.', cause: error },
      )
    }
  }
  throw new GanglionError(
    'store-locked',
    `another gateway (process ${holderOf(file) ?? '?'}) holds the data folder`,
    {
      hint: 'Stop it first, or give this one another folder with --data.',
    },
  )
}

function writeLock(file: string): void {
  const handle = openSync(file, 'wx', 0o600)
  try {
    writeSync(handle, `${process.pid} ${bootOf(process.pid) ?? ''}`)
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(handle)
  }
}

/** The process that holds the folder, if it still lives. */
export function holderOf(file: string): number | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined // gone meanwhile
  }
  const [number = '', started = ''] = text.split(' ')
  const pid = Number(number)
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const now = bootOf(pid)
  // After a power cut another process may have the same number: its start time differs.
  return now !== undefined && (started === '' || now === started) ? pid : undefined
}

/** When a process was started, in clock ticks since boot; undefined when it is gone. */
function bootOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
