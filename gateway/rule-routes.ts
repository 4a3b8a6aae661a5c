import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { isoTime } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import type { Box } from './config.ts'
import type { FilingLedger } from './filing-ledger.ts'
import type { RuleDesk } from './rule-desk.ts'
import { modesOf, type RuleModes } from './rule-modes.ts'
import type { Reader } from './store/store.ts'
import type { Trials, TrialThere } from './trials.ts'
import { Id } from './words.ts'
import { countWouldBe, readWouldBe } from './would-be.ts'

const MOST_ROWS = 1000
const DEFAULT_ROWS = 100

export interface RuleRoutesContext {
  readonly reader: Reader
  readonly box: Pick<Box, 'rules' | 'sites'>
  readonly desk: RuleDesk
  readonly filing: FilingLedger
  readonly modes: RuleModes
  readonly trials: Trials
}

const closed = { additionalProperties: false } as const
/** Who decides: a name that people know, without line breaks. */
const By = Type.String({ pattern: '^[^\\x00-\\x1f]{1,60}$', description: 'the name of who decides' })

const WouldBeQuery = Type.Object(
  {
    rule: Type.Optional(Id),
    site: Type.Optional(Id),
    limit: Type.Optional(Type.String({ pattern: '^\\d{1,4}$' })),
  },
  closed,
)
const ModeBody = Type.Object(
  {
    rule: Id,
    site: Type.Optional(Id),
    mode: Type.Enum(['live', 'shadow'] as const),
    by: By,
    reason: Type.Optional(Type.String({ maxLength: 300 })),
  },
  closed,
)
const ReviewBody = Type.Object({ site: Id }, closed)
const GoLiveBody = Type.Object({ site: Id, by: By }, closed)

/**
 * | route | answers |
 * |---|---|
 * | GET /api/would-be?rule=&site=&limit= | raises that were held back, newest first, and their counts by rule, site and what held them |
 * | GET /api/filing-rate | 立案率 of each rule at each site, with the platform's reasons for refusals |
 * | GET /api/rule-modes | which rules are in shadow or were decided on, by whom and when |
 * | POST /api/rule-modes `{rule, site?, mode, by, reason?}` | promotes a rule or puts it into shadow |
 * | GET /api/trials | how each site stands |
 * | POST /api/trials/review `{site}` | a person looks at the site's would-be cases |
 * | POST /api/trials/go-live `{site, by}` | ends the trial |
 */
export function addRuleRoutes(app: FastifyInstance, context: RuleRoutesContext): void {
  const { box, desk, filing, modes, reader, trials } = context

  app.get('/api/would-be', async (request, reply) => {
    const query = checker(WouldBeQuery)(request.query)
    if (!query.ok) return refuse(reply, 400, query.complaints.map(({ text }) => text).join('; '))
    const { rule, site: siteId, limit } = query.value
    const most = Math.min(Number(limit ?? DEFAULT_ROWS), MOST_ROWS)
    return {
      counts: countWouldBe(reader, { rule, siteId }),
      rows: readWouldBe(reader, { rule, siteId, limit: most }),
    }
  })
  app.get('/api/filing-rate', () => ({ limits: filing.limits, rates: filing.rates() }))
  app.get('/api/rule-modes', () => modesOf(box, modes))
  app.get('/api/trials', () => box.sites.map((site) => toAnswer(trials.at(site))))

  app.post('/api/rule-modes', async (request, reply) => {
    const body = checker(ModeBody)(request.body)
    if (!body.ok) return refuse(reply, 400, said(body.complaints))
    const { reason = '' } = body.value
    return decided(reply, async () => {
      await desk.decideMode({ ...body.value, reason })
      return { stored: true }
    })
  })
  app.post('/api/trials/review', async (request, reply) => {
    const body = checker(ReviewBody)(request.body)
    if (!body.ok) return refuse(reply, 400, said(body.complaints))
    return decided(reply, async () => toAnswer(await desk.review(body.value.site)))
  })
  app.post('/api/trials/go-live', async (request, reply) => {
    const body = checker(GoLiveBody)(request.body)
    if (!body.ok) return refuse(reply, 400, said(body.complaints))
    return decided(reply, async () => {
      await desk.goLive(body.value.site, body.value.by)
      return { stored: true }
    })
  })
}

export function toAnswer({ firstSeen, endsAt, reviewedAt, liveBy, ...rest }: TrialThere): object {
  const time = (at: typeof firstSeen): string | null => (at === undefined ? null : isoTime(at))
  return {
    ...rest,
    firstSeen: time(firstSeen),
    endsAt: time(endsAt),
    reviewedAt: time(reviewedAt),
    liveBy: liveBy ?? null,
  }
}

/** What the box refuses to decide is told with its reason. */
async function decided(reply: FastifyReply, decide: () => Promise<object>): Promise<unknown> {
  try {
    return await decide()
  } catch (error) {
    if (!isGanglionError(error)) throw error
    if (error.retry === 'later') throw error
    const hint = error.hint === undefined ? '' : `\n${error.hint}`
    return refuse(reply, error.code === 'usage' ? 404 : 409, `${error.message}${hint}`, error.code)
  }
}

const refuse = (reply: FastifyReply, status: number, message: string, code = 'payload-invalid'): unknown =>
  reply.code(status).send({ code, message })

const said = (complaints: readonly { readonly path: string; readonly text: string }[]): string =>
  complaints.map(({ path, text }) => `${path} ${text}`).join('; ')
