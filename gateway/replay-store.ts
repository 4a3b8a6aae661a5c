import Database from 'better-sqlite3'
import type { Site } from './config.ts'
import { migrations, statements, type Change } from './store/schema.ts'
import type { Unit } from './store/store.ts'

/** What is written in a replay and read back in it; rule memory lives in the slots. */
const kept: ReadonlySet<Change[0]> = new Set(['putCase', 'endCase'])

/**
 * A store that forgets: the case book and the holding of a replay work on it as on the box's own. Every site is live:
 * a trial would hold back what is asked for.
 */
export class ReplayStore {
  readonly reader: Database.Database
  readonly #written: (change: Change) => void
  readonly #statements = new Map<Change[0], Database.Statement>()
  /** Somebody waits to hear that a unit is stored. */
  hasNews = false

  constructor(sites: readonly Site[], written: (change: Change) => void) {
    this.#written = written
    this.reader = new Database(':memory:')
    for (const migration of migrations) this.reader.exec(migration)
    const live = this.reader.prepare("INSERT INTO site_trials VALUES (?, 0, NULL, 0, 'replay')")
    for (const site of sites) live.run(site.id)
  }

  commit(unit: Unit): Promise<void> {
    this.hasNews = true
    this.take(unit.changes)
    return Promise.resolve()
  }

  take(changes: readonly Change[]): void {
    for (const change of changes) {
      const [name, ...values] = change
      if (kept.has(name)) this.#prepared(name).run(...values)
      this.#written(change)
    }
  }

  close(): void {
    this.reader.close()
  }

  #prepared(name: Change[0]): Database.Statement {
    const known = this.#statements.get(name)
    if (known) return known
    const own = this.reader.prepare(statements[name])
    this.#statements.set(name, own)
    return own
  }
}
