import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { DURATION_PATTERN, parseDuration } from '../../base/amount.ts'
import { instant, isoTime, later, type Clock, type Instant } from '../../base/clock.ts'
import { isGanglionError } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'
import { quantityIds, quantityOf } from '../quantity.ts'
import type { History } from './history.ts'
import { MOST_ROWS } from './query.ts'

const DAY_MS = 86_400_000

const Time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT[0-9:.]{5,15}(Z|[+-]\\d\\d:\\d\\d)$' })

const PointQuery = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    part: Type.Optional(Type.String({ maxLength: 63 })),
    from: Type.Optional(Time),
    to: Type.Optional(Time),
    every: Type.Optional(Type.String({ pattern: DURATION_PATTERN, maxLength: 12 })),
  },
  { additionalProperties: false },
)

export interface HistoryRoutesContext {
  readonly history: Pick<History, 'query'>
  readonly clock: Clock
  readonly deviceIds: readonly string[]
}

/**
 * GET /api/devices/:id/history?quantity=&part=&from=&to=&every= : what one point said between two times of arrival (the
 * last 24 h by default), as `rows`, or as `steps` of `every` with count, min, max and avg. At most 10,000 of either;
 * `isCut` says that there are more rows.
 */
export function historyRoutes(context: HistoryRoutesContext) {
  const { history, clock } = context
  const check = checker(PointQuery)
  return (app: FastifyInstance): void => {
    app.get<{ Params: { id: string } }>('/api/devices/:id/history', async (request, reply) => {
      const refuse = (message: string) => reply.code(400).send({ code: 'payload-invalid', message })
      const deviceId = request.params.id
      if (!context.deviceIds.includes(deviceId)) {
        return reply
          .code(404)
          .send({ code: 'device-unknown', message: 'no site of this box has such a device' })
      }
      const checked = check(request.query)
      if (!checked.ok) return refuse(checked.complaints.map(({ path, text }) => `${path} ${text}`).join('; '))
      const { quantity, part = '', every } = checked.value
      const to = timeOf(checked.value.to) ?? later(clock.now(), 1)
      const from = timeOf(checked.value.from) ?? later(to, -DAY_MS)
      if (Number.isNaN(from) || Number.isNaN(to) || from >= to)
        return refuse('wanted from and to as RFC 3339 times, from before to')
      const everyMs = every === undefined ? undefined : parseDuration(every)
      if (everyMs !== undefined && !(everyMs >= 1 && (to - from) / everyMs <= MOST_ROWS))
        return refuse(`wanted at most ${MOST_ROWS} steps: a longer "every" or a shorter span`)
      try {
        const answer = await history.query({
          deviceId,
          quantity,
          part,
          from,
          to,
          ...(everyMs !== undefined && { every: everyMs }),
        })
        const { unit } = quantityOf(quantity)
        return await reply.send({
          deviceId,
          quantity,
          part,
          unit,
          from: isoTime(from),
          to: isoTime(to),
          ...shown(answer),
        })
      } catch (error) {
        if (!isGanglionError(error)) throw error
        return reply.code(503).send({ code: error.code, message: error.message })
      }
    })
  }
}

const timeOf = (text: string | undefined): Instant | undefined =>
  text === undefined ? undefined : instant(Date.parse(text))

function shown(answer: Awaited<ReturnType<History['query']>>): object {
  const withTime = <T extends { readonly at: number }>(rows: readonly T[]) =>
    rows.map((row) => ({ ...row, at: isoTime(instant(row.at)) }))
  return 'rows' in answer
    ? { rows: withTime(answer.rows), isCut: answer.isCut }
    : { steps: withTime(answer.steps) }
}
