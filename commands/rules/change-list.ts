import { changeShown, readChanges } from '../../gateway/rule-change/change-record.ts'
import { openStored } from './stored.ts'

const SHOWN = 50

/** Who changed which pack, when, and what came of it, read beside a gateway that may run. */
export function changeLines(data: string): readonly string[] {
  const db = openStored(data)
  try {
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
