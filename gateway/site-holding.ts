import { nearest } from '../base/schema.ts'
import type { Mistake, YamlFile } from '../base/yaml.ts'
import { siteHoldingComplaints } from './holding-settings.ts'
import type { LoadedRule } from './pack.ts'
import type { SiteFile } from './site-file.ts'

/** What is wrong in `holding` and `shadow` of a site: unknown rules, and silence for a life-safety rule. */
export function siteHoldingMistakes(
  site: YamlFile<SiteFile>,
  rules: readonly LoadedRule[],
): readonly Mistake[] {
  const ids = rules.map(({ id }) => id)
  const ruleOf = (id: string): LoadedRule | undefined => rules.find((known) => known.id === id)
  const unknown = (id: string): string => {
    const meant = nearest(id, ids)
    return `unknown rule "${id}"${meant ? `; did you mean "${meant}"?` : `; known are ${ids.join(', ')}`}`
  }
  const { holding = {}, shadow = [] } = site.value
  return [
    ...Object.entries(holding).flatMap(([id, own]) => {
      const rule = ruleOf(id)
      if (!rule) return [site.mistake(`/holding/${id}`, unknown(id))]
      const complaints = siteHoldingComplaints(own, rule.classId, rule.isLifeSafety)
      return complaints.map(({ path, text }) => site.mistake(`/holding/${id}${path}`, text))
    }),
    ...shadow.flatMap((id, index) => {
      const rule = ruleOf(id)
      if (!rule) return [site.mistake(`/shadow/${index}`, unknown(id))]
      if (!rule.isLifeSafety) return []
      const text = `class "${rule.classId}" of "${id}" is life-safety: its rules are always live; remove it here`
      return [site.mistake(`/shadow/${index}`, text)]
    }),
  ]
}
