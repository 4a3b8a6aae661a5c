import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { checker } from '../../base/schema.ts'
import { orReason, refuse } from '../refusal.ts'
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
      if (!query.ok) return refuse(reply, query.complaints)
      return desk.list(Number(query.value.limit ?? DEFAULT_ROWS))
    })
    app.post('/api/rule-changes', { bodyLimit: 2 * LARGEST_PACK }, async (request, reply) => {
      const body = checker(StageBody)(request.body)
      if (!body.ok) return refuse(reply, body.complaints)
      return orReason(reply, () => desk.stage(body.value))
    })
    app.post('/api/rule-changes/end', async (request, reply) => {
      const body = checker(EndBody)(request.body)
      if (!body.ok) return refuse(reply, body.complaints)
      return orReason(reply, async () => {
        await desk.end(body.value.word, body.value.by)
        return desk.list(1)[0]
      })
    })
  }
