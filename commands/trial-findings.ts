import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { systemClock } from '../base/clock.ts'
import type { Box } from '../gateway/config.ts'
import { trialNotice } from '../gateway/holding-notices.ts'
import { migrations } from '../gateway/store/schema.ts'
import { Trials } from '../gateway/trials.ts'

export interface TrialFinding {
  readonly what: string
  readonly found: string
  readonly todo?: string
}

/** Sites that are in trial, and whether somebody should look by now. Nothing for a box that never ran this version. */
export function trialFindings(box: Box, dataFolder: string): readonly TrialFinding[] {
  const file = join(dataFolder, 'ganglion.db')
  if (!existsSync(file)) return []
  const db = new Database(file, { readonly: true })
  try {
    if (db.pragma('user_version', { simple: true }) !== migrations.length) return []
    const trials = new Trials(db)
    const now = systemClock.now()
    return box.sites
      .map((site) => trials.at(site))
      .filter(({ isLive }) => !isLive)
      .map((trial): TrialFinding => {
        const isOver = trial.endsAt !== undefined && trial.endsAt <= now
        return {
          what: `site ${trial.siteId} in trial`,
          found: trialNotice(trial),
          ...(isOver && { todo: `its days are over: ganglion rules review ${trial.siteId}` }),
        }
      })
  } finally {
    db.close()
  }
}
