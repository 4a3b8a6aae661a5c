import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { checker } from '../base/schema.ts'
import { commandKindIds } from './command-kind.ts'
import { commandShown, type CommandRecord } from './command-record.ts'
import type { Commanding } from './commanding.ts'
import type { Box } from './config.ts'
import { commandsShown } from './enabled-commands.ts'
import { persuasionsShown } from './persuasion.ts'
import type { Store } from './store/store.ts'

const closed = { additionalProperties: false } as const

const Asked = Type.Object(
  {
    command: Type.Enum(commandKindIds),
    part: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,30}$' })),
    reason: Type.String({ minLength: 1, maxLength: 200, description: 'why; it is kept' }),
    requestId: Type.String({
      pattern: '^[A-Za-z0-9._-]{8,120}$',
      description: 'asking again under the same id does nothing and answers with what came of it',
    }),
    person: Type.Optional(Type.String({ minLength: 1, maxLength: 60, description: 'who asks' })),
  },
  closed,
)

const Query = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^\\d{1,4}$' })),
    device: Type.Optional(Type.String({ maxLength: 63 })),
  },
  closed,
)

const MOST = 1000

/**
 * | route | answers |
 * |---|---|
 * | GET /api/devices/:id/commands | what the site lets be asked of the device |
 * | POST /api/devices/:id/commands `{command, part?, reason, requestId, person?}` | 202 on its way, 409 refused, 200 what came of it |
 * | GET /api/commands?limit=&device= | the newest commands with who asked, why, and what came of them |
 * | GET /api/commands/:requestId | one of them |
 * | GET /api/persuasions?limit= | what was asked for at the spot before a case, and whether it was heeded |
 */
export const commandRoutes =
  (context: { readonly commanding: Commanding; readonly box: Pick<Box, 'devices'>; readonly store: Store }) =>
  (app: FastifyInstance): void => {
    const { commanding, store } = context
    app.get<{ Params: { id: string } }>('/api/devices/:id/commands', async (request, reply) => {
      const device = context.box.devices.get(request.params.id)
      return device ? commandsShown(device) : unknownDevice(reply)
    })

    app.post<{ Params: { id: string } }>('/api/devices/:id/commands', async (request, reply) => {
      const deviceId = request.params.id
      if (!context.box.devices.has(deviceId)) return unknownDevice(reply)
      const body = checker(Asked)(request.body)
      if (!body.ok) return wrong(reply, body.complaints)
      const { command, part = '', reason, requestId, person = 'api' } = body.value
      const by = { kind: 'person', id: person } as const
      const record = await commanding.begin({ requestId, deviceId, command, part, by, reason })
      const isOther = record.deviceId !== deviceId || record.command !== command || record.part !== part
      if (isOther) {
        const message = `the request id was used for ${record.command} of ${record.deviceId}`
        return reply.code(409).send({ code: 'not-allowed', message })
      }
      return answer(reply, record)
    })

    app.get('/api/commands', async (request, reply) => {
      const query = checker(Query)(request.query)
      if (!query.ok) return wrong(reply, query.complaints)
      const { limit, device } = query.value
      return commanding.recent(Number(limit ?? 100), device).map(commandShown)
    })

    app.get<{ Params: { requestId: string } }>('/api/commands/:requestId', async (request, reply) => {
      const record = commanding.find(request.params.requestId)
      if (record) return commandShown(record)
      return reply.code(404).send({ code: 'unknown', message: 'this box has no such command' })
    })

    app.get('/api/persuasions', async (request, reply) => {
      const query = checker(Query)(request.query)
      if (!query.ok) return wrong(reply, query.complaints)
      return persuasionsShown(store, Math.min(Number(query.value.limit ?? 100), MOST))
    })
  }

function answer(reply: FastifyReply, record: CommandRecord): FastifyReply {
  const { outcome, detail } = record
  if (outcome === 'refused')
    return reply
      .code(409)
      .send({ code: 'not-allowed', message: `refused: ${detail}`, ...commandShown(record) })
  return reply.code(outcome === 'under-way' ? 202 : 200).send(commandShown(record))
}

const unknownDevice = (reply: FastifyReply): FastifyReply =>
  reply.code(404).send({ code: 'device-unknown', message: 'no site of this box has such a device' })

const wrong = (
  reply: FastifyReply,
  complaints: readonly { readonly path: string; readonly text: string }[],
): FastifyReply =>
  reply.code(400).send({
    code: 'payload-invalid',
    message: complaints.map(({ path, text }) => `${path} ${text}`.trim()).join('; '),
  })
