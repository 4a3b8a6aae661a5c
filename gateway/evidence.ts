import { createHash } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeWhole } from './whole-file.ts'

/** 证据: media files named by their hash, under `<data folder>/evidence`. */
export class EvidenceFolder {
  readonly #folder: string
  #parts = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  pathOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256)
  }

  /**
   * Writes the file whole: part file, fsync, rename, fsync of the folder. What is under its name is complete.
   * Answers with its SHA-256.
   */
  async write(bytes: Uint8Array): Promise<string> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const path = this.pathOf(sha256)
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    if (made !== undefined) {
      await syncFolder(this.#folder)
      await syncFolder(dirname(made))
    }
    // Two zones of one camera may prove their cases with the same picture at the same time.
    const part = `${path}.${++this.#parts}.part`
    try {
      await writeWhole(part, bytes)
      await rename(part, path)
    } catch (error) {
      // On a full disk half a picture must not eat what is left.
      await rm(part, { force: true })
      throw error
    }
    await syncFolder(dirname(path))
    return sha256
  }
}
