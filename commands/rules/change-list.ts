import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { GanglionError } from '../../base/errors.ts'
import { changeShown, readChanges } from '../../gateway/rule-change/change-record.ts'
import { migrations } from '../../gateway/store/schema.ts'

const SHOWN = 50

/** Who changed which pack, when, and what came of it, read beside a gateway that may run. */
export function changeLines(data: string): readonly string[] {
  const file = join(data, 'ganglion.db')
  if (!existsSync(file)) throw new GanglionError('usage', `${data} holds no database: start the box once`)
  const db = new Database(file, { readonly: true })
  try {
    const version = db.pragma('user_version', { simple: true }) as number // SQLite answers an integer
    if (version !== migrations.length) {
      throw new GanglionError(
        'usage',
        `the database has format ${version}, this Ganglion writes ${migrations.length}: start the box once with this version`,
      )
    }
    const lines = readChanges(db, SHOWN)
      .map(changeShown)
      .map(({ at, pack, insteadOf, by, state, detail, minutes }) =>
        [
          at.slice(0, 19).replace('T', ' '),
          insteadOf === null || insteadOf === pack ? pack : `${pack} in place of ${insteadOf}`,
          by,
          state,
          state === 'watched' ? `for ${minutes} min` : detail,
        ].join('  '),
      )
    return lines.length > 0 ? lines : ['no pack was changed yet']
  } finally {
    db.close()
  }
}
