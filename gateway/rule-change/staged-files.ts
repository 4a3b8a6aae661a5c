import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../base/errors.ts'
import { replaceWhole, syncFolder } from '../whole-file.ts'

/** One file of the box folder before and after. */
export interface FileChange {
  /** In the box folder. */
  readonly name: string
  /** Null: there was none. */
  readonly before: string | null
  readonly after: string
}

/** In the order given: a pack lies there before box.yaml names it. */
export async function putFiles(folder: string, files: readonly FileChange[]): Promise<void> {
  for (const { name, after } of files) await replaceWhole(join(folder, name), after)
}

/** The other way round. Answers with those that somebody has changed since: they stay as they are. */
export async function takeFilesBack(
  folder: string,
  files: readonly FileChange[],
): Promise<readonly string[]> {
  const left: string[] = []
  for (const { name, before, after } of [...files].reverse()) {
    const path = join(folder, name)
    const now = await textOf(path)
    if (now === before) continue
    if (now !== after) left.push(name)
    else if (before !== null) await replaceWhole(path, before)
    else {
      await rm(path)
      await syncFolder(dirname(path))
    }
  }
  return left
}

/** `mixed`: some as before and some as after, as a power cut leaves them. */
export type Standing = 'before' | 'after' | 'mixed' | 'other'

export async function standingOf(folder: string, files: readonly FileChange[]): Promise<Standing> {
  const each = await Promise.all(
    files.map(async ({ name, before, after }): Promise<Standing> => {
      const now = await textOf(join(folder, name))
      return now === after ? 'after' : now === before ? 'before' : 'other'
    }),
  )
  const [first = 'before'] = each
  if (each.includes('other')) return 'other'
  return each.every((one) => one === first) ? first : 'mixed'
}

/** Null: there is no such file. */
export async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
