import type { Run } from './area.ts'
import { BareTarget } from './bare-target.ts'
import { measureLoad, type Load, type Loaded } from './load/measure.ts'
import type { Notes } from './rows.ts'

/** The same load on the bare script in the same run; a short run leaves it out. */
export async function bareBeside(
  run: Run,
  name: string,
  load: Load,
  commitDelayMs = 0,
): Promise<Loaded | undefined> {
  if (run.isShort) return undefined
  const target = await BareTarget.start(run, name, run.loadDevices, commitDelayMs)
  return measureLoad(target, load).finally(() => target.stop())
}

/** How a loaded row was measured, beside what the bare script said. */
export function loadNotes(run: Run, loaded: Loaded, bare: Loaded | undefined): Notes {
  return {
    messages: loaded.sent.messages,
    devices: run.loadDevices,
    fsyncMs: run.fsyncMs,
    cpu: { ...bare?.cpu, ...loaded.cpu },
    said: [...loaded.said, ...(bare?.said ?? []).map((line) => `bare: ${line}`)],
  }
}

/** The bare script's figure for a row's notes, where it was measured. */
export const bareFigure = (value: number | undefined): Pick<Notes, 'bare'> =>
  value === undefined ? {} : { bare: value }
