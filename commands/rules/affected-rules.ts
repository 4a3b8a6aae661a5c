import type { LoadedRule } from '../../gateway/pack.ts'

/**
 * The rules whose cases may come out differently when these have changed: themselves, those that share a class (and so
 * a case) with one of them, and those that silence or are silenced. What is left says the same either way.
 */
export function affectedRules(
  changed: ReadonlySet<string>,
  rules: readonly Pick<LoadedRule, 'id' | 'classId' | 'holding'>[],
): ReadonlySet<string> {
  const affected = new Set(changed)
  const classes = new Set<string>()
  for (let before = -1; before < affected.size + classes.size;) {
    before = affected.size + classes.size
    for (const { id, classId, holding } of rules) {
      const silenced = holding.inhibits ?? []
      if (!affected.has(id) && !classes.has(classId) && !silenced.some((name) => classes.has(name))) continue
      affected.add(id)
      for (const name of [classId, ...silenced]) classes.add(name)
    }
  }
  return affected
}
