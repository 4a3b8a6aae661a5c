import { instant, isClockSet, isoTime, later, type Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Site } from './config.ts'
import type { Draft } from './draft.ts'
import type { Reader } from './store/store.ts'

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 7

/** 试运行 of one site. */
interface Trial {
  readonly firstSeen: Instant
  /** When a person last looked at its would-be cases. */
  readonly reviewedAt: Instant | undefined
  readonly liveAt: Instant | undefined
  readonly liveBy: string | undefined
}

/** How a site stands, for people. */
export interface TrialThere {
  readonly siteId: string
  readonly isLive: boolean
  /** 0: the site never tried anything. */
  readonly days: number
  readonly firstSeen: Instant | undefined
  /** The days of the trial are over then; it ends only when a person says so. */
  readonly endsAt: Instant | undefined
  readonly reviewedAt: Instant | undefined
  readonly liveBy: string | undefined
}

/**
 * A site that this box never saw before tries its rules for some days: only life-safety raises cases, the others count
 * would-be cases, until a person has looked at them and takes the site live.
 */
export class Trials {
  readonly #bySite = new Map<string, Trial>()

  constructor(reader: Reader) {
    const rows = reader.prepare('SELECT * FROM site_trials').all() as TrialRow[] // the columns named there
    for (const row of rows) {
      this.#bySite.set(row.site_id, {
        firstSeen: instant(row.first_seen),
        reviewedAt: row.reviewed_at === null ? undefined : instant(row.reviewed_at),
        liveAt: row.live_at === null ? undefined : instant(row.live_at),
        liveBy: row.live_by ?? undefined,
      })
    }
  }

  /** A clock that was never set counts no days: then it is not seen yet. */
  see(draft: Draft, site: Site, now: Instant): void {
    const days = daysOf(site)
    if (this.knows(site) || (days > 0 && !isClockSet(now))) return
    // Later changes of the file do not silence a site that spoke.
    const live =
      days === 0 ? { liveAt: now, liveBy: 'trialDays: 0' } : { liveAt: undefined, liveBy: undefined }
    this.#put(draft, site.id, { firstSeen: now, reviewedAt: undefined, ...live })
  }

  knows(site: Site): boolean {
    return this.#bySite.has(site.id)
  }

  isTrial(site: Site): boolean {
    return daysOf(site) > 0 && this.#bySite.get(site.id)?.liveAt === undefined
  }

  at(site: Site): TrialThere {
    const trial = this.#bySite.get(site.id)
    return {
      siteId: site.id,
      isLive: !this.isTrial(site),
      days: daysOf(site),
      firstSeen: trial?.firstSeen,
      endsAt: trial && later(trial.firstSeen, daysOf(site) * DAY_MS),
      reviewedAt: trial?.reviewedAt,
      liveBy: trial?.liveBy,
    }
  }

  reviewed(draft: Draft, site: Site, now: Instant): void {
    this.#put(draft, site.id, { ...this.#need(site), reviewedAt: now })
  }

  /** @throws GanglionError `not-allowed` before its days are over and a person has looked since then. */
  goLive(draft: Draft, site: Site, by: string, now: Instant): void {
    const { endsAt, reviewedAt, isLive } = this.at(site)
    if (isLive) throw new GanglionError('not-allowed', `the site "${site.id}" is live already`)
    if (endsAt === undefined || now < endsAt) {
      throw new GanglionError(
        'not-allowed',
        `the trial of "${site.id}" runs until ${endsAt === undefined ? 'its clock is set' : isoTime(endsAt)}`,
        { hint: `A shorter trial is "trialDays" in ${site.id}.yaml.` },
      )
    }
    if (reviewedAt === undefined || reviewedAt < endsAt) {
      throw new GanglionError(
        'not-allowed',
        `nobody has looked at the would-be cases of "${site.id}" since its trial ended`,
        { hint: `Look at them first: ganglion rules review ${site.id}` },
      )
    }
    this.#put(draft, site.id, { ...this.#need(site), liveAt: now, liveBy: by })
  }

  #need(site: Site): Trial {
    const trial = this.#bySite.get(site.id)
    if (trial) return trial
    throw new GanglionError('not-allowed', `the box has not run with the site "${site.id}" yet`, {
      hint: 'Start the gateway first.',
    })
  }

  #put(draft: Draft, siteId: string, next: Trial): void {
    const before = this.#bySite.get(siteId)
    this.#bySite.set(siteId, next)
    const { firstSeen, reviewedAt = null, liveAt = null, liveBy = null } = next
    draft.add(['putSiteTrial', siteId, firstSeen, reviewedAt, liveAt, liveBy], () => {
      if (this.#bySite.get(siteId) !== next) return
      if (before) this.#bySite.set(siteId, before)
      else this.#bySite.delete(siteId)
    })
  }
}

interface TrialRow {
  readonly site_id: string
  readonly first_seen: number
  readonly reviewed_at: number | null
  readonly live_at: number | null
  readonly live_by: string | null
}

const daysOf = ({ file }: Site): number => file.trialDays ?? DEFAULT_DAYS
