import type { Clock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import { nearest } from '../base/schema.ts'
import type { Box, Site } from './config.ts'
import { Draft } from './draft.ts'
import type { LoadedRule } from './pack.ts'
import type { RuleMode, RuleModes } from './rule-modes.ts'
import type { Store } from './store/store.ts'
import type { Trials, TrialThere } from './trials.ts'

export interface RuleDeskContext {
  readonly clock: Pick<Clock, 'now'>
  readonly store: Store
  readonly box: Pick<Box, 'rules' | 'sites'>
  readonly modes: RuleModes
  readonly trials: Trials
  /** Runs once a decision is stored. */
  readonly decided: () => void
}

export interface ModeWish {
  readonly rule: string
  /** At every site without it. */
  readonly site?: string | undefined
  readonly mode: RuleMode
  readonly by: string
  readonly reason: string
}

/** Where people decide which rules speak: live or shadow, and the end of a site's trial. Each decision is stored with who and when. */
export class RuleDesk {
  readonly #context: RuleDeskContext

  constructor(context: RuleDeskContext) {
    this.#context = context
  }

  /** @throws GanglionError `usage` for what the box does not have, `not-allowed` for a life-safety rule. */
  async decideMode({ rule: id, site, mode, by, reason }: ModeWish): Promise<void> {
    const rule = this.#rule(id)
    if (rule.isLifeSafety && mode === 'shadow') {
      throw new GanglionError('not-allowed', `"${id}" is a life-safety rule: it is always live`, {
        hint: 'Try another version of it with: ganglion rules backtest',
      })
    }
    const siteId = site === undefined ? '' : this.#site(site).id
    const at = this.#context.clock.now()
    await this.#store((draft) => {
      this.#context.modes.decide(draft, { rule: id, siteId, mode, version: rule.version, by, at, reason })
    })
  }

  /** A person has looked at the would-be cases of the site. */
  async review(siteId: string): Promise<TrialThere> {
    const { clock, trials } = this.#context
    const site = this.#site(siteId)
    await this.#store((draft) => trials.reviewed(draft, site, clock.now()))
    return trials.at(site)
  }

  /** @throws GanglionError `not-allowed` while the trial runs, or when nobody has looked. */
  async goLive(siteId: string, by: string): Promise<void> {
    const { clock, trials } = this.#context
    const site = this.#site(siteId)
    await this.#store((draft) => trials.goLive(draft, site, by, clock.now()))
  }

  async #store(decide: (draft: Draft) => void): Promise<void> {
    const draft = new Draft()
    decide(draft)
    await this.#context.store.commit(draft)
    draft.stored()
    this.#context.decided()
  }

  #rule(id: string): LoadedRule {
    const { rules } = this.#context.box
    const found = rules.find((rule) => rule.id === id)
    if (found) return found
    throw new GanglionError('usage', unknown('rule', id, rules))
  }

  #site(id: string): Site {
    const { sites } = this.#context.box
    const found = sites.find((site) => site.id === id)
    if (found) return found
    throw new GanglionError('usage', unknown('site', id, sites))
  }
}

function unknown(what: string, word: string, known: readonly { readonly id: string }[]): string {
  const ids = known.map(({ id }) => id)
  const meant = nearest(word, ids)
  return `unknown ${what} "${word}"${meant ? `; did you mean "${meant}"?` : `; known are ${ids.join(', ')}`}`
}
