import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a new file and lets go of it once it is on the disk. */
export async function writeWhole(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const file = await open(path, 'w', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What was made or renamed in the folder stands there after a power cut too. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The file says the old or the new at any moment, never half of it; its mode stays. */
export async function replaceWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const known = await stat(path).catch(() => undefined) // it is new
  const part = `${path}.part`
  try {
    await writeWhole(part, text, known === undefined ? 0o644 : known.mode & 0o777)
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}
