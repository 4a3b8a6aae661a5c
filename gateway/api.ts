import fastify, { type FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { checker } from '../base/schema.ts'
import { holdsToken, type WireAccounts } from './access.ts'
import { CONTRACT } from './case.ts'
import { quantityOf } from './quantity.ts'
import type { Reading } from './reading.ts'
import type { Store } from './store/store.ts'
import { Id } from './words.ts'

const LARGEST_BODY = 64 * 1024
const MOST_CASES = 1000

export interface ApiContext {
  readonly token: string
  readonly boxId: string
  readonly configHash: string
  readonly version: string
  readonly store: Store
  readonly accounts: WireAccounts
  health(): object
  readingsOf(deviceId: string): readonly Reading[]
  readonly deviceIds: readonly string[]
  strangers(): readonly object[]
  /** Routes of other files, behind the same token. */
  readonly more?: readonly ((app: FastifyInstance) => void)[]
}

const NewAccount = Type.Object(
  { id: Id, kind: Type.Enum(['device', 'bridge'] as const) },
  { additionalProperties: false },
)
const CaseQuery = Type.Object(
  { limit: Type.Optional(Type.String({ pattern: '^\\d{1,4}$' })) },
  { additionalProperties: false },
)

/**
 * The gateway's HTTP API. Every route wants the token of the data folder; there is none without. Those that judge
 * rules are in rule-routes.ts, the history of a point in history/routes.ts, commands in command-routes.ts, doors in
 * door/door-routes.ts.
 *
 * | route | answers |
 * |---|---|
 * | GET /api/health | states of connections, troubles with counts, store and delivery figures |
 * | GET /api/config | `{boxId, configHash, version, contract}` |
 * | GET /api/cases?limit= | the newest cases as the platform gets them |
 * | GET /api/cases/:key | one case |
 * | GET /api/devices/:id/readings | the last reading of each point |
 * | GET /api/strangers | devices that spoke but are in no site, newest first |
 * | POST /api/accounts `{id, kind}` | a new wire secret, shown once |
 */
export function makeApi(context: ApiContext): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: LARGEST_BODY,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    forceCloseConnections: true,
  })
  app.addHook('onRequest', async (request, reply) => {
    if (holdsToken(request.headers.authorization, context.token)) return
    await reply
      .code(401)
      .header('www-authenticate', 'Bearer')
      .send({ code: 'not-allowed', message: 'wanted: Authorization: Bearer <token of the data folder>' })
  })
  // Nothing of the inside leaves by an error.
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500
    await reply.code(status).send({
      code: status < 500 ? 'payload-invalid' : 'failed',
      message: status < 500 ? error.message : 'it failed inside; see the log',
    })
  })

  app.get('/api/health', () => context.health())
  app.get('/api/strangers', () => context.strangers())
  app.get('/api/config', () => ({
    boxId: context.boxId,
    configHash: context.configHash,
    version: context.version,
    contract: CONTRACT,
  }))

  const recent = context.store.reader
    .prepare('SELECT body FROM cases ORDER BY raised_at DESC LIMIT ?')
    .pluck()
  const one = context.store.reader.prepare('SELECT body FROM cases WHERE key = ?').pluck()
  app.get('/api/cases', async (request, reply) => {
    const query = checker(CaseQuery)(request.query)
    if (!query.ok)
      return reply
        .code(400)
        .send({ code: 'payload-invalid', message: query.complaints.map(({ text }) => text).join('; ') })
    const limit = Math.min(Number(query.value.limit ?? 100), MOST_CASES)
    return (recent.all(limit) as string[]).map((body) => JSON.parse(body) as unknown) // one text column
  })
  app.get<{ Params: { key: string } }>('/api/cases/:key', async (request, reply) => {
    const body = one.get(request.params.key) as string | undefined // one text column
    if (body === undefined)
      return reply.code(404).send({ code: 'unknown', message: 'this box has no such case' })
    return reply.type('application/json').send(body)
  })
  app.get<{ Params: { id: string } }>('/api/devices/:id/readings', async (request, reply) => {
    if (!context.deviceIds.includes(request.params.id)) {
      return reply
        .code(404)
        .send({ code: 'device-unknown', message: 'no site of this box has such a device' })
    }
    return context
      .readingsOf(request.params.id)
      .map((reading) => ({ ...reading, unit: quantityOf(reading.quantity).unit }))
  })
  app.post('/api/accounts', async (request, reply) => {
    const body = checker(NewAccount)(request.body)
    if (!body.ok) {
      return reply.code(400).send({
        code: 'payload-invalid',
        message: body.complaints.map(({ path, text }) => `${path} ${text}`).join('; '),
      })
    }
    const secret = await context.accounts.add(body.value.id, body.value.kind)
    return reply.code(201).send({ id: body.value.id, secret })
  })
  for (const add of context.more ?? []) add(app)
  return app
}
