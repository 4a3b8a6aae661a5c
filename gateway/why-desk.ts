import { instant, isoTime, later, type Duration, type Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Case } from './case.ts'
import type { History } from './history/history.ts'
import type { Reading } from './reading.ts'
import type { Plans } from './slots.ts'
import type { Store } from './store/store.ts'
import { lookBack, whyNot, type Source, type WhyNot } from './why-not.ts'

const HOUR_MS: Duration = 3_600_000
/** What was seen so long before a case began, and until it was raised. */
const TIMELINE_MS: Duration = 10 * 60_000
/** One answer of the history has 10,000 rows at most: a point that speaks every 2 s fits. */
const SLICE_MS: Duration = 6 * HOUR_MS
/** A part of a key is enough where it is one case's. */
const SHORTEST_KEY = 6

export interface WhyContext {
  readonly store: Pick<Store, 'reader'>
  readonly history: Pick<History, 'query'>
  readonly plans: () => Plans
}

/** A case, and what each point that moved its rule said before. */
export interface WhyAnswer {
  readonly case: Case
  readonly timeline: readonly (Source & {
    readonly rows: readonly (Pick<Reading, 'value' | 'quality'> & { readonly at: string })[]
  })[]
}

export interface WhyNotQuestion {
  readonly site: string
  readonly class: string
  readonly at: Instant
  /** An hour by default, or twice what the rules wait for. */
  readonly within?: Duration | undefined
}

/** 为何: answers why a case was raised, and why none was. */
export class WhyDesk {
  readonly #context: WhyContext

  constructor(context: WhyContext) {
    this.#context = context
  }

  /** @throws GanglionError `usage` when there is no such case, or several. */
  async why(key: string): Promise<WhyAnswer> {
    const found = this.#caseOf(key)
    const from = instant(Date.parse(found.since) - TIMELINE_MS)
    const to = later(instant(Date.parse(found.raisedAt)), 1)
    const sources = new Map(
      found.why.readings.map(({ deviceId, quantity, part }) => [
        `${deviceId} ${part} ${quantity}`,
        { deviceId, quantity, part },
      ]),
    )
    const timeline = await Promise.all(
      [...sources.values()].map(async (source) => {
        const readings = await this.#readingsOf(source, from, to)
        return {
          ...source,
          rows: readings.map(({ at, value, quality }) => ({ at: isoTime(at), value, quality })),
        }
      }),
    )
    return { case: found, timeline }
  }

  /** @throws GanglionError `usage` when no rule of the site raises the class. */
  async whyNot({ site, class: classId, at, within }: WhyNotQuestion): Promise<WhyNot> {
    const { store, plans } = this.#context
    const here = plans().slots.filter((slot) => slot.site.id === site)
    if (!here.some((slot) => slot.class.id === classId)) {
      const classes = [...new Set(here.map((slot) => slot.class.id))].sort().join(', ')
      throw new GanglionError(
        'usage',
        here.length === 0
          ? `the box has no site "${site}" whose devices move a rule`
          : `no rule raises "${classId}" from what the devices of "${site}" can say; they can raise ${classes}`,
      )
    }
    return whyNot(
      { siteId: site, classId, at, within: within ?? lookBack(plans(), site, classId, HOUR_MS) },
      {
        plans: plans(),
        reader: store.reader,
        readingsOf: (source, from, to) => this.#readingsOf(source, from, to),
      },
    )
  }

  #caseOf(key: string): Case {
    const wanted = /^[0-9a-f]{6,64}$/.test(key) ? key : undefined
    const bodies = (
      wanted === undefined
        ? []
        : this.#context.store.reader
            .prepare('SELECT body FROM cases WHERE key >= ? AND key < ? LIMIT 2')
            .pluck()
            .all(wanted, `${wanted}g`)
    ) as string[] // one text column
    const [body, other] = bodies
    if (body !== undefined && other === undefined) return JSON.parse(body) as Case // written by the case book
    throw new GanglionError(
      'usage',
      body === undefined
        ? `this box has no case with the key "${key.slice(0, 64)}"; wanted ${SHORTEST_KEY} to 64 hexadecimal digits`
        : `several cases begin with "${key}": give more of the key`,
    )
  }

  async #readingsOf(source: Source, from: Instant, to: Instant): Promise<readonly Reading[]> {
    const readings: Reading[] = []
    for (let begin = from; begin < to; begin = later(begin, SLICE_MS)) {
      const end = instant(Math.min(to, begin + SLICE_MS))
      const answer = await this.#context.history.query({ ...source, from: begin, to: end })
      if (!('rows' in answer)) continue
      for (const { at, value, quality } of answer.rows) {
        if (value === null) continue
        const { quantity, part } = source
        readings.push({ quantity, part, value, quality, at: instant(at) })
      }
    }
    return readings
  }
}
