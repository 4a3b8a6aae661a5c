import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { isGanglionError } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import type { Box } from './config.ts'
import { drillShown, drillsOf } from './drill-record.ts'
import { LONGEST_DRILL_MS, type Drilling } from './drilling.ts'
import { By, refuse, unknownDevice } from './refusal.ts'
import type { Reader } from './store/store.ts'

const MINUTE_MS = 60_000
const MOST_SHOWN = 50

const Begin = Type.Object(
  { minutes: Type.Integer({ minimum: 1, maximum: LONGEST_DRILL_MS / MINUTE_MS }), by: By },
  { additionalProperties: false },
)

export interface DrillRoutesContext {
  readonly box: Pick<Box, 'devices'>
  readonly drilling: Drilling
  readonly reader: Reader
}

/**
 * | route | answers |
 * |---|---|
 * | POST /api/devices/:id/drill `{minutes, by}` | 201: every case of the device is a drill for so long; 409 while it is in one |
 * | POST /api/devices/:id/drill/end | ends it now |
 * | GET /api/devices/:id/drills | newest first, with the time of each hop of its first case |
 */
export const drillRoutes =
  ({ box, drilling, reader }: DrillRoutesContext) =>
  (app: FastifyInstance): void => {
    app.post<{ Params: { id: string } }>('/api/devices/:id/drill', async (request, reply) => {
      if (!box.devices.has(request.params.id)) return unknownDevice(reply)
      const body = checker(Begin)(request.body)
      if (!body.ok) return refuse(reply, body.complaints)
      try {
        const begun = await drilling.begin(request.params.id, body.value.minutes * MINUTE_MS, body.value.by)
        return await reply.code(201).send(drillShown(begun, reader))
      } catch (error) {
        if (!isGanglionError(error)) throw error
        const status = error.code === 'not-allowed' ? 409 : 503
        return reply.code(status).send({ code: error.code, message: error.message })
      }
    })
    app.post<{ Params: { id: string } }>('/api/devices/:id/drill/end', async (request, reply) => {
      if (!box.devices.has(request.params.id)) return unknownDevice(reply)
      try {
        return drillShown(await drilling.end(request.params.id), reader)
      } catch (error) {
        if (!isGanglionError(error)) throw error
        const status = error.code === 'not-allowed' ? 409 : 503
        return reply.code(status).send({ code: error.code, message: error.message })
      }
    })
    app.get<{ Params: { id: string } }>('/api/devices/:id/drills', async (request, reply) => {
      if (!box.devices.has(request.params.id)) return unknownDevice(reply)
      return drillsOf(reader, request.params.id, MOST_SHOWN).map((drill) => drillShown(drill, reader))
    })
  }
