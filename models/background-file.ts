import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../base/errors.ts'
import { Background } from './background.ts'

/**
 * A restart must not take the goods on the pavement for the pavement, so what a camera has learned of its view
 * outlives the process. It is a small gray picture of the public view; mode 600.
 */
export function loadBackground(folder: string, deviceId: string): Background {
  try {
    return new Background(readFileSync(fileOf(folder, deviceId)))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return new Background()
  }
}

/** Whole or not at all. */
export function saveBackground(folder: string, deviceId: string, background: Background): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = fileOf(folder, deviceId)
  writeFileSync(`${file}.part`, background.save(), { mode: 0o600 })
  renameSync(`${file}.part`, file)
}

const fileOf = (folder: string, deviceId: string): string => join(folder, `${deviceId}.gray`)
