import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { DURATION_PATTERN, parseDuration } from '../base/amount.ts'
import { instant, type Clock } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import type { WhyDesk } from './why-desk.ts'
import { Id } from './words.ts'

const Question = Type.Object(
  {
    site: Id,
    class: Id,
    at: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT[0-9:.]{5,15}(Z|[+-]\\d\\d:\\d\\d)$' })),
    within: Type.Optional(Type.String({ pattern: DURATION_PATTERN, maxLength: 12 })),
  },
  { additionalProperties: false },
)

/**
 * | route | answers |
 * |---|---|
 * | GET /api/why/:key | the case, and what each point that moved its rule said from ten minutes before it began |
 * | GET /api/why-not?site=&class=&at=&within= | which rules came how near then, and what held them back; now by default |
 */
export function whyRoutes(desk: WhyDesk, clock: Clock) {
  const check = checker(Question)
  const answer = async (reply: FastifyReply, work: () => Promise<object>) => {
    try {
      return await work()
    } catch (error) {
      if (!isGanglionError(error, 'usage')) throw error
      return reply.code(404).send({ code: 'unknown', message: error.message })
    }
  }
  return (app: FastifyInstance): void => {
    app.get<{ Params: { key: string } }>('/api/why/:key', (request, reply) =>
      answer(reply, () => desk.why(request.params.key)),
    )
    app.get('/api/why-not', async (request, reply) => {
      const checked = check(request.query)
      const at = checked.ok ? timeOf(checked.value.at, clock) : NaN
      if (!checked.ok || Number.isNaN(at)) {
        const texts = checked.ok
          ? ['/at wanted an RFC 3339 time']
          : checked.complaints.map(({ path, text }) => `${path} ${text}`)
        return reply.code(400).send({ code: 'payload-invalid', message: texts.join('; ') })
      }
      const { site, class: classId, within } = checked.value
      return answer(reply, () =>
        desk.whyNot({
          site,
          class: classId,
          at: instant(at),
          within: within === undefined ? undefined : parseDuration(within),
        }),
      )
    })
  }
}

const timeOf = (text: string | undefined, clock: Clock): number =>
  text === undefined ? clock.now() : Date.parse(text)
