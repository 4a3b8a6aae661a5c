import type { Measurement, Run } from '../area.ts'
import { BareTarget } from '../bare-target.ts'
import { measureLoad, type Loaded } from '../load/measure.ts'
import { percentile } from '../percentile.ts'
import { withProduct } from '../product.ts'
import type { Target } from '../target.ts'

const DEVICES = 2000
/** Every message raises or clears. */
const CYCLE = 2
const WANTED = 3000
const STEP = 1.25
/** Half of the revisions are answered within this: nothing piles up. */
const BACKLOG_FREE_MS = 250
const HIGHEST = 40_000

interface Held {
  readonly perSecond: number
  readonly loaded: Loaded
}

/** The highest rate of case revisions that is held without a backlog: probed upwards, then held for long. */
export const cases: Measurement = {
  rows: ['cases-per-s'],
  kind: 'figures',
  async run(run) {
    run.say('product and bare script: the highest rate of case revisions that holds')
    const bare = await ofBare(run)
    const held = await withProduct({ run, name: 'cases', plan: { smokeAlarms: DEVICES } }, async (product) =>
      highest(run, await product.connect()),
    )
    const { loaded, perSecond } = held
    return [
      {
        name: 'cases-per-s',
        value: perSecond,
        notes: {
          messages: loaded.sent.messages,
          devices: DEVICES,
          fsyncMs: run.fsyncMs,
          cpu: { ...bare.loaded.cpu, ...loaded.cpu },
          bare: bare.perSecond,
          said: [
            `${run.either('the highest rate that held for 30 s', 'held for 3 s; a full run looks for the highest')}; raise or clear → 2xx p50 ${percentile(loaded.changeMs, 0.5).toFixed(1)} ms, p99 ${percentile(loaded.changeMs, 0.99).toFixed(1)} ms`,
            ...loaded.said,
            ...bare.loaded.said.map((line) => `bare: ${line}`),
          ],
        },
      },
    ]
  },
}

async function ofBare(run: Run): Promise<Held> {
  const target = await BareTarget.start(run, 'cases', DEVICES)
  return highest(run, target).finally(() => target.stop())
}

/** 0 with what was seen when not even the lowest probe held. */
async function highest(run: Run, target: Target): Promise<Held> {
  const probe = (perSecond: number, warmS: number, holdS: number): Promise<Loaded> =>
    measureLoad(target, { perSecond, warmS, holdS, cycle: CYCLE })
  let best = WANTED
  let last = await probe(best, run.either(5, 1), run.either(5, 1.5))
  // A short run holds what is wanted and looks no further.
  while (!run.isShort && isFree(last) && best < HIGHEST) {
    const next = Math.round(best * STEP)
    const tried = await probe(next, 1, 5)
    if (!isFree(tried)) break
    best = next
    last = tried
  }
  // What a short probe allows may not last: the rate is lowered until it does.
  for (let perSecond = best; perSecond > WANTED / 10; perSecond = Math.round(perSecond * 0.9)) {
    const loaded = await probe(perSecond, 1, run.either(30, 3))
    if (isFree(loaded)) return { perSecond, loaded }
    last = loaded
  }
  return { perSecond: 0, loaded: last }
}

const isFree = (loaded: Loaded): boolean =>
  loaded.isWhole &&
  percentile(loaded.changeMs, 0.5) <= BACKLOG_FREE_MS &&
  lastTenth(loaded) <= 2 * BACKLOG_FREE_MS

/** Median of the last tenth: a backlog shows at the end. */
function lastTenth({ changeMs }: Loaded): number {
  return percentile(changeMs.slice(Math.floor(changeMs.length * 0.9)), 0.5)
}
