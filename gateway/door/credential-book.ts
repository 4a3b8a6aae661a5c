import { instant, type Clock, type Instant } from '../../base/clock.ts'
import type { Site } from '../config.ts'
import { Draft } from '../draft.ts'
import type { Store } from '../store/store.ts'
import type { CardHash } from './card-key.ts'
import {
  keptList,
  listedCards,
  type CredentialList,
  type KeptList,
  type ListedCard,
} from './credential-list.ts'

export interface CredentialBookContext {
  readonly clock: Clock
  readonly store: Store
  readonly sites: readonly Pick<Site, 'id' | 'calendar'>[]
  readonly hash: CardHash
}

interface SiteList {
  readonly text: string
  readonly version: number
  readonly at: Instant
  readonly cards: ReadonlyMap<string, ListedCard>
  readonly subjects: ReadonlySet<string>
  readonly tokens: ReadonlySet<string>
}

/** `older`: the box has a newer one. `other`: the same version with other content. */
export type Put = 'taken' | 'same' | 'older' | 'other'

/** 凭证簿: the newest list of each site, in memory for deciding and in the database for the next start. */
export class CredentialBook {
  readonly #context: CredentialBookContext
  #sites: CredentialBookContext['sites']
  readonly #lists = new Map<string, SiteList>()

  constructor(context: CredentialBookContext) {
    this.#context = context
    this.#sites = context.sites
    this.#load()
  }

  /** The box has changed: sites may have other hours and holidays, and new ones may have had a list before. */
  replan(sites: CredentialBookContext['sites']): void {
    this.#sites = sites
    this.#load()
  }

  /** @throws GanglionError `store-full`, `store-failed`: the list of before stays. */
  async put(siteId: string, list: CredentialList): Promise<Put> {
    const { clock, store, hash } = this.#context
    const before = this.#lists.get(siteId)
    const text = JSON.stringify(keptList(list, siteId, hash))
    if (before && list.version < before.version) return 'older'
    if (before?.version === list.version) return before.text === text ? 'same' : 'other'
    const now = clock.now()
    const next = this.#made(siteId, text, now)
    if (!next) return 'other'
    this.#lists.set(siteId, next)
    const draft = new Draft()
    draft.add(['putCredentialList', siteId, list.version, now, text], () => {
      if (this.#lists.get(siteId) !== next) return
      if (before) this.#lists.set(siteId, before)
      else this.#lists.delete(siteId)
    })
    await store.commit(draft)
    draft.stored()
    return 'taken'
  }

  card(siteId: string, uid: string): ListedCard | undefined {
    return this.#lists.get(siteId)?.cards.get(this.#context.hash(siteId, uid))
  }

  isRevoked(siteId: string, token: { readonly subject: string; readonly id: string }): boolean {
    const list = this.#lists.get(siteId)
    return list !== undefined && (list.subjects.has(token.subject) || list.tokens.has(token.id))
  }

  /** What may be told of a list: never what is in it. */
  about(
    siteId: string,
  ): { readonly version: number; readonly at: Instant; readonly cards: number } | undefined {
    const list = this.#lists.get(siteId)
    return list && { version: list.version, at: list.at, cards: list.cards.size }
  }

  #load(): void {
    const rows = this.#context.store.reader
      .prepare('SELECT site_id AS siteId, at, body FROM credential_lists')
      .all() as { siteId: string; at: number; body: string }[] // the columns named
    this.#lists.clear()
    for (const { siteId, at, body } of rows) {
      const list = this.#made(siteId, body, instant(at))
      if (list) this.#lists.set(siteId, list)
    }
  }

  /** Undefined for a site that this box does not have any more. */
  #made(siteId: string, text: string, at: Instant): SiteList | undefined {
    const site = this.#sites.find(({ id }) => id === siteId)
    if (!site) return undefined
    const list = JSON.parse(text) as KeptList // written by `put`
    return {
      text,
      version: list.version,
      at,
      cards: listedCards(list, site.calendar),
      subjects: new Set(list.subjects),
      tokens: new Set(list.tokens),
    }
  }
}
