import type { Measurement, Run } from '../area.ts'
import { BareTarget } from '../bare-target.ts'
import { bareFigure, loadNotes } from '../beside.ts'
import { measureLoad, type Loaded } from '../load/measure.ts'
import { percentile, spread } from '../percentile.ts'
import { withProduct } from '../product.ts'
import type { Target } from '../target.ts'

/** Every message raises or clears. */
const CYCLE = 2
const WANTED = 3000
const MORE = 1.25
const LESS = 0.85
const HIGHEST = 40_000
const PROBE_S = 5
const HOLD_S = 30
const SHORT_S = 2
/** Nothing piles up: half of the revisions are answered within this, and half of the last tenth within twice as much. */
const BACKLOG_FREE_MS = 250

interface Held {
  readonly perSecond: number
  readonly loaded: Loaded
}

/** The highest rate of case revisions that is held without a backlog. */
export const cases: Measurement = {
  rows: ['cases-per-s'],
  kind: 'figures',
  async run(run) {
    run.say('case revisions: the highest rate that holds')
    const bare = run.isShort ? undefined : await ofBare(run)
    const plan = { smokeAlarms: run.loadDevices }
    const { perSecond, loaded } = await withProduct({ run, name: 'cases', plan }, async (product) =>
      holding(run, await product.connect()),
    )
    const notes = loadNotes(run, loaded, bare?.loaded)
    const what = run.isShort
      ? `held for ${SHORT_S} s; a full run looks for the highest rate`
      : `the highest rate that held for ${HOLD_S} s`
    return [
      {
        name: 'cases-per-s',
        value: perSecond,
        notes: {
          ...notes,
          ...bareFigure(bare?.perSecond),
          said: [
            `${what}; raise or clear → 2xx p50 / p99 / max ${spread(loaded.changeMs)} ms`,
            ...(notes.said ?? []),
          ],
        },
      },
    ]
  },
}

async function ofBare(run: Run): Promise<Held> {
  const target = await BareTarget.start(run, 'cases', run.loadDevices)
  return holding(run, target).finally(() => target.stop())
}

/** Probed upwards, then held for long; 0 with what was seen when nothing held. */
async function holding(run: Run, target: Target): Promise<Held> {
  const probe = (perSecond: number, warmS: number, holdS: number): Promise<Loaded> =>
    measureLoad(target, { perSecond, warmS, holdS, cycle: CYCLE, patienceMs: run.patienceMs })
  if (run.isShort) {
    const loaded = await probe(WANTED, 1, SHORT_S)
    return { perSecond: isFree(loaded) ? WANTED : 0, loaded }
  }
  let best = WANTED
  let last = await probe(best, PROBE_S, PROBE_S)
  while (isFree(last) && best < HIGHEST) {
    const next = Math.round(best * MORE)
    const tried = await probe(next, 1, PROBE_S)
    if (!isFree(tried)) break
    best = next
    last = tried
  }
  // What a short probe allows may not last: the rate is lowered until it does.
  for (let perSecond = best; perSecond > WANTED / 10; perSecond = Math.round(perSecond * LESS)) {
    const loaded = await probe(perSecond, 1, HOLD_S)
    if (isFree(loaded)) return { perSecond, loaded }
    last = loaded
  }
  return { perSecond: 0, loaded: last }
}

function isFree({ isWhole, changeMs }: Loaded): boolean {
  const lastTenth = changeMs.slice(Math.floor(changeMs.length * 0.9))
  return (
    isWhole &&
    percentile(changeMs, 0.5) <= BACKLOG_FREE_MS &&
    percentile(lastTenth, 0.5) <= 2 * BACKLOG_FREE_MS
  )
}
