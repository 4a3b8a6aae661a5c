import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { isGanglionError } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import type { Acceptances } from './acceptance.ts'
import { LARGEST_PHOTO } from './acceptance.ts'
import { acceptancePage, type AcceptanceShown } from './acceptance-page.ts'
import type { Box } from './config.ts'
import type { EvidenceFolder } from './evidence.ts'
import { By, refuse, unknownDevice } from './refusal.ts'
import { Position } from './words.ts'

/** As base64 it is a third longer. */
const LARGEST_BODY = Math.ceil((LARGEST_PHOTO * 4) / 3) + 64 * 1024

const closed = { additionalProperties: false } as const
const Accept = Type.Object(
  {
    by: By,
    note: Type.Optional(Type.String({ maxLength: 1000 })),
    position: Type.Optional(Position),
    photo: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'JPEG or PNG as base64, 4 MiB at most' }),
    ),
  },
  closed,
)
const Unit = Type.Object(
  {
    profile: Type.String({ maxLength: 63 }),
    variant: Type.Optional(Type.String({ maxLength: 63 })),
    via: Type.Record(Type.String({ maxLength: 63 }), Type.Unknown(), { maxProperties: 1 }),
  },
  closed,
)
const Replaced = Type.Object({ by: By, before: Unit, after: Unit }, closed)

export interface AcceptanceRoutesContext {
  readonly box: Pick<Box, 'devices'>
  readonly acceptances: Acceptances
  readonly photos: EvidenceFolder
}

/**
 * | route | answers |
 * |---|---|
 * | POST /api/devices/:id/acceptance `{by, note?, position?, photo?}` | 201: the record, with the device's latest drill |
 * | GET /api/devices/:id/acceptance | all records of the device, newest first, and its replacements |
 * | GET /api/devices/:id/acceptance.html | the newest record as one page to print, photo in it |
 * | POST /api/devices/:id/replacements `{by, before, after}` | 201: written down |
 */
export const acceptanceRoutes =
  ({ acceptances, box, photos }: AcceptanceRoutesContext) =>
  (app: FastifyInstance): void => {
    app.post<{ Params: { id: string } }>(
      '/api/devices/:id/acceptance',
      { bodyLimit: LARGEST_BODY },
      async (request, reply) => {
        if (!box.devices.has(request.params.id)) return unknownDevice(reply)
        const body = checker(Accept)(request.body)
        if (!body.ok) return refuse(reply, body.complaints)
        const { photo, ...wish } = body.value
        try {
          const bytes = photo === undefined ? undefined : Buffer.from(photo, 'base64')
          const record = await acceptances.accept({ deviceId: request.params.id, ...wish, photo: bytes })
          return await reply.code(201).send(record)
        } catch (error) {
          if (!isGanglionError(error)) throw error
          const status = error.code.startsWith('payload') ? 400 : 503
          return reply.code(status).send({ code: error.code, message: error.message })
        }
      },
    )
    app.get<{ Params: { id: string } }>('/api/devices/:id/acceptance', async (request, reply) => {
      const { id } = request.params
      if (!box.devices.has(id)) return unknownDevice(reply)
      return { records: acceptances.of(id), replacements: acceptances.replacementsOf(id) }
    })
    app.get<{ Params: { id: string } }>('/api/devices/:id/acceptance.html', async (request, reply) => {
      const { id } = request.params
      if (!box.devices.has(id)) return unknownDevice(reply)
      const [newest] = acceptances.of(id) as AcceptanceShown[] // as Acceptances shows them
      if (!newest) return reply.code(404).send({ code: 'unknown', message: `"${id}" was not accepted yet` })
      const page = acceptancePage(newest, await photoOf(photos, newest))
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', "default-src 'none'; img-src data:; style-src 'unsafe-inline'")
        .send(page)
    })
    app.post<{ Params: { id: string } }>('/api/devices/:id/replacements', async (request, reply) => {
      const { id } = request.params
      if (!box.devices.has(id)) return unknownDevice(reply)
      const body = checker(Replaced)(request.body)
      if (!body.ok) return refuse(reply, body.complaints)
      const { by, ...change } = body.value
      await acceptances.replaced(id, by, change)
      return reply.code(201).send({ by, ...change })
    })
  }

/** A page whose photo is gone says so; the record stands. */
async function photoOf(photos: EvidenceFolder, { photo }: AcceptanceShown): Promise<Buffer | undefined> {
  return photo ? readFile(photos.pathOf(photo.sha256)).catch(() => undefined) : undefined
}
