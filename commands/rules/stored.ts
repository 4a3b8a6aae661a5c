import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { GanglionError } from '../../base/errors.ts'
import { migrations } from '../../gateway/store/schema.ts'

/**
 * What is stored of a box, only to be read: a gateway that runs is not disturbed. Whoever opens it closes it.
 * @throws GanglionError `usage` when there is none, or one of another format
 */
export function openStored(data: string): Database.Database {
  const file = join(data, 'ganglion.db')
  if (!existsSync(file)) throw neverStarted(data)
  const db = new Database(file, { readonly: true })
  const version = db.pragma('user_version', { simple: true }) as number // SQLite answers an integer
  if (version === migrations.length) return db
  db.close()
  throw new GanglionError(
    'usage',
    `the database has format ${version}, this Ganglion writes ${migrations.length}: start the box once with this version`,
  )
}

export const neverStarted = (data: string): GanglionError =>
  new GanglionError(
    'usage',
    `${data} holds no database: start the box once, or name its data folder with --data`,
  )
