import type { FastifyInstance, FastifyReply } from 'fastify'
import { isoTime } from '../../base/clock.ts'
import { checker } from '../../base/schema.ts'
import type { Box } from '../config.ts'
import { CredentialList, listComplaint } from './credential-list.ts'
import type { DoorControl } from './door-control.ts'

/** 10,000 cards with validity and hours. */
const LARGEST_LIST = 4 * 1024 * 1024

const checkList = checker(CredentialList)

/**
 * | route | answers |
 * |---|---|
 * | GET /api/doors | each door: open, forced, held, who may open it, what came of its asks |
 * | GET /api/sites/:id/credentials | the version of the site's list and how many cards it has, never what is in it |
 * | PUT /api/sites/:id/credentials | takes a whole list of a higher version; 409 for an older one |
 */
export const doorRoutes =
  ({ box, control }: { readonly box: Pick<Box, 'sites'>; readonly control: DoorControl }) =>
  (app: FastifyInstance): void => {
    const { doors, book, gatekeeper } = control
    const hasSite = (id: string): boolean => box.sites.some((site) => site.id === id)
    const about = (siteId: string): object | null => {
      const list = book.about(siteId)
      return list ? { ...list, at: isoTime(list.at) } : null
    }

    app.get('/api/doors', () =>
      doors.all().map(({ device, state }) => ({
        id: device.id,
        siteId: device.siteId,
        open: state.isOpen ?? null,
        forced: state.isForced,
        heldOpen: state.isHeld,
        readers: device.door.readers,
        leaving: device.door.leaving,
        lock: device.door.lock,
        credentials: about(device.siteId),
        asks: gatekeeper.figuresOf(device.id),
      })),
    )

    app.get<{ Params: { id: string } }>('/api/sites/:id/credentials', async (request, reply) => {
      const { id } = request.params
      if (!hasSite(id)) return unknownSite(reply)
      return about(id) ?? { version: 0, at: null, cards: 0 }
    })

    app.put<{ Params: { id: string } }>(
      '/api/sites/:id/credentials',
      { bodyLimit: LARGEST_LIST },
      async (request, reply) => {
        const { id } = request.params
        if (!hasSite(id)) return unknownSite(reply)
        const body = checkList(request.body)
        if (!body.ok) return wrong(reply, body.complaints.slice(0, 20).map(withoutValue).join('; '))
        const complaint = listComplaint(body.value)
        if (complaint !== undefined) return wrong(reply, complaint)
        const put = await book.put(id, body.value)
        if (put === 'taken' || put === 'same') return reply.send(about(id))
        const known = book.about(id)?.version ?? 0
        const message =
          put === 'older'
            ? `wanted a version above ${known}; got ${body.value.version}`
            : `version ${known} is known with other content: a changed list has a higher version`
        return reply.code(409).send({ code: 'not-allowed', message })
      },
    )
  }

/** What was wrong and where; what stood there may be a card's number. */
const withoutValue = ({ path, text }: { readonly path: string; readonly text: string }): string =>
  `${path} ${text.split(/; got |unknown key /)[0] ?? ''}`.trim()

const unknownSite = (reply: FastifyReply): FastifyReply =>
  reply.code(404).send({ code: 'unknown', message: 'this box has no such site' })

const wrong = (reply: FastifyReply, message: string): FastifyReply =>
  reply.code(400).send({ code: 'payload-invalid', message })
