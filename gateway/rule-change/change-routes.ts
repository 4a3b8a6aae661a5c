import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { isGanglionError } from '../../base/errors.ts'
import { checker, type Complaint } from '../../base/schema.ts'
import { ConfigError } from '../../base/yaml.ts'
import { Id } from '../words.ts'
import type { ChangeDesk } from './change-desk.ts'

/** A pack of a few hundred rules with its tests. */
const LARGEST_PACK = 1024 * 1024
const DEFAULT_ROWS = 50

const closed = { additionalProperties: false } as const
const By = Type.String({ pattern: '^[^\\x00-\\x1f]{1,60}$', description: 'the name of who decides' })

const StageBody = Type.Object(
  {
    pack: Id,
    text: Type.String({ minLength: 1, maxLength: LARGEST_PACK }),
    insteadOf: Type.Optional(Id),
    by: By,
    minutes: Type.Integer({ minimum: 1, maximum: 1440 }),
    promised: Type.Object(
      {
        perHour: Type.Number({ minimum: 0, maximum: 1_000_000 }),
        atOnce: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
      },
      closed,
    ),
    times: Type.Number({ minimum: 1, maximum: 1000 }),
  },
  closed,
)
const EndBody = Type.Object({ word: Type.Enum(['keep', 'undo'] as const), by: By }, closed)
const Query = Type.Object({ limit: Type.Optional(Type.String({ pattern: '^\\d{1,3}$' })) }, closed)

/**
 * | route | answers |
 * |---|---|
 * | GET /api/rule-changes?limit= | changed packs, newest first: who, when, what came of each |
 * | POST /api/rule-changes `{pack, text, insteadOf?, by, minutes, promised, times}` | puts a changed pack in force and watches it; 422 with every mistake |
 * | POST /api/rule-changes/end `{word: keep or undo, by}` | a person ends the watch |
 */
export const changeRoutes =
  (desk: ChangeDesk) =>
  (app: FastifyInstance): void => {
    app.get('/api/rule-changes', async (request, reply) => {
      const query = checker(Query)(request.query)
      if (!query.ok) return wrong(reply, query.complaints)
      return desk.list(Number(query.value.limit ?? DEFAULT_ROWS))
    })
    app.post('/api/rule-changes', { bodyLimit: 2 * LARGEST_PACK }, async (request, reply) => {
      const body = checker(StageBody)(request.body)
      if (!body.ok) return wrong(reply, body.complaints)
      return decided(reply, () => desk.stage(body.value))
    })
    app.post('/api/rule-changes/end', async (request, reply) => {
      const body = checker(EndBody)(request.body)
      if (!body.ok) return wrong(reply, body.complaints)
      return decided(reply, async () => {
        await desk.end(body.value.word, body.value.by)
        return desk.list(1)[0]
      })
    })
  }

/** What cannot be is told with its reason. */
async function decided(reply: FastifyReply, decide: () => Promise<unknown>): Promise<unknown> {
  try {
    return await decide()
  } catch (error) {
    if (error instanceof ConfigError) {
      const { code, message, mistakes } = error
      return reply.code(422).send({ code, message, mistakes })
    }
    if (!isGanglionError(error)) throw error
    const { code, message, hint } = error
    const status = error.retry === 'later' ? 503 : 409
    return reply.code(status).send({ code, message: hint === undefined ? message : `${message}\n${hint}` })
  }
}

const wrong = (reply: FastifyReply, complaints: readonly Complaint[]): FastifyReply =>
  reply.code(400).send({
    code: 'payload-invalid',
    message: complaints.map(({ path, text }) => `${path} ${text}`.trim()).join('; '),
  })
