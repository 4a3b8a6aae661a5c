import { isoTime } from '../base/clock.ts'
import type { Box } from './config.ts'
import type { Health } from './health.ts'
import type { RuleModes } from './rule-modes.ts'
import type { Trials, TrialThere } from './trials.ts'

/** What a site in trial waits for, in one line for health and doctor. */
export function trialNotice({ siteId, endsAt }: TrialThere): string {
  const until = endsAt === undefined ? 'until the clock is set' : `at least until ${isoTime(endsAt)}`
  return `only life-safety raises cases, ${until}; then: ganglion rules review ${siteId}, ganglion rules go-live ${siteId} --by <name>`
}

/** Says in health which sites are in trial and which rules somebody put into shadow. */
export function sayHolding(
  { rules, sites }: Pick<Box, 'rules' | 'sites'>,
  modes: RuleModes,
  trials: Trials,
  health: Pick<Health, 'state'>,
): void {
  for (const site of sites) {
    const trial = trials.at(site)
    if (trial.isLive && trial.days > 0) health.state(`site ${site.id}`, 'live')
    else if (!trial.isLive) health.state(`site ${site.id}`, 'trial', trialNotice(trial))
    for (const rule of rules) {
      const { mode, decision } = modes.at(rule, site)
      if (decision) health.state(`rule ${rule.id} at ${site.id}`, mode, `${decision.by}: ${decision.reason}`)
    }
  }
}
