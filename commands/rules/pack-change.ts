import type { PackFile } from '../../gateway/pack.ts'

/** Words for people change no judgement. */
const texts: ReadonlySet<string> = new Set(['title', 'why', 'source'])

/** What is different between two packs, by rule: `settings.above: 70 °C → 60 °C`. Rules that are the same are left out. */
export function packChanges(
  before: PackFile['rules'],
  after: PackFile['rules'],
): ReadonlyMap<string, readonly string[]> {
  const ids = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changes = ids.map((id): readonly [string, readonly string[]] => {
    const old = Object.hasOwn(before, id) ? before[id] : undefined
    const next = Object.hasOwn(after, id) ? after[id] : undefined
    if (!old) return [id, ['the rule is new']]
    if (!next) return [id, ['the rule is gone']]
    return [id, differing(leavesOf(old), leavesOf(next))]
  })
  return new Map(changes.filter(([, lines]) => lines.length > 0))
}

function differing(old: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((path) => old.get(path) !== next.get(path))
    .map((path) => `${path}: ${old.get(path) ?? 'unset'} → ${next.get(path) ?? 'unset'}`)
}

/** Lists stay whole: what moved in one is read best beside what did not. */
function leavesOf(value: object, path = ''): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>()
  for (const [key, below] of Object.entries(value) as [string, unknown][]) {
    if (path === '' && texts.has(key)) continue
    const own = path === '' ? key : `${path}.${key}`
    if (typeof below === 'object' && below !== null && !Array.isArray(below))
      for (const [leaf, text] of leavesOf(below, own)) leaves.set(leaf, text)
    else leaves.set(own, typeof below === 'string' ? below : JSON.stringify(below))
  }
  return leaves
}
